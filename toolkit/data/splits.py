"""Who goes where: deterministic, disjoint, stratified parts."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from toolkit.backends.base import Labels
from toolkit.data.base import SPLIT, Indices
from toolkit.errors import InputError

CALIBRATION = 2560
"""Default number of calibration images, but never more than a tenth of the training images."""


class Parts(NamedTuple):
    """Indices of the images of each part; those of `validation` point into the official part where there is one."""

    train: Indices
    calibration: Indices
    validation: Indices


@dataclass(frozen=True, slots=True)
class Splitting:
    """How the user wants a data set split.

    Attributes:
        calibration: images cut out of the training part; by default 2,560, at most a tenth.
        validation: images of the official test part (by default all), or cut out of the training part (a tenth).
        overlap: calibration images stay in the training part as well.
    """

    seed: int = 0
    calibration: int | None = None
    validation: int | None = None
    overlap: bool = False

    def parts(self, train: Labels, official: Labels | None = None) -> Parts:
        """Split images with the labels `train` and, where the data set has a test part, `official`.

        Calibration and validation come in an order that mixes classes, so that any batch of them resembles the whole.

        Raises:
            InputError: more images are asked for than there are.
        """
        order = stratified_order(train, np.random.default_rng([self.seed, SPLIT]))
        validation, calibration = self.validation, self.calibration
        if official is None:
            available = len(train)
            validation = max(1, available // 10) if validation is None else validation
            held_out, order = np.split(order, [validation])
        else:
            available = len(official)
            # The whole official part is in the same order for every seed, so that results on it can be compared.
            seed = 0 if validation is None else self.seed
            validation = available if validation is None else validation
            held_out = stratified_order(official, np.random.default_rng([seed, SPLIT]))[:validation]
        if calibration is None:
            calibration = min(CALIBRATION, max(1, len(order) // 10))
        rest = np.sort(order if self.overlap else order[calibration:])

        problems = []
        if not 1 <= validation <= available:
            problems.append(f"validation: {validation} images asked for; choose from 1 to {available}")
        if not 0 <= calibration <= len(order):
            problems.append(f"calibration: {calibration} images asked for; choose from 0 to {len(order)}")
        if not problems and not len(rest):
            problems.append("no training images are left; ask for fewer validation or calibration images")
        if problems:
            raise InputError(problems)
        return Parts(rest, order[:calibration], held_out)


def stratified_order(labels: Labels, rng: np.random.Generator) -> Indices:
    """A random order of 0..n-1 whose every prefix holds the classes in nearly the proportions of the whole."""
    shuffled = rng.permutation(len(labels))
    by_class = shuffled[np.argsort(labels[shuffled], kind="stable")]
    counts = np.bincount(labels)
    place = np.arange(len(labels)) - np.repeat(np.cumsum(counts) - counts, counts)
    return by_class[np.argsort((place + rng.random(len(labels))) / np.repeat(counts, counts), kind="stable")]
