"""Views: what each step does to pixels, and that parts of a batch see what the whole does."""

import numpy as np
import pytest

from toolkit.data.augmentation import Augmentation, distorted
from toolkit.data.views import DRAWS, viewed

IMAGES = np.random.default_rng(0).integers(0, 256, (40, 3, 16, 16), dtype=np.uint8)
MOCO = Augmentation(crop=0.2, jitter=0.4, grey=0.2, blur=0.5)


def draws(count: int = 40, **fixed: float) -> np.ndarray:
    found = np.random.default_rng(1).random((count, DRAWS))
    for place, value in fixed.items():
        found[:, int(place[1:])] = value
    return found


def grey(images: np.ndarray) -> np.ndarray:
    return np.tensordot(images.astype(float), [0.299, 0.587, 0.114], (1, 0))


def test_without_options_nothing_changes() -> None:
    assert not Augmentation().views
    np.testing.assert_array_equal(viewed(IMAGES, Augmentation(crop=1.0), draws(_1=0.5)), IMAGES)


def test_a_crop_is_a_part_of_the_image() -> None:
    """The right lower quarter of a ramp, scaled up."""
    ramp = np.tile(np.arange(16, dtype=np.uint8) * 16, (1, 1, 16, 1))
    (seen,) = viewed(ramp, Augmentation(crop=0.25), draws(1, _0=0.0, _1=0.5, _2=1.0, _3=1.0))
    np.testing.assert_allclose(seen[0, 0], np.clip(16 * (8 + (np.arange(16) + 0.5) / 2 - 0.5), 0, 240), atol=0.51)
    assert (seen[0] == seen[0, 0]).all()


def test_areas_and_aspects_of_crops() -> None:
    from toolkit.data.views import _crops

    rows, columns = _crops(0.2, draws(2000), 32)
    np.testing.assert_allclose(rows.sum(2), 1, atol=1e-5)
    height, width = (np.abs(np.diff(lines @ np.arange(32), axis=1)).max(1) for lines in (rows, columns))
    assert 0.17 < (height * width).min() < 0.22
    assert (height / width).max() == pytest.approx(4 / 3, abs=0.02)


def test_grey_has_three_equal_channels() -> None:
    seen = viewed(IMAGES, Augmentation(grey=1.0), draws())
    assert (seen[:, 0] == seen[:, 1]).all()
    np.testing.assert_allclose(seen[:, 0], grey(IMAGES), atol=0.51)
    some = viewed(IMAGES, Augmentation(grey=0.2), draws())
    assert 0 < (some[:, 0] == some[:, 1]).all((1, 2)).mean() < 0.5


def test_hue_keeps_the_brightness_of_pixels() -> None:
    mild = (IMAGES // 4 + 96).astype(np.uint8)  # far from being clipped
    seen = viewed(mild, Augmentation(jitter=0.4), draws(_4=0.0, _5=0.5, _6=0.5, _7=0.5, _8=1.0))
    assert abs(seen.astype(float) - mild).max() > 10
    np.testing.assert_allclose(grey(seen), grey(mild), atol=1.5)


def test_four_images_of_five_change_colour() -> None:
    many = np.tile(IMAGES[:1], (2000, 1, 1, 1))
    seen = viewed(many, Augmentation(jitter=0.4), draws(2000))
    assert (seen != many).any((1, 2, 3)).mean() == pytest.approx(0.8, abs=0.03)
    assert viewed(IMAGES[:, :1], Augmentation(jitter=0.4, grey=1.0), draws()).shape == (40, 1, 16, 16)


def test_blur_smooths_and_keeps_the_mean() -> None:
    large = np.random.default_rng(0).integers(0, 256, (4, 3, 224, 224), dtype=np.uint8)
    seen = viewed(large, Augmentation(blur=1.0), draws(4, _10=0.0, _11=1.0))
    assert np.abs(np.diff(seen.astype(float))).mean() < 0.3 * np.abs(np.diff(large.astype(float))).mean()
    np.testing.assert_allclose(seen.mean((2, 3)), large.mean((2, 3)), atol=1)
    np.testing.assert_array_equal(viewed(large, Augmentation(blur=0.5), draws(4, _10=0.9)), large)


def test_a_part_of_a_batch_sees_what_the_whole_does() -> None:
    mean = (0.5, 0.5, 0.5)
    whole = distorted(IMAGES, MOCO, mean, (3, 1, 2), slice(0, 40), 40)
    part = distorted(IMAGES[10:20], MOCO, mean, (3, 1, 2), slice(10, 20), 40)
    np.testing.assert_array_equal(part, whole[10:20])
    assert (whole != distorted(IMAGES, MOCO, mean, (3, 1, 2, 1), slice(0, 40), 40)).any((1, 2, 3)).all()
