"""Sweeps over recipes in steps."""

from pathlib import Path

import pytest
import tomli_w

from tests.tiny import ROOT
from tests.training.test_steps import TABLES
from toolkit.candidates import Candidates, draw_candidates, write_candidates
from toolkit.errors import InputError
from toolkit.runs.folder import RunFolder
from toolkit.spaces import get_space
from toolkit.sweeps.config import read_sweep
from toolkit.sweeps.sweep import run_sweep

SPACE = get_space("resnet48-mini")


def write(folder: Path, **changes: object) -> Path:
    drawn = draw_candidates(SPACE, 12, 0)
    accuracies = {name: SPACE.cost(SPACE.parse(code)).macs / 1e7 for name, code in drawn.items()}
    write_candidates(folder / "candidates.json", Candidates(drawn.codes, accuracies))
    (folder / "recipe.toml").write_text(tomli_w.dumps(TABLES))
    tables = {
        "recipe": str(folder / "recipe.toml"),
        "seeds": [3],
        "candidates": str(folder / "candidates.json"),
        "evaluation": {"images": 32, "norm": "batch:32"},
        "common": {"training": {"epochs": 1}, "method": {"look": 0}},
        "variants": {"four": {}, "two": {"step": TABLES["step"][:2]}},
    }
    (folder / "sweep.toml").write_text(tomli_w.dumps(tables | changes))
    return folder / "sweep.toml"


def test_all_steps_are_trained_and_the_last_is_judged(tmp_path: Path) -> None:
    sweep, trials = read_sweep(write(tmp_path))
    assert [step.recipe.seed for trial in trials for step in trial.pipeline.steps] == 6 * [3]
    report = run_sweep(sweep, trials, tmp_path / "out")
    assert [run.state for run in report.runs] == ["finished", "finished"]
    assert all(RunFolder(tmp_path / "out" / run.folder).rank.is_file() for run in report.runs)
    folders = {path.name for path in (tmp_path / "out/four/seed-3/steps").iterdir()}
    assert folders == {"1-largest", "2-shared", "3-groups"}
    again = run_sweep(sweep, trials, tmp_path / "out")
    assert again.variants == report.variants


def test_problems_of_steps_name_the_variant(tmp_path: Path) -> None:
    steps = [TABLES["step"][0], TABLES["step"][1] | {"seed": 7}]
    with pytest.raises(InputError) as caught:
        read_sweep(write(tmp_path, variants={"a": {"step": steps}, "b": {"step": [{"name": "x", "sed": 1}]}}))
    first, second = sorted(caught.value.problems)
    assert "variants.a: a step has a seed; leave it out" in first
    assert "variants.b: step 1: sed: unknown key; did you mean 'seed'?" in second


@pytest.mark.parametrize("name", [path.name for path in sorted((ROOT / "docs").glob("*.toml"))])
def test_sweeps_in_the_docs(name: str) -> None:
    sweep, trials = read_sweep(ROOT / "docs" / name)
    assert sweep.reference in {trial.variant for trial in trials}
    for recipe in (trial.recipe for trial in trials):
        if getattr(recipe.method, "labels", None) is None:  # which is a file that a user makes
            assert recipe.make_method(recipe.derive(get_space(recipe.space)))
