"""Splits that are held in memory as one uint8 array."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from PIL import Image

from toolkit.backends.base import Images, Labels
from toolkit.data.base import Dataset, Draws, ImageSpec, Indices
from toolkit.data.splits import Splitting
from toolkit.errors import InputError

Labelled = tuple[Images, Labels]


@dataclass(frozen=True, eq=False)
class ArraySplit:
    """Images in memory; training sees them shifted by up to an eighth of their size and, if `flip`, mirrored.

    Attributes:
        pixels: uint8, shape (n, channels, size, size).
        labels: shape (n,).
    """

    pixels: Images
    labels: Labels
    flip: bool

    @cached_property
    def digest(self) -> str:
        """SHA-256 over shape, pixels and labels."""
        sha = hashlib.sha256(repr(self.pixels.shape).encode())
        sha.update(np.ascontiguousarray(self.pixels).data)
        sha.update(np.ascontiguousarray(self.labels).data)
        return sha.hexdigest()

    def images(self, indices: Sequence[int] | Indices) -> Images:
        """The images as they are."""
        return self.pixels[np.asarray(indices, np.int64)]

    def augmented(self, indices: Sequence[int] | Indices, draws: Draws) -> Images:
        """Random crops of the images padded with black by size // 8 (4 pixels for 32x32), half of them flipped."""
        size = self.pixels.shape[-1]
        pad = size // 8
        padded = np.pad(self.images(indices), ((0, 0), (0, 0), (pad, pad), (pad, pad)))
        windows = sliding_window_view(padded, (size, size), axis=(2, 3))
        top, left = (draws[:, 1:3] * (2 * pad + 1)).astype(np.int64).T
        crops: Images = windows[np.arange(len(padded)), :, top, left]
        if self.flip:
            mirrored = draws[:, 0] < 0.5
            crops[mirrored] = crops[mirrored, :, :, ::-1]
        return crops


def array_dataset(
    name: str,
    spec: ImageSpec,
    splitting: Splitting,
    train: Labelled,
    test: Labelled | None = None,
    *,
    flip: bool,
    memory_limit: int,
) -> Dataset:
    """Split arrays, resized to `spec.size` if need be.

    Raises:
        InputError: more images are asked for than there are, or than fit.
    """
    parts = splitting.parts(train[1], None if test is None else test[1])
    check_memory(sum(map(len, parts)), spec, memory_limit)

    def split(source: Labelled, indices: Indices) -> ArraySplit:
        images, labels = source
        return ArraySplit(resized(images[indices], spec.size), labels[indices], flip)

    return Dataset(
        name,
        spec,
        train=split(train, parts.train),
        calibration=split(train, parts.calibration),
        validation=split(test or train, parts.validation),
    )


def resized(images: Images, size: int) -> Images:
    """Square images scaled to `size` by Pillow, bilinear."""
    if images.shape[-1] == size:
        return images
    result = np.empty((*images.shape[:2], size, size), np.uint8)
    for plane, target in zip(images.reshape(-1, *images.shape[2:]), result.reshape(-1, size, size), strict=True):
        target[:] = Image.fromarray(plane).resize((size, size), Image.Resampling.BILINEAR)
    return result


def check_memory(count: int, spec: ImageSpec, limit: int) -> None:
    """Refuse before anything is read what would not fit.

    Raises:
        InputError: `count` decoded images take more than `limit` bytes; says how much.
    """
    needed = count * spec.channels * spec.size**2
    if needed > limit:
        raise InputError(
            f"{count} images of {spec.size}x{spec.size} take {needed / 2**30:.2f} GiB of memory, more than the "
            f"limit of {limit / 2**30:.2f} GiB; ask for fewer or smaller images, or raise the limit"
        )
