"""The digits that come with scikit-learn."""

import subprocess
import sys

import numpy as np
import pytest
from sklearn.datasets import load_digits

from toolkit.data import open_dataset
from toolkit.data.base import DRAWS
from toolkit.data.digits import read_digits
from toolkit.errors import InputError


@pytest.fixture(scope="module")
def digits():
    return open_dataset("digits")


def everything(dataset):
    return np.concatenate([part.pixels for part in (dataset.train, dataset.calibration, dataset.validation)])


def test_counts_and_shape(digits):
    assert [len(part.labels) for part in (digits.train, digits.calibration, digits.validation)] == [1269, 128, 400]
    assert (digits.name, digits.spec.channels, digits.spec.size, digits.spec.classes) == ("digits", 1, 8, 10)
    assert digits.train.images([0, 1]).shape == (2, 1, 8, 8)
    assert digits.train.labels.dtype == np.int64


def test_they_are_those_that_scikit_learn_reads():
    expected = load_digits(return_X_y=True)
    for found, array in zip(read_digits(), expected, strict=True):
        assert (found.dtype, found.tolist()) == (array.dtype, array.tolist())


def test_pixels_are_scaled_to_bytes_and_described_by_the_spec(digits):
    pixels = everything(digits)
    assert (pixels.min(), pixels.max(), len(np.unique(pixels))) == (0, 255, 17)
    assert pixels.mean() / 255 == pytest.approx(digits.spec.mean[0], abs=1e-4)
    assert pixels.std() / 255 == pytest.approx(digits.spec.std[0], abs=1e-4)


def test_parts_hold_every_class_and_different_images(digits):
    assert np.bincount(digits.validation.labels).min() >= 37
    assert np.bincount(digits.calibration.labels).min() >= 11
    assert digits.train.digest != digits.validation.digest


def test_a_digit_is_shifted_by_a_pixel_at_most_and_never_flipped(digits):
    draws = np.full((50, DRAWS), 0.5)
    draws[:, 0] = np.linspace(0, 0.99, 50)
    np.testing.assert_array_equal(digits.train.augmented(range(50), draws), digits.train.images(range(50)))
    draws[:, 1:] = 0
    shifted = digits.train.augmented(range(50), draws)
    np.testing.assert_array_equal(shifted[:, :, 1:, 1:], digits.train.images(range(50))[:, :, :-1, :-1])
    assert not shifted[:, :, 0].any()


def test_deterministic_by_seed(digits):
    assert open_dataset("digits").train.digest == digits.train.digest
    assert open_dataset("digits", seed=1).train.digest != digits.train.digest


def test_other_size_and_counts():
    dataset = open_dataset("digits", size=16, calibration=10, validation=20)
    assert dataset.spec.size == 16
    assert dataset.validation.images(range(20)).shape == (20, 1, 16, 16)
    assert len(dataset.train.labels) == 1797 - 30


def test_too_many():
    with pytest.raises(InputError, match="validation: 1798 images asked for; choose from 1 to 1797"):
        open_dataset("digits", validation=1798)


def test_importing_the_package_loads_neither_scikit_learn_nor_a_framework():
    code = "import sys, toolkit.data; print({'sklearn', 'torch', 'paddle'} & sys.modules.keys() or 'none')"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "none\n"
