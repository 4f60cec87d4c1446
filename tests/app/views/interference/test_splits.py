from pathlib import Path

import numpy as np
import pytest

from app.views.interference import splits
from tests.app import example_run
from toolkit.interference.splits import Suggestion, split_recipe
from toolkit.runs.folder import RunFolder
from toolkit.runs.recipe import read_recipe
from toolkit.spaces.splitting import Split


def test_splits_of_a_run_by_gain(probed_run: RunFolder) -> None:
    found = splits.suggested(probed_run)
    table, gains = splits.table(found), splits.gains(found)
    assert found[0].split.decision == "middle3.7"  # the block in conflict
    assert table["gain"].is_monotonic_decreasing
    assert set(table["groups"].iloc[0].replace(" | ", ", ").split(", ")) == set("12345")
    assert gains["part"].tolist() == table["decision"].tolist()
    assert (gains["margin"] > 0).all()


def test_a_decision_that_is_split_is_not_suggested_again(probed_run: RunFolder, tmp_path: Path) -> None:
    first = splits.suggested(probed_run)[0]
    recipe = split_recipe(read_recipe(probed_run.recipe), probed_run.latest_checkpoint(), [first])
    run = RunFolder(tmp_path)
    run.recipe.write_text(recipe.to_toml())
    run.interference.write_bytes(probed_run.interference.read_bytes())
    assert first.split.decision not in {each.split.decision for each in splits.suggested(run)}


def test_nothing_measured_nothing_suggested(tmp_path: Path) -> None:
    assert splits.suggested(example_run.begin(tmp_path / "run")) == []


def test_margins_of_a_handful_of_draws_are_students() -> None:
    """1.96 standard errors hold 95 % only where there are many."""
    split = Split("width1", (("8",), ("16",)))
    few, many, none = (Suggestion(split, (1,), 0.5, 0.1, draws, 10) for draws in (4, 1000, 1))
    margins = splits.gains([few, many, none])["margin"]
    assert margins[0] == pytest.approx(0.3182, abs=1e-4)
    assert margins[1] == pytest.approx(0.196, abs=1e-3)
    assert np.isnan(margins[2])
