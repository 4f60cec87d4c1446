from pathlib import Path

import pytest

from app.views import notes, training
from app.views import runs as views
from app.views.folder import scan
from tests.app import example_run
from tests.app.example_run import COUNT
from toolkit.runs.folder import RunFolder


def test_runs_are_named_by_their_path(tmp_path: Path) -> None:
    for name in ("one", "sweep/two"):
        example_run.begin(tmp_path / name)
    assert set(scan(tmp_path).runs) == {"one", "sweep/two"}
    assert set(scan(tmp_path / "one").runs) == {"one"}  # the folder is a run itself
    assert scan(tmp_path / "none").runs == {}


def test_the_newest_run_comes_first(tmp_path: Path) -> None:
    import os

    for age, name in enumerate(("b", "a", "c")):
        os.utime(example_run.begin(tmp_path / name).recipe, (1000 - age, 1000 - age))
    assert list(scan(tmp_path).runs) == ["b", "a", "c"]


def test_summary_of_a_full_run(full_run: RunFolder) -> None:
    found = views.summary(full_run)
    assert found.problems == ()
    assert (found.evaluated, found.candidates, found.checkpoints) == (COUNT, COUNT, 1)
    assert found.progress == training.Progress(300, 30.0, 30)
    assert found.tau is not None
    assert found.tau.low < found.tau.value < found.tau.high
    assert 2 < len(found.losses) <= views.SPARK + 1
    assert views.state(found, live=False) == "trained"


def test_summary_of_a_run_just_begun(begun_run: RunFolder) -> None:
    found = views.summary(begun_run)
    assert found.problems == ()
    assert (found.evaluated, found.candidates, found.tau, found.losses) == (None, None, None, [])
    assert views.state(found, live=False) == "begun"
    assert views.state(found, live=True) == "training"


@pytest.mark.parametrize("name", ["recipe", "ledger", "rank", "candidates", "submission", "standalone"])
def test_a_damaged_file_takes_away_only_what_it_held(name: str, own_run: RunFolder) -> None:
    run = own_run
    getattr(run, name).write_bytes(b"\xff garbage" * 40)
    found = views.summary(run)
    assert found.losses
    if name in ("standalone", "submission"):
        assert not found.problems  # other pages read them
    else:
        assert found.problems
        assert all(str(getattr(run, name)) in problem for problem in found.problems)
        assert views.state(found, live=False) == "damaged"


def test_runs_are_found_by_their_words(full_run: RunFolder, begun_run: RunFolder) -> None:
    summaries = {"new": views.summary(begun_run), "old": views.summary(full_run)}
    assert views.matching(summaries, "") == ["new", "old"]
    assert views.matching(summaries, "SPOS digits")
    assert views.matching(summaries, "ol spos") == ["old"]
    assert views.matching(summaries, "paddle") == []


def test_notes_are_words_and_no_file_breaks_them(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    assert notes.read_notes(run) is None
    path = tmp_path / "notes.md"
    path.write_bytes(b"\n# Longer *warm-up*\nseed 3 \xff")
    assert notes.first_line(notes.read_notes(run)) == "Longer *warm-up*"
    path.write_text("x" * 100_000)
    assert "no more than" in notes.read_notes(run)


def test_table_has_one_row_per_run(full_run: RunFolder, begun_run: RunFolder) -> None:
    frame = views.table({"new": views.summary(begun_run), "old": views.summary(full_run)}, {"new": None, "old": 0})
    assert frame["run"].tolist() == ["new", "old"]
    assert frame["candidates"].tolist()[1] == COUNT
