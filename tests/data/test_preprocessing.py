"""The usual ImageNet preprocessing: same pixels as the plain way, same distribution as torchvision's."""

import io
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from toolkit.data.base import DRAWS
from toolkit.data.preprocessing import centre, crop_box, random_crop, rgb

BILINEAR = Image.Resampling.BILINEAR


def picture(width, height, seed=0, mode="RGB"):
    """Smooth colours, like a photograph: what scaling does to noise says little."""
    coarse = np.random.default_rng(seed).integers(0, 256, (5, 6, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC).convert(mode)


def encoded(image, file_format, **options):
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return Image.open(buffer)


@pytest.mark.parametrize("size", [8, 32, 224])
@pytest.mark.parametrize("shape", [(500, 375), (375, 500), (300, 300), (64, 40), (333, 301), (1, 1), (3, 200)])
def test_centre_is_resize_then_crop(shape, size):
    image = picture(*shape)
    short = round(size * 256 / 224)
    width, height = shape
    scaled = (short, int(short * height / width)) if width <= height else (int(short * width / height), short)
    left, top = round((scaled[0] - size) / 2), round((scaled[1] - size) / 2)
    expected = image.resize(scaled, BILINEAR).crop((left, top, left + size, top + size))
    difference = np.asarray(centre(image, size)).astype(int) - np.asarray(expected)
    assert np.abs(difference).max() <= 1


def test_a_very_long_image_is_not_blown_up():
    assert centre(picture(1, 60_000), 224).size == (224, 224)  # scaled as a whole it would have 4 billion pixels


@settings(max_examples=200, deadline=None)
@given(width=st.integers(1, 600), height=st.integers(1, 600), seed=st.integers(0, 10**6))
def test_crops_lie_inside_the_image(width, height, seed):
    left, top, right, bottom = crop_box(width, height, np.random.default_rng(seed).random(DRAWS - 1))
    assert 0 <= left < right <= width
    assert 0 <= top < bottom <= height


@settings(max_examples=100, deadline=None)
@given(
    width=st.integers(1, 90), height=st.integers(1, 90), seed=st.integers(0, 10**6), size=st.sampled_from([1, 7, 32])
)
def test_any_jpeg_can_be_cropped(width, height, seed, size):
    image = encoded(picture(width, height), "JPEG")
    assert random_crop(image, size, np.random.default_rng(seed).random(DRAWS)).size == (size, size)


def test_crops_have_the_areas_and_ratios_of_a_random_resized_crop():
    rng = np.random.default_rng(0)
    boxes = np.array([crop_box(1000, 1000, row) for row in rng.random((4000, DRAWS - 1))])
    width, height = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    area, ratio = width * height / 1e6, width / height
    assert 0.079 <= area.min() < 0.09
    assert 0.95 < area.max() <= 1.0
    assert 0.745 <= ratio.min() < 0.77
    assert 1.3 < ratio.max() <= 1.34
    assert np.median(ratio) == pytest.approx(1, abs=0.03)
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2
    assert middles.mean(0) == pytest.approx([500, 500], abs=10)


def test_an_image_too_long_for_every_attempt_is_cut_as_large_as_allowed():
    left, top, right, bottom = crop_box(1000, 10, np.full(DRAWS - 1, 0.99))
    assert (right - left, bottom - top) == (13, 10)
    left, top, right, bottom = crop_box(10, 1000, np.full(DRAWS - 1, 0.99))
    assert (right - left, bottom - top) == (10, 13)


def test_a_crop_decoded_small_looks_like_one_decoded_whole():
    image = picture(640, 480)
    draws = np.random.default_rng(3).random(DRAWS)
    fast = encoded(image, "JPEG", quality=95)
    crop = random_crop(fast, 32, draws)
    assert fast.size != image.size  # Pillow decoded it smaller
    box = crop_box(640, 480, draws[1:])
    expected = image.resize((32, 32), BILINEAR, box=box)
    if draws[0] < 0.5:
        expected = expected.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    assert np.abs(np.asarray(crop).astype(int) - np.asarray(expected)).mean() < 3


def test_half_of_the_crops_are_flipped():
    image = picture(64, 64)
    draws = np.random.default_rng(3).random(DRAWS)
    draws[0] = 0.49
    flipped = np.asarray(random_crop(image, 32, draws))
    draws[0] = 0.5
    np.testing.assert_array_equal(flipped[:, ::-1], np.asarray(random_crop(image, 32, draws)))


@pytest.mark.parametrize(
    ("mode", "file_format"),
    [("L", "PNG"), ("L", "JPEG"), ("CMYK", "JPEG"), ("RGBA", "PNG"), ("LA", "PNG"), ("P", "GIF"), ("1", "PNG")],
)
def test_every_mode_becomes_rgb(mode, file_format):
    image = encoded(picture(40, 30).convert("P" if mode == "P" else mode), file_format)
    assert image.mode == mode
    for result in (rgb(image), centre(image, 16), random_crop(image, 16, np.full(DRAWS, 0.5))):
        assert result.mode == "RGB"


def test_grey_stays_grey():
    pixels = np.asarray(centre(encoded(picture(40, 30, mode="L"), "PNG"), 16))
    np.testing.assert_array_equal(pixels[..., 0], pixels[..., 2])
    assert pixels.std() > 5


def test_transparent_palettes_do_not_warn():
    image = encoded(picture(40, 30).convert("P"), "PNG", transparency=bytes(range(200)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert rgb(image).mode == "RGB"


def test_16_bits_are_refused_rather_than_clipped():
    image = encoded(Image.fromarray(np.full((8, 8), 1000, np.uint16)), "PNG")
    with pytest.raises(ValueError, match="mode I;16 has more than 8 bits a channel"):
        centre(image, 8)
