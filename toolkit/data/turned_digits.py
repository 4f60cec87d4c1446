"""A harder task made of the digits that come with scikit-learn: turned, dimmed, cluttered, noisy; 40 classes.

Each image is a digit turned by 0 to 3 quarter turns, and its class says which digit and how far: 4 * digit + turns. It
is dimmed, a piece of another digit lies on it, and noise over both. Networks of different capacity differ by many
points here, which they do not on the plain digits. Test images are made of other handwriting than training images.
"""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from toolkit.backends.base import Labels
from toolkit.data.arrays import Labelled, array_dataset
from toolkit.data.base import Dataset, ImageSpec
from toolkit.data.digits import LEVELS, read_digits
from toolkit.data.splits import Splitting

SPEC = ImageSpec(channels=1, size=8, classes=40, mean=(0.288,), std=(0.305,))
TRAINING, TEST = 5_376, 2_000
"""Images that are made for training, calibration among them, and for testing."""

WRITTEN = 1_297
"""How many of the 1,797 digits training images are made of; test images are of the others."""

CALIBRATION = 256
DIMMEST, CLUTTER, PATCH, NOISE = 0.6, 0.7, 3, 0.12
"""Least brightness of a digit, brightness of the clutter, its side in pixels, standard deviation of the noise."""

Grey = npt.NDArray[np.float32]


def open_turned_digits(splitting: Splitting, *, size: int | None, memory_limit: int) -> Dataset:
    """The images, the same every time; 256 for calibration by default, 5,120 for training, 2,000 for validation.

    Raises:
        InputError: more images are asked for than there are, or than fit.
    """
    images, labels = read_digits()
    digits = (images / LEVELS).reshape(-1, SPEC.size, SPEC.size).astype(np.float32)
    rng = np.random.default_rng(0)
    order = rng.permutation(len(digits))
    train, test = (
        _made(digits[chosen], labels[chosen], count, rng)
        for chosen, count in ((order[:WRITTEN], TRAINING), (order[WRITTEN:], TEST))
    )
    calibration = CALIBRATION if splitting.calibration is None else splitting.calibration
    spec = replace(SPEC, size=size or SPEC.size)
    parts = replace(splitting, calibration=calibration)
    return array_dataset("turned-digits", spec, parts, train, test, flip=False, memory_limit=memory_limit)


def _made(digits: Grey, labels: Labels, count: int, rng: np.random.Generator) -> Labelled:
    """`count` images, uint8 (count, 1, 8, 8), and their classes."""
    rows = np.arange(count)
    digit, other = rng.integers(0, len(digits), (2, count))
    turns = rng.integers(0, 4, count)
    places = np.indices((SPEC.size, SPEC.size))
    turned = np.stack([np.rot90(places, turn, (1, 2)) for turn in range(4)])[turns]  # where each pixel is read
    images = digits[digit[:, None, None], turned[:, 0], turned[:, 1]] * rng.uniform(DIMMEST, 1, (count, 1, 1))
    seen, put = rng.integers(0, SPEC.size - PATCH + 1, (2, count, 2))
    for y, x in np.ndindex(PATCH, PATCH):
        clutter = CLUTTER * digits[other, seen[:, 0] + y, seen[:, 1] + x]
        images[rows, put[:, 0] + y, put[:, 1] + x] = np.maximum(images[rows, put[:, 0] + y, put[:, 1] + x], clutter)
    images += rng.normal(0, NOISE, images.shape)
    pixels = np.rint(255 * images.clip(0, 1)).astype(np.uint8)[:, None]
    return pixels, 4 * labels[digit].astype(np.int64) + turns
