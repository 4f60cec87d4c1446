"""What every image data set looks like to the rest of the toolkit."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from toolkit.backends.base import Images, Labels

Indices = npt.NDArray[np.int64]


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

    def augmented(self, indices: Sequence[int] | Indices, rng: np.random.Generator) -> Images:
        """The images as training sees them: randomly cropped, flipped; all randomness from `rng`."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """A data set, split. The parts share no image unless the user asked for that by name."""

    name: str
    spec: ImageSpec
    train: Split
    calibration: Split
    validation: Split
