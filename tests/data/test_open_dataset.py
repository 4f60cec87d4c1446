"""Naming a data set."""

import pytest

from toolkit.data import open_dataset
from toolkit.errors import InputError


@pytest.mark.parametrize(
    ("source", "nearest"),
    [
        ("digit", "digits"),
        ("cifar-100:x", "cifar100:FOLDER"),
        ("CIFAR10:x", "cifar10:FOLDER"),
        ("folder:x", "imagefolder"),
    ],
)
def test_unknown_source_names_the_nearest(source, nearest):
    with pytest.raises(
        InputError, match=f"unknown data '{source}'; did you mean '{nearest}.*There are: digits, turned-digits, cifar10"
    ):
        open_dataset(source)


@pytest.mark.parametrize("source", ["", "/data/imagenet"])
def test_unknown_source_without_a_near_one(source):
    with pytest.raises(InputError, match=r"unknown data '.*'\. There are: digits, turned-digits, cifar10:FOLDER"):
        open_dataset(source)


@pytest.mark.parametrize(
    ("source", "remedy"),
    [
        ("digits:x", "write digits"),
        ("cifar10", "write cifar10:FOLDER"),
        ("cifar100:", "write cifar100:FOLDER"),
        ("imagefolder", "write imagefolder:FOLDER"),
    ],
)
def test_folder_missing_or_too_many(source, remedy):
    with pytest.raises(InputError, match=f"data '{source}': {remedy}"):
        open_dataset(source)


def test_all_problems_at_once():
    with pytest.raises(InputError) as raised:
        open_dataset("cifar10", size=0, seed=-1)
    assert len(raised.value.problems) == 3


def test_a_folder_in_the_users_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(InputError) as raised:
        open_dataset("cifar10:~/data")
    assert str(tmp_path / "data") in str(raised.value)
