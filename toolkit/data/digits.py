"""The digits that come with scikit-learn: 1,797 images of 8x8 (UCI optical recognition of handwritten digits)."""

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt

from toolkit.data.arrays import array_dataset
from toolkit.data.base import Dataset, ImageSpec
from toolkit.data.splits import Splitting

SPEC = ImageSpec(channels=1, size=8, classes=10, mean=(0.3053,), std=(0.3759,))
LEVELS = 16
VALIDATION, CALIBRATION = 400, 128


def read_digits() -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """All images, (1797, 64) from 0 to 16, and their labels: what `sklearn.datasets.load_digits` reads.

    The file is read without that module, which takes longer to import than a small training takes.
    """
    package = find_spec("sklearn")
    assert package is not None  # noqa: S101
    assert package.submodule_search_locations is not None  # noqa: S101
    (folder, *_) = package.submodule_search_locations
    table = np.loadtxt(Path(folder) / "datasets" / "data" / "digits.csv.gz", delimiter=",")
    return table[:, :-1], table[:, -1].astype(np.int64)


def open_digits(splitting: Splitting, *, size: int | None, memory_limit: int) -> Dataset:
    """The digits, by default 400 for validation, 128 for calibration and 1,269 for training; never flipped.

    Raises:
        InputError: more images are asked for than there are, or than fit.
    """
    images, labels = read_digits()
    pixels = np.rint(images * (255 / LEVELS)).astype(np.uint8).reshape(-1, 1, SPEC.size, SPEC.size)
    splitting = replace(
        splitting,
        validation=VALIDATION if splitting.validation is None else splitting.validation,
        calibration=CALIBRATION if splitting.calibration is None else splitting.calibration,
    )
    spec = replace(SPEC, size=size or SPEC.size)
    data = (pixels, labels)
    return array_dataset("digits", spec, splitting, data, flip=False, memory_limit=memory_limit)
