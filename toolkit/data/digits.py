"""The digits that come with scikit-learn: 1,797 images of 8x8 (UCI optical recognition of handwritten digits)."""

from dataclasses import replace

import numpy as np

from toolkit.data.arrays import array_dataset
from toolkit.data.base import Dataset, ImageSpec
from toolkit.data.splits import Splitting

SPEC = ImageSpec(channels=1, size=8, classes=10, mean=(0.3053,), std=(0.3759,))
LEVELS = 16
VALIDATION, CALIBRATION = 400, 128


def open_digits(splitting: Splitting, *, size: int | None, memory_limit: int) -> Dataset:
    """The digits, by default 400 for validation, 128 for calibration and 1,269 for training; never flipped.

    Raises:
        InputError: more images are asked for than there are, or than fit.
    """
    from sklearn.datasets import load_digits  # slow to import

    images, labels = load_digits(return_X_y=True)
    pixels = np.rint(images * (255 / LEVELS)).astype(np.uint8).reshape(-1, 1, SPEC.size, SPEC.size)
    splitting = replace(
        splitting,
        validation=VALIDATION if splitting.validation is None else splitting.validation,
        calibration=CALIBRATION if splitting.calibration is None else splitting.calibration,
    )
    spec = replace(SPEC, size=size or SPEC.size)
    data = (pixels, labels.astype(np.int64))
    return array_dataset("digits", spec, splitting, data, flip=False, memory_limit=memory_limit)
