import os
from pathlib import Path

import pytest

from app.cache import glance, load, stamp
from app.views.ranking.subject import Subject
from toolkit.errors import InputError
from toolkit.ranking.formulas import TAU_B
from toolkit.ranking.pairs import pair
from toolkit.runs.folder import RunFolder

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


def test_a_subject_is_known_by_its_digest(tmp_path: Path) -> None:
    scores, truth = {"a": 1.0, "b": 2.0, "c": 3.0}, {"a": 1.0, "b": 3.0, "c": 2.0}
    calls.clear()
    subjects = [_subject(scores, values) for values in (truth, dict(truth), scores)]
    assert [load(tau, RunFolder(tmp_path), subject=subject) for subject in subjects] == pytest.approx([1 / 3, 1 / 3, 1])
    assert calls == ["truth"] * 2


def _subject(scores: dict[str, float], truth: dict[str, float]) -> Subject:
    return Subject("score", "truth", pair(scores, truth), {}, {}, None, scores, truth)


def tau(run: RunFolder, subject: Subject) -> float:
    calls.append(subject.truth)
    return TAU_B.of_columns(subject.pairs.scores, subject.pairs.truth)


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


def test_glances_at_many_runs_drive_nothing_large_out(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    run.recipe.write_text("one")
    calls.clear()
    load(view, run, run.recipe)
    for number in range(200):
        assert glance(view, run, run.recipe, suffix=str(number)) == f"one{number}"
    load(view, run, run.recipe)
    glance(view, run, run.recipe, suffix="0")
    assert calls == ["", *map(str, range(200))]
