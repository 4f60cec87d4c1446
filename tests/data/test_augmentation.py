"""Distortions, cutout and mixup: what they do, and that it follows from seed, epoch and step alone."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from toolkit.backends.base import Images
from toolkit.data import open_dataset
from toolkit.data.arrays import ArraySplit
from toolkit.data.augmentation import BINS, DISTORTIONS, Augmentation, distorted, mixed_labels
from toolkit.data.base import ImageSpec
from toolkit.data.batches import train_batches
from toolkit.errors import InputError
from toolkit.runs.recipe import parse_recipe
from toolkit.runs.setup import open_data

MEAN = (0.2, 0.4, 0.6)
SPEC = ImageSpec(3, 16, 5, MEAN, (0.2, 0.2, 0.2))
WHEN = (0, 1, 2)
EVERYTHING = Augmentation(policy="randaugment", cutout=4, mixup=0.4)


def some_images(count: int, channels: int = 3) -> Images:
    smooth = np.random.default_rng(0).integers(0, 256, (count, channels, 4, 4), dtype=np.uint8)
    return smooth.repeat(4, axis=2).repeat(4, axis=3)


SPLIT = ArraySplit(some_images(24), np.arange(24) % 5, flip=True)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("policy", ["randaugment", "trivialaugment"])
def test_policies_keep_the_shape_and_change_images(policy: str, channels: int) -> None:
    images = some_images(40, channels)
    found = distorted(images, parsed(policy=policy), MEAN[:channels], WHEN, slice(None), 40)
    assert (found.shape, found.dtype) == (images.shape, np.uint8)
    changed = (found != images).any(axis=(1, 2, 3))
    assert 20 <= changed.sum() <= 40
    assert not np.array_equal(found, distorted(images, parsed(policy=policy), MEAN, (0, 1, 3), slice(None), 40))


def test_strength_zero_changes_nothing_but_what_has_no_strength() -> None:
    image = Image.fromarray(some_images(1)[0].transpose(1, 2, 0).copy())
    for name, one in DISTORTIONS.items():
        same = np.array_equal(np.asarray(one.apply(image, 0.0)), np.asarray(image))
        assert same or name in ("autocontrast", "equalize", "solarize"), name
        if one.full:
            full = np.asarray(one.apply(image, one.full))
            assert not np.array_equal(full, np.asarray(image)), name
    half = np.asarray(DISTORTIONS["translate_x"].apply(image, 0.5))
    assert np.array_equal(half[:, :8], np.asarray(image)[:, 8:])
    assert not half[:, 8:].any()
    assert DISTORTIONS["posterize"].apply(Image.fromarray(np.full((2, 2), 255, np.uint8)), 4).getpixel((0, 0)) == 0xF0


def test_cutout_paints_a_square_in_the_mean_colour() -> None:
    white = np.full((200, 3, 16, 16), 255, np.uint8)
    found = distorted(white, Augmentation(cutout=6), MEAN, WHEN, slice(None), 200)
    painted = (found != 255).all(axis=1).sum(axis=(1, 2))
    assert painted.max() == 36
    assert painted.min() >= 9  # its centre is inside
    assert np.unique(found[:, 1]).tolist() == [102, 255]


def test_mixup_mixes_images_and_labels_alike() -> None:
    """Images of a single colour, so that the share can be read off."""
    colours = np.array([0, 50, 100, 150, 200], np.uint8)
    plain = ArraySplit(np.broadcast_to(colours[:, None, None, None], (5, 3, 8, 8)).copy(), np.arange(5), flip=True)
    inside = replace(SPEC, size=8)
    for epoch in range(5):
        ((images, labels),) = train_batches(
            plain, batch_size=5, seed=0, epoch=epoch, augmentation=Augmentation(mixup=1.0), spec=inside
        )
        assert (labels.shape, labels.dtype) == ((5, 5), np.float32)
        assert labels.sum(axis=1) == pytest.approx(np.ones(5), abs=1e-6)
        middle = images[:, 0, 3:5, 3:5].reshape(5, -1)  # crops leave the middle alone
        assert middle == pytest.approx(np.tile((labels @ colours)[:, None], (1, 4)), abs=0.51)
    same = mixed_labels(np.array([2]), np.array([2]), 0.3, 3)
    assert same.tolist() == [[0, 0, 1]]


@pytest.mark.parametrize("world", [1, 2, 3])
def test_all_processes_together_make_the_batch_of_one(world: int) -> None:
    run = {"batch_size": 12, "seed": 3, "epoch": 1, "augmentation": EVERYTHING, "spec": SPEC}
    whole = list(train_batches(SPLIT, **run))
    shares = zip(*(train_batches(SPLIT, **run, rank=rank, world=world) for rank in range(world)), strict=True)
    for (images, labels), share in zip(whole, shares, strict=True):
        assert np.array_equal(images, np.concatenate([each[0] for each in share]))
        assert np.array_equal(labels, np.concatenate([each[1] for each in share]))
    (resumed,) = train_batches(SPLIT, **run, start=1)
    assert np.array_equal(resumed[0], whole[1][0])
    (other, _), *_ = train_batches(SPLIT, **run | {"seed": 4})
    assert not np.array_equal(other, whole[0][0])


def test_without_it_batches_are_what_they_were() -> None:
    (first, labels), *_ = train_batches(SPLIT, batch_size=12, seed=3, epoch=1)
    (again, same), *_ = train_batches(SPLIT, batch_size=12, seed=3, epoch=1, augmentation=Augmentation(), spec=SPEC)
    assert np.array_equal(first, again)
    assert np.array_equal(labels, same)


def parsed(**options: object) -> Augmentation:
    tables = {"space": "resnet20", "method": {"name": "spos"}, "data": {"augmentation": options}}
    made = parse_recipe(tables).data.augmentation
    assert made is not None
    return made.made


def test_recipes_name_it() -> None:
    assert parsed(policy="trivialaugment", cutout=8, mixup=0.2) == Augmentation("trivialaugment", cutout=8, mixup=0.2)
    assert parsed(policy="randaugment", operations=3, magnitude=BINS) == Augmentation("randaugment", 3, BINS)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"policy": "autoaugment"}, "data.augmentation.policy"),
        ({"magnitude": 5}, 'operations and magnitude are for policy = "randaugment"'),
        ({"policy": "randaugment", "magnitude": 31}, "less than or equal to 30"),
        ({"mixup": 0.0}, "greater than 0"),
        ({"cutot": 8}, "cutout"),
    ],
)
def test_mistakes_are_named(options: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        parsed(**options)


def test_a_normalisation_of_ones_own() -> None:
    tables = {"space": "resnet20", "method": {"name": "spos"}, "data": {"mean": [0.5], "std": [0.25]}}
    recipe = parse_recipe(tables)
    data, plain = open_data(recipe), open_dataset("digits")
    assert (data.spec.mean, data.spec.std) == ((0.5,), (0.25,))
    assert data.validation.digest == plain.validation.digest
    assert data.identity(data.validation) != plain.identity(plain.validation) == plain.validation.digest
    assert open_dataset("digits", mean=plain.spec.mean).identity(plain.train) == plain.train.digest
    assert parse_recipe(tables | {"data": {}}).digest != recipe.digest
    assert "mean" not in parse_recipe(tables | {"data": {}}).to_toml()
    assert parse_recipe(tables | {"data": {"std": [0.25]}}).data.std == (0.25,)


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        ({"std": [0.0]}, "above 0"),
        ({"mean": [129.3]}, "divide by 255"),
        ({"mean": 0.5}, "data.mean"),
        ({"mean": [0.1, 0.2, 0.3], "std": [0.1, 0.1]}, "data.mean has 3 numbers, images of digits have 1 channel"),
    ],
)
def test_mistakes_in_a_normalisation_are_named(numbers: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        open_data(parse_recipe({"space": "resnet20", "method": {"name": "spos"}, "data": numbers}))
