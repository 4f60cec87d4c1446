"""Array-backed splits: augmentation, digest, resizing, memory."""

import numpy as np
import pytest
from PIL import Image

from toolkit.data.arrays import ArraySplit, array_dataset, check_memory, resized
from toolkit.data.base import DRAWS, ImageSpec
from toolkit.data.splits import Splitting
from toolkit.errors import InputError

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(1, 256, (40, 3, 32, 32), dtype=np.uint8)
LABELS = RNG.integers(0, 5, 40)
SPEC = ImageSpec(3, 32, 5, (0.5, 0.5, 0.5), (0.2, 0.2, 0.2))


def plainly_augmented(image, draws, pad, flip):
    """The same augmentation, one image at a time."""
    padded = np.zeros((3, 32 + 2 * pad, 32 + 2 * pad), np.uint8)
    padded[:, pad : pad + 32, pad : pad + 32] = image
    top, left = int(draws[1] * (2 * pad + 1)), int(draws[2] * (2 * pad + 1))
    crop = padded[:, top : top + 32, left : left + 32]
    return crop[:, :, ::-1] if flip and draws[0] < 0.5 else crop


@pytest.mark.parametrize("flip", [True, False])
def test_augmentation_is_a_padded_crop_and_a_flip(flip):
    draws = np.random.default_rng(1).random((100, DRAWS))
    indices = np.random.default_rng(2).integers(0, 40, 100)
    augmented = ArraySplit(IMAGES, LABELS, flip).augmented(indices, draws)
    assert augmented.dtype == np.uint8
    for image, index, row in zip(augmented, indices, draws, strict=True):
        np.testing.assert_array_equal(image, plainly_augmented(IMAGES[index], row, 4, flip))


def test_all_81_places_of_the_crop_occur():
    draws = np.random.default_rng(1).random((2000, DRAWS))
    crops = ArraySplit(IMAGES, LABELS, flip=False).augmented(np.zeros(2000, int), draws)
    assert len(np.unique(crops.reshape(2000, -1), axis=0)) == 81


def test_augmentation_leaves_the_images_alone():
    before = IMAGES.copy()
    split = ArraySplit(IMAGES, LABELS, flip=True)
    split.augmented(range(40), np.zeros((40, DRAWS)))[:] = 0
    split.images(range(40))[:] = 0
    np.testing.assert_array_equal(IMAGES, before)


def test_images_too_small_to_pad():
    tiny = ArraySplit(IMAGES[:, :, :4, :4], LABELS, flip=False)
    np.testing.assert_array_equal(tiny.augmented([1, 2], np.full((2, DRAWS), 0.9)), IMAGES[1:3, :, :4, :4])


def test_images_come_in_the_order_asked_for():
    np.testing.assert_array_equal(ArraySplit(IMAGES, LABELS, flip=True).images([5, 3, 5]), IMAGES[[5, 3, 5]])


def test_digest_identifies_pixels_labels_and_order():
    def digest(images, labels):
        return ArraySplit(images, labels, flip=True).digest

    other = IMAGES.copy()
    other[7, 1, 2, 3] ^= 1
    digests = {
        digest(IMAGES, LABELS),
        digest(other, LABELS),
        digest(IMAGES, (LABELS + 1) % 5),
        digest(IMAGES[::-1], LABELS[::-1]),
        digest(IMAGES.reshape(40, 3, 64, 16), LABELS),
        digest(IMAGES[:0], LABELS[:0]),
    }
    assert len(digests) == 6
    assert all(len(digest) == 64 for digest in digests)
    assert digest(IMAGES.copy(), LABELS.copy()) == digest(IMAGES, LABELS)


def test_resized_by_pillow():
    result = resized(IMAGES[:2], 48)
    expected = Image.fromarray(IMAGES[1].transpose(1, 2, 0)).resize((48, 48), Image.Resampling.BILINEAR)
    np.testing.assert_array_equal(result[1], np.asarray(expected).transpose(2, 0, 1))
    assert resized(IMAGES, 32) is IMAGES


def test_dataset_takes_validation_from_the_test_part_and_resizes():
    test = (255 - IMAGES[:10], LABELS[:10])
    spec = ImageSpec(3, 16, 5, SPEC.mean, SPEC.std)
    splitting = Splitting(calibration=4)
    dataset = array_dataset("made", spec, splitting, (IMAGES, LABELS), test, flip=True, memory_limit=2**30)
    assert dataset.train.images([0]).shape == (1, 3, 16, 16)
    assert [len(part.labels) for part in (dataset.train, dataset.calibration, dataset.validation)] == [36, 4, 10]
    order = splitting.parts(LABELS, LABELS[:10]).validation
    np.testing.assert_array_equal(dataset.validation.images(range(10)), resized(test[0][order], 16))
    np.testing.assert_array_equal(dataset.validation.labels, test[1][order])


def test_memory_is_checked_first():
    check_memory(1024, SPEC, 1024 * 3 * 32 * 32)
    with pytest.raises(InputError, match=r"1024 images of 32x32 take 0\.00 GiB of memory, more than the limit"):
        check_memory(1024, SPEC, 1024 * 3 * 32 * 32 - 1)
    with pytest.raises(InputError, match=r"50000 images of 224x224 take 7\.01 GiB"):
        check_memory(50_000, ImageSpec(3, 224, 1000, SPEC.mean, SPEC.std), 2**30)
