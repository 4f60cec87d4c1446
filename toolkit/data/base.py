"""What every image data set looks like to the rest of the toolkit."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from toolkit.backends.base import Images, Labels

if TYPE_CHECKING:
    from toolkit.data.augmentation import Augmentation

Indices = npt.NDArray[np.int64]

Draws = npt.NDArray[np.float64]
"""Uniform numbers in [0, 1), shape (n, DRAWS): one row holds all the randomness of one image's augmentation."""

DRAWS = 23
"""What the hungriest augmentation needs: a flip, a place (2) and ten attempts at the size of a crop (20)."""

SPLIT, ORDER, AUGMENTATION, HELD_OUT, POLICY, CUTOUT, MIXUP, VIEW = 101, 102, 103, 104, 105, 106, 107, 108
"""Purposes of random streams: generators are seeded with [seed, purpose, ...], so equal seeds share no numbers."""

Progress = Callable[[str, int, int], None]
"""Called with (what is being done, how many are done, of how many)."""


@dataclass(frozen=True, slots=True)
class ImageSpec:
    """The shape of a data set's images and how to normalise them: (x / 255 - mean) / std per channel."""

    channels: int
    size: int
    classes: int
    mean: tuple[float, ...]
    std: tuple[float, ...]


class Split(Protocol):
    """One part of a data set: training, calibration or validation images."""

    @property
    def labels(self) -> Labels:
        """Class indices, shape (n,)."""

    @property
    def digest(self) -> str:
        """Identifies exactly these images in this order with these labels: 64 hexadecimal digits."""

    def images(self, indices: Sequence[int] | Indices) -> Images:
        """The images as evaluation sees them: uint8, shape (len(indices), channels, size, size)."""

    def augmented(self, indices: Sequence[int] | Indices, draws: Draws) -> Images:
        """The images as training sees them: randomly cropped and, where that keeps the class, flipped.

        An image depends on its own row of `draws` only, never on its neighbours in the batch.
        """


@dataclass(frozen=True, slots=True)
class Dataset:
    """A data set, split. The parts share no image unless the user asked for that by name.

    Attributes:
        skipped: the image files that were left out because they cannot be read, relative to the data folder.
        remarks: what else a user should know of how the folder was read.
        augmentation: what training images go through after crop and flip; None: nothing.
        renormalised: `spec` has another mean or standard deviation than the data's own.
    """

    name: str
    spec: ImageSpec
    train: Split
    calibration: Split
    validation: Split
    skipped: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    augmentation: "Augmentation | None" = None
    renormalised: bool = False

    def identity(self, split: Split) -> str:
        """Identifies a part as networks see it: its images, and their normalisation if that is not the data's own."""
        if not self.renormalised:
            return split.digest
        return hashlib.sha256(f"{split.digest} {self.spec.mean} {self.spec.std}".encode()).hexdigest()
