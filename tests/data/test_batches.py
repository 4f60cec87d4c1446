"""Training batches are functions of (seed, epoch, step), whoever makes them; their thread always ends."""

import threading
import time

import numpy as np
import pytest
from PIL import Image

from toolkit.data.arrays import ArraySplit
from toolkit.data.batches import steps_per_epoch, train_batches
from toolkit.data.imagefolder import FolderSplit
from toolkit.errors import InputError

RNG = np.random.default_rng(0)
COUNT = 70
IMAGES = RNG.integers(0, 256, (COUNT, 1, 8, 8), dtype=np.uint8)
SPLIT = ArraySplit(IMAGES, np.arange(COUNT), flip=True)
RUN = {"batch_size": 16, "seed": 3, "epoch": 1}


def threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("batches")]


@pytest.fixture(autouse=True)
def no_threads_left():
    yield
    assert not threads()


def assert_equal(first, second):
    first, second = list(first), list(second)
    assert len(first) == len(second)
    for (images, labels), (other_images, other_labels) in zip(first, second, strict=True):
        np.testing.assert_array_equal(images, other_images)
        np.testing.assert_array_equal(labels, other_labels)


def test_each_image_once_at_most_and_the_incomplete_batch_dropped():
    batches = list(train_batches(SPLIT, **RUN))
    assert [(images.shape, len(labels)) for images, labels in batches] == [((16, 1, 8, 8), 16)] * 4
    assert len({label for _, labels in batches for label in labels}) == 64


def test_repeatable_and_different_for_every_seed_and_epoch():
    assert_equal(train_batches(SPLIT, **RUN), train_batches(SPLIT, **RUN))
    first = [next(train_batches(SPLIT, **{**RUN, **other}))[1].tolist() for other in ({}, {"seed": 4}, {"epoch": 2})]
    assert len({tuple(labels) for labels in first}) == 3


def test_images_belong_to_their_labels():
    constant = np.broadcast_to(np.arange(COUNT, dtype=np.uint8)[:, None, None, None], IMAGES.shape)
    for images, labels in train_batches(ArraySplit(constant, np.arange(COUNT), flip=True), **RUN):
        np.testing.assert_array_equal(images[:, 0, 4, 4], labels)


def test_every_epoch_and_step_augments_differently():
    same = ArraySplit(np.broadcast_to(IMAGES[:1], IMAGES.shape), np.zeros(COUNT, np.int64), flip=True)
    epochs = [train_batches(same, batch_size=16, seed=0, epoch=epoch) for epoch in range(2)]
    assert len({images.tobytes() for epoch in epochs for images, _ in epoch}) == 8


@pytest.mark.parametrize("start", [0, 1, 3, 4, 5])
def test_resuming_continues_with_the_same_batches(start):
    assert_equal(train_batches(SPLIT, **RUN, start=start), list(train_batches(SPLIT, **RUN))[start:])


@pytest.mark.parametrize("world", [2, 4, 16])
def test_shares_of_all_processes_make_the_whole_batch(world):
    shares = zip(*(train_batches(SPLIT, **RUN, rank=rank, world=world) for rank in range(world)), strict=True)
    joined = [tuple(np.concatenate(parts) for parts in zip(*share, strict=True)) for share in shares]
    assert_equal(joined, train_batches(SPLIT, **RUN))


def test_shares_of_image_files_too(tmp_path):
    for i in range(8):
        Image.fromarray(RNG.integers(0, 256, (20, 30, 3), dtype=np.uint8)).save(tmp_path / f"{i}.png")
    split = FolderSplit(tmp_path, np.array([f"{i}.png" for i in range(8)], np.object_), np.arange(8), 16)
    halves = [next(train_batches(split, batch_size=8, seed=0, epoch=0, rank=rank, world=2)) for rank in range(2)]
    whole = next(train_batches(split, batch_size=8, seed=0, epoch=0))
    assert_equal([tuple(np.concatenate(parts) for parts in zip(*halves, strict=True))], [whole])


@pytest.mark.parametrize("prefetch", [0, 1, 2, 50])
def test_prefetching_changes_nothing(prefetch):
    assert_equal(train_batches(SPLIT, **RUN, prefetch=prefetch), train_batches(SPLIT, **RUN))


class Counting:
    """A split that counts the batches it makes, and may fail at one."""

    labels = np.zeros(1000, np.int64)
    digest = ""

    def __init__(self, fails_at=None):
        self.made = 0
        self.fails_at = fails_at

    def images(self, indices):
        raise NotImplementedError

    def augmented(self, indices, draws):
        self.made += 1
        if self.made == self.fails_at:
            raise InputError("a broken image")
        return np.zeros((len(indices), 1, 8, 8), np.uint8)


def test_batches_are_made_ahead_but_not_further_than_asked_for():
    split = Counting()
    batches = train_batches(split, batch_size=10, seed=0, epoch=0, prefetch=3)
    next(batches)
    deadline = time.monotonic() + 5
    while split.made < 4 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.05)
    assert split.made == 4
    assert len(threads()) == 1
    batches.close()


def test_the_thread_ends_when_the_consumer_stops_early():
    for step, _ in enumerate(train_batches(Counting(), batch_size=10, seed=0, epoch=0)):
        if step == 2:
            break
    assert not threads()


def test_the_thread_ends_when_the_consumer_raises():
    def consume():
        for _ in train_batches(Counting(), batch_size=10, seed=0, epoch=0):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        consume()
    assert not threads()


def test_an_error_in_the_thread_arrives_when_its_batch_is_due():
    batches = train_batches(Counting(fails_at=3), batch_size=10, seed=0, epoch=0)
    next(batches)
    next(batches)
    with pytest.raises(InputError, match="a broken image"):
        next(batches)
    assert not threads()


def test_steps_per_epoch():
    assert [steps_per_epoch(images, 16) for images in (16, 31, 32, 70)] == [1, 1, 2, 4]


@pytest.mark.parametrize("batch_size", [0, -1, 71])
def test_no_whole_batch(batch_size):
    with pytest.raises(
        InputError, match=f"batch size {batch_size}: choose from 1 to 70, the number of training images"
    ):
        train_batches(SPLIT, batch_size=batch_size, seed=0, epoch=0)


def test_a_batch_that_cannot_be_shared_out():
    with pytest.raises(InputError, match="batch size 16: choose a multiple of 3, the number of processes"):
        train_batches(SPLIT, **RUN, world=3)
