"""What is drawn for a probe, a function of seed and purpose; and the averages over draws, with standard errors."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import nan

import numpy as np
import numpy.typing as npt

from toolkit.backends.base import Backend, Tensor
from toolkit.data.base import Dataset
from toolkit.interference.table import Row
from toolkit.spaces import Arch, SearchSpace

FloatArray = npt.NDArray[np.floating]

_STREAM = 0x70726F62  # sets these draws apart from all others made with the same seed

Batch = tuple[Tensor, Tensor]
"""Normalised images (n, c, h, w) and their labels (n,), on the device."""


def generator(seed: int, purpose: str, *numbers: int) -> np.random.Generator:
    """The randomness of one purpose."""
    return np.random.default_rng([seed, _STREAM, *purpose.encode(), *numbers])


def draw_batches(backend: Backend, data: Dataset, count: int, images: int, seed: int) -> Iterator[Batch]:
    """`count` batches of training images as evaluation sees them, not augmented; none twice in a batch."""
    spec, labels = data.spec, data.train.labels
    for number in range(count):
        chosen = generator(seed, "batch", number).choice(len(labels), min(images, len(labels)), replace=False)
        pixels = backend.place(data.train.images(chosen))
        yield backend.normalise(pixels, spec.mean, spec.std), backend.place(labels[chosen])


def draw_answers(space: SearchSpace, count: int, rng: np.random.Generator) -> list[list[int]]:
    """Answers to all decisions, those that will not apply included, `count` times.

    Each is uniform by itself; together every option of a decision comes up equally often, as near as `count` allows
    (a Latin hypercube, or the fair draw of Chu et al., arXiv 1907.01845). Where decisions constrain each other, whole
    architectures are drawn by the space's law instead.
    """
    if space.constrained:
        return [list(space.sample(rng)) for _ in range(count)]
    columns = []
    for decision in space.decisions:
        options = len(decision.options)
        rounds = [rng.permutation(options) for _ in range(-(-count // options))]
        columns.append(np.concatenate(rounds)[:count].tolist())
    return [list(answers) for answers in zip(*columns, strict=True)]


def draw_paths(space: SearchSpace, count: int, seed: int) -> list[Arch]:
    """`count` different architectures, drawn fairly; fewer where the space hardly has more."""
    rng, paths = generator(seed, "paths"), dict[Arch, None]()
    for _ in range(8):
        drawn = (space.canonical(answers) for answers in draw_answers(space, count, rng))
        paths |= dict.fromkeys(drawn)
        if len(paths) >= count:
            break
    return list(paths)[:count]


class Tally:
    """Averages the same measurement over draws."""

    def __init__(self) -> None:
        self._values: dict[Row, list[float]] = {}

    def add(self, row: Row, value: float) -> None:
        """One draw's `value` of what `row` is about; NaN: this draw has no number."""
        self._values.setdefault(replace(row, value=0.0, error=0.0, n=0), []).append(value)

    def rows(self) -> Iterator[Row]:
        """Every measurement: mean, standard error and number of the draws that have a number."""
        for row, values in self._values.items():
            known = [value for value in values if math.isfinite(value)]
            yield replace(row, value=mean(known), error=standard_error(known), n=len(known))


def mean(values: Sequence[float]) -> float:
    """NaN without any."""
    return math.fsum(values) / len(values) if values else nan


def standard_error(values: Sequence[float]) -> float:
    """Of the mean of independent draws; NaN with fewer than two."""
    return float(np.std(values, ddof=1)) / math.sqrt(len(values)) if len(values) > 1 else nan
