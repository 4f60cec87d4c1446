"""The images that networks are tested on: decoded once, in one order, the same for every network."""

from dataclasses import dataclass

import numpy as np

from toolkit.backends.base import Images, Labels
from toolkit.data.augmentation import distorted
from toolkit.data.base import DRAWS, Dataset, ImageSpec, Indices, Split
from toolkit.errors import InputError
from toolkit.evaluation.policy import NormPolicy

_TOGETHER = 512
"""Images to decode at a time."""

_VIEWS = 0x76696577
"""In place of a training's seed: views of images to test are the same for all runs."""


@dataclass(frozen=True, eq=False)
class EvaluationSet:
    """What networks are tested on, and where their batch-norm statistics come from; plain data.

    Attributes:
        pixels: uint8, shape (calibration + images, channels, size, size): those for calibration in front.
        labels: of the images to test, shape (images,).
        digest: identifies the validation split and how it is normalised; these are its first images.
        norm: the policy and the images it calibrates on, as results are filed.
    """

    spec: ImageSpec
    policy: NormPolicy
    pixels: Images
    labels: Labels
    digest: str
    norm: str

    @classmethod
    def of(
        cls, data: Dataset, policy: NormPolicy, images: int | None = None, view: int | None = None
    ) -> "EvaluationSet":
        """The first so many validation images, by default all; splits are shuffled by their seed.

        Args:
            view: as training would see them, which is another for each number.

        Raises:
            InputError: more images asked for than there are.
        """
        available, kept = len(data.validation.labels), len(data.calibration.labels)
        images = available if images is None else images
        problems = []
        if not 0 < images <= available:
            problems.append(f"{images} images to test on: the validation split has {available}")
        calibration = policy.calibration
        if calibration > kept:
            problems.append(
                f"{policy} asks for {calibration} calibration images, the data keeps {kept}; ask for fewer, or train "
                "with a larger data.calibration"
            )
        if problems:
            raise InputError(problems)
        spec, norm = data.spec, str(policy)
        pixels = np.empty((calibration + images, spec.channels, spec.size, spec.size), np.uint8)
        if calibration:
            pixels[:calibration] = _shown(data, data.calibration, np.arange(calibration), view)
        for start in range(0, images, _TOGETHER):
            some = np.arange(start, min(start + _TOGETHER, images))
            pixels[calibration + some] = _shown(data, data.validation, some, view)
        if calibration:
            norm += f" of {data.calibration.digest[:12]}"
        return cls(spec, policy, pixels, data.validation.labels[:images], data.identity(data.validation), norm)


def _shown(data: Dataset, split: Split, which: Indices, view: int | None) -> Images:
    """Some images as they are, or one of their views."""
    if view is None:
        return split.images(which)
    when = (_VIEWS, view, int(which[0]))
    images = split.augmented(which, np.random.default_rng(when).random((len(which), DRAWS)))
    if data.augmentation is None:
        return images
    return distorted(images, data.augmentation, data.spec.mean, when, slice(None), len(which))
