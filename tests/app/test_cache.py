import os
from pathlib import Path

import pytest

from app.cache import load, stamp
from toolkit.errors import InputError
from toolkit.training.run import RunFolder

calls: list[str] = []


def view(run: RunFolder, suffix: str = "") -> str:
    calls.append(suffix)
    if not run.recipe.exists():
        raise InputError("no recipe")
    return run.recipe.read_text() + suffix


def test_a_view_is_computed_again_only_when_its_files_change(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    run.recipe.write_text("one")
    calls.clear()
    assert [load(view, run, run.recipe) for _ in range(3)] == ["one"] * 3
    assert calls == [""]
    run.recipe.write_text("two!")
    assert load(view, run, run.recipe) == "two!"
    assert load(view, run, run.recipe, suffix="+") == "two!+"
    assert calls == ["", "", "+"]


def test_problems_are_not_remembered(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    with pytest.raises(InputError):
        load(view, run, run.recipe)
    run.recipe.write_text("now")
    assert load(view, run, run.recipe) == "now"


def test_an_empty_file_is_as_good_as_none(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite-wal"
    before = stamp(path)
    path.touch()
    assert stamp(path)[1:] == before[1:] == (0, 0)
    path.write_bytes(b"x")
    os.utime(path, ns=(1, 1))
    assert stamp(path)[1:] == (1, 1)
