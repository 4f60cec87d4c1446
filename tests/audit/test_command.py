"""`supernet train --audit`: what a user sees, and that nothing is written."""

import json
from pathlib import Path

import pytest

from tests import tiny
from tests.command import supernet
from toolkit.audit.audit import audit_pipeline
from toolkit.runs.folder import RunFolder
from toolkit.training.steps import parse_pipeline


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_recipe_is_audited_from_its_start(folder: Path) -> None:
    Path("tiny.toml").write_text(tiny.recipe().to_toml())
    before = contents(folder)
    outcome = supernet("train", "tiny.toml", "--audit", "--steps", "2")
    assert outcome.status == 0, outcome.err
    assert "✓ Nothing changed that should not have." in outcome.out
    assert "Running statistics were moved by 2 forward passes" in outcome.out
    assert contents(folder) == before


def test_a_run_is_audited_after_its_last_checkpoint(run: RunFolder) -> None:
    """A finished one does the last steps of its schedule once more, from its last weights and momentum."""
    before = contents(run.path)
    outcome = supernet("train", "--resume", "--out", run.path, "--audit", "--steps", "2", "--json")
    assert outcome.status == 0, outcome.err
    found = json.loads(outcome.out)["training"]
    assert [step["step"] for step in found["steps"]] == [7, 8]
    assert found["violations"] == []
    causes = {move["cause"] for step in found["steps"] for move in step["moves"]}
    assert causes == {"gradient", "momentum", "forward"}, "momentum is that of the run"
    assert all(step["moves"][0]["pass"] == 0 for step in found["steps"])
    assert contents(run.path) == before


def test_violations_end_the_command_with_status_1() -> None:
    """More steps than there are: all of them."""
    asked = tiny.recipe(training={"epochs": 1, "warmup_epochs": 0, "move_idle": True})
    Path("tiny.toml").write_text(asked.to_toml())
    outcome = supernet("train", "tiny.toml", "--audit", "--steps", "99")
    assert outcome.status == 1
    assert "Traceback" not in outcome.err
    assert "✗" in outcome.out
    assert "Remedy: training.move_idle = false." in outcome.out


def test_every_step_of_a_recipe_is_audited() -> None:
    """Each goes on with the weights before it; so nothing is asked for that was not trained yet."""
    tables = tiny.recipe(supernet={"activation": "prelu"}).model_dump(mode="json", exclude_none=True)
    progressive = {"name": "progressive", "teacher": "frozen", "paths": 1, "look": 0}
    tables["step"] = [
        {"name": "alone", "method": {"name": "largest"}},
        {"name": "groups", "method": progressive, "supernet": {"groups": 2, "group_slopes": False}},
    ]
    alone, groups = audit_pipeline(parse_pipeline(tables), steps=2).values()
    assert not alone.frozen
    assert not alone.violations
    (found,) = groups.violations
    assert found.remedy == "supernet.group_slopes = true"
    assert groups.norms["blocks.24.fc.weight"] != alone.norms["blocks.24.fc.weight"], "these are trained weights"
