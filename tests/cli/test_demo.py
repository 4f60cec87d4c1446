"""`supernet demo --quick`: the whole main job, once for all tests here."""

import json
import re
from pathlib import Path

import pytest

from tests.command import Outcome, supernet
from toolkit.candidates import draw_candidates, read_candidates, write_candidates
from toolkit.evaluation.ledger import Ledger
from toolkit.runs.folder import RunFolder
from toolkit.runs.recipe import read_recipe
from toolkit.spaces import get_space

STEPS = ("train", "candidates", "evaluate", "submit", "check", "truth", "rank")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunFolder, Outcome]:
    run = RunFolder(tmp_path_factory.mktemp("demo") / "runs" / "demo")
    return run, supernet("demo", "--quick", "--out", run.path, "--workers", 1)


def commands(outcome: Outcome) -> list[str]:
    """The subcommands that were shown as the demo's steps."""
    return re.findall(r"^\$ supernet (\w+)", outcome.out, re.MULTILINE)


def test_it_leaves_the_whole_run(demo: tuple[RunFolder, Outcome]) -> None:
    run, outcome = demo
    assert (outcome.status, commands(outcome)) == (0, list(STEPS))
    assert "Done" in outcome.out
    assert "supernet app" in outcome.out
    space = get_space("resnet48-tiny")
    candidates = read_candidates(run.candidates, space)
    assert len(candidates) == 300
    assert read_recipe(run.recipe).training.epochs == 2
    assert run.latest_checkpoint().exists()
    with Ledger.read(run.ledger) as ledger:
        (holding,) = ledger.settings()
        assert ledger.results(holding.setting).keys() == set(candidates.values())
    submission = read_candidates(run.submission, space)
    assert dict(submission) == dict(candidates)
    assert len(set(submission.accs.values())) > 1
    truth = read_candidates(run.path / "truth.json", space)
    assert truth.items() <= candidates.items(), "the truth is of the first"
    report = json.loads(run.rank.read_bytes())
    assert report["networks"] == len(truth)
    assert report["seeds"] is not None, "each was trained twice, so the ceiling is known"
    assert report["summary"] in outcome.out
    assert "networks that it puts first the best is truly number" in outcome.out
    assert json.loads(run.metrics.read_text().splitlines()[-1])["epoch"] == 2
    assert not [path for path in run.path.rglob("*") if path.suffix == ".tmp"]


def test_what_it_shows_can_be_typed(demo: tuple[RunFolder, Outcome]) -> None:
    run, outcome = demo
    assert f"$ supernet train demo --set training.epochs=2 --out {run.path}\n" in outcome.out
    assert f"$ supernet evaluate {run.path} --candidates {run.candidates} --images 256 --workers 1\n" in outcome.out
    check = next(line for line in outcome.out.splitlines() if line.startswith("$ supernet check"))
    assert supernet(*check.split()[2:]).status == 0


def test_a_second_time_it_has_nothing_to_do(demo: tuple[RunFolder, Outcome]) -> None:
    run, _ = demo
    before = {
        path: path.read_bytes() for path in run.path.rglob("*") if path.suffix in (".safetensors", ".json", ".toml")
    }
    again = supernet("demo", "--quick", "--out", run.path, "--workers", 1)
    assert again.status == 0
    assert commands(again) == [step for step in STEPS if step != "candidates"]
    assert "0 of them evaluated now" in again.out
    assert {path: path.read_bytes() for path in before} == before


def test_a_quick_run_is_not_taken_for_a_full_one(demo: tuple[RunFolder, Outcome]) -> None:
    run, _ = demo
    outcome = supernet("demo", "--out", run.path)
    assert outcome.status == 1
    assert "was begun with training.epochs = 2, the recipe given says 4" in outcome.err
    assert "start a new run" in outcome.err


def test_places_and_files_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    outcome = supernet("demo", "--quick", "--out", tmp_path / "file")
    assert outcome.status == 1
    assert "cannot be a run folder" in outcome.err
    assert (tmp_path / "file").read_text() == "in the way"


def test_the_users_own_candidates(demo: tuple[RunFolder, Outcome], tmp_path: Path) -> None:
    run, _ = demo
    own = draw_candidates(get_space("resnet48-tiny"), 20, 9)
    write_candidates(tmp_path / "own.json", own)
    options = ("--quick", "--alone", 3, "--out", run.path, "--workers", 1, "--candidates", tmp_path / "own.json")
    outcome = supernet("demo", *options)
    assert outcome.status == 0, outcome.err
    assert dict(read_candidates(run.submission, get_space("resnet48-tiny"))) == dict(own)
    assert commands(outcome)[-2:] == ["standalone", "rank"], "nobody has trained these yet"
    assert len(read_candidates(run.standalone, get_space("resnet48-tiny"))) == 3
