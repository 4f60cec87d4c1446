"""Parts are deterministic, disjoint and stratified."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolkit.data.splits import CALIBRATION, Splitting, stratified_order
from toolkit.errors import InputError

LABELS = np.random.default_rng(0).integers(0, 10, 1000)
OFFICIAL = np.arange(100) // 10


@settings(max_examples=50, deadline=None)
@given(
    labels=st.lists(st.integers(0, 4), min_size=3, max_size=60),
    seed=st.integers(0, 2**32),
    validation=st.integers(1, 20),
    calibration=st.integers(0, 20),
)
def test_parts_share_no_image_and_leave_none_out(labels, seed, validation, calibration):
    splitting = Splitting(seed, calibration, validation)
    if validation + calibration >= len(labels):
        with pytest.raises(InputError):
            splitting.parts(np.array(labels))
        return
    parts = splitting.parts(np.array(labels))
    assert (len(parts.calibration), len(parts.validation)) == (calibration, validation)
    assert sorted(np.concatenate(parts).tolist()) == list(range(len(labels)))


def test_official_part_is_left_whole_and_calibration_comes_from_training():
    parts = Splitting(calibration=50).parts(LABELS, OFFICIAL)
    assert sorted(parts.validation.tolist()) == list(range(100))
    assert sorted([*parts.train, *parts.calibration]) == list(range(1000))


def test_the_seed_decides_and_nothing_else():
    splitting = Splitting(3, 100, 50)
    for again, first in zip(splitting.parts(LABELS), splitting.parts(LABELS), strict=True):
        np.testing.assert_array_equal(again, first)
    for other, first in zip(replace(splitting, seed=4).parts(LABELS), splitting.parts(LABELS), strict=True):
        assert not np.array_equal(other, first)


def test_whole_official_part_is_the_same_for_every_seed_but_a_piece_of_it_is_not():
    whole = [Splitting(seed).parts(LABELS, OFFICIAL).validation for seed in (1, 2)]
    piece = [Splitting(seed, validation=30).parts(LABELS, OFFICIAL).validation for seed in (1, 2)]
    np.testing.assert_array_equal(*whole)
    assert set(piece[0].tolist()) != set(piece[1].tolist())
    assert len(piece[0]) == 30


def test_overlap_keeps_calibration_images_in_training_but_never_validation_images():
    parts = Splitting(calibration=100, validation=50, overlap=True).parts(LABELS)
    assert len(parts.train) == 950
    assert set(parts.calibration.tolist()) <= set(parts.train.tolist())
    assert not set(parts.validation.tolist()) & set(parts.train.tolist())


def test_defaults():
    assert [len(part) for part in Splitting().parts(LABELS)] == [810, 90, 100]
    assert [len(part) for part in Splitting().parts(np.zeros(50_000, np.int64), OFFICIAL)] == [
        50_000 - CALIBRATION,
        CALIBRATION,
        100,
    ]
    assert [len(part) for part in Splitting().parts(np.array([0, 1, 0]))] == [1, 1, 1]


@pytest.mark.parametrize("seed", range(3))
def test_every_prefix_resembles_the_whole(seed):
    labels = np.repeat([0, 1, 2], [600, 300, 100])
    order = stratified_order(labels, np.random.default_rng(seed))
    assert sorted(order.tolist()) == list(range(1000))
    for length in (10, 50, 333, 900):
        counts = np.bincount(labels[order[:length]], minlength=3)
        assert np.abs(counts - np.array([0.6, 0.3, 0.1]) * length).max() <= 2


@pytest.mark.parametrize(
    ("splitting", "expected"),
    [
        (Splitting(validation=101), ["validation: 101 images asked for; choose from 1 to 100"]),
        (Splitting(validation=0), ["validation: 0 images"]),
        (Splitting(validation=-1), ["validation: -1 images"]),
        (Splitting(calibration=1001), ["calibration: 1001 images asked for; choose from 0 to 1000"]),
        (Splitting(calibration=-1), ["calibration: -1 images"]),
        (Splitting(calibration=1000), ["no training images are left"]),
        (Splitting(calibration=1001, validation=101), ["validation: 101", "calibration: 1001"]),
    ],
)
def test_more_images_than_there_are(splitting, expected):
    with pytest.raises(InputError) as raised:
        splitting.parts(LABELS, OFFICIAL)
    assert len(raised.value.problems) == len(expected)
    for problem, text in zip(raised.value.problems, expected, strict=True):
        assert text in problem
