"""Digits turned, dimmed and cluttered: the demo's task."""

import numpy as np
import pytest

from toolkit.data import open_dataset

DIGEST = "167748d15562308285856e90e4e925863c56a62328c042fec50249ef79d17357"


@pytest.fixture(scope="module")
def images():
    return open_dataset("turned-digits")


def test_counts_and_shape(images):
    assert [len(part.labels) for part in (images.train, images.calibration, images.validation)] == [5120, 256, 2000]
    assert (images.spec.channels, images.spec.size, images.spec.classes) == (1, 8, 40)
    assert images.train.images([0, 1]).shape == (2, 1, 8, 8)
    assert np.bincount(images.validation.labels).min() > 20


def test_the_same_every_time(images):
    """The shipped truth was measured on exactly these."""
    assert images.validation.digest == DIGEST
    assert open_dataset("turned-digits", seed=1).validation.digest == DIGEST


def test_normalised_by_their_own_mean_and_deviation(images):
    assert images.train.pixels.mean() / 255 == pytest.approx(images.spec.mean[0], abs=1e-3)
    assert images.train.pixels.std() / 255 == pytest.approx(images.spec.std[0], abs=1e-3)


def test_a_class_is_a_digit_and_its_quarter_turns(images):
    """The mean image of a class is that of its digit's other classes, turned."""
    mean = np.stack([images.train.pixels[images.train.labels == label, 0].mean(0) for label in range(40)])
    for digit in (1, 2, 7):  # that look like nothing else when turned
        turned = [np.rot90(mean[4 * digit], turns).ravel() for turns in range(4)]
        likeness = np.corrcoef(np.concatenate([turned, mean[4 * digit : 4 * digit + 4].reshape(4, -1)]))[:4, 4:]
        assert likeness.argmax(0).tolist() == [0, 1, 2, 3]


def test_other_size_and_counts():
    small = open_dataset("turned-digits", size=16, calibration=10, validation=20)
    assert [len(part.labels) for part in (small.calibration, small.validation)] == [10, 20]
    assert small.train.images([0]).shape == (1, 1, 16, 16)
