"""Methods with a memory or a second update in a real training: a resumed run is the same run, and what it logs."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests import tiny
from toolkit.training.run import RunFolder
from toolkit.training.trainer import train

METHODS: dict[str, dict[str, Any]] = {
    "nsas": {"archive": 3, "recent": 5, "sampling": {"name": "fair"}},
    "progressive": {"paths": 1, "look": 2},
}


@pytest.mark.parametrize("name", METHODS)
def test_a_resumed_run_ends_in_the_same_checkpoint(name: str, tmp_path: Path) -> None:
    recipe = tiny.recipe(method={"name": name, **METHODS[name]})
    run = tiny.train_new(tmp_path / "whole", recipe)
    shutil.copytree(run.path, tmp_path / "cut")
    cut = RunFolder(tmp_path / "cut")
    cut.latest_checkpoint().unlink()
    assert len(cut.checkpoints()) == 1
    assert train(recipe, cut).read_bytes() == run.latest_checkpoint().read_bytes()
    lines = [json.loads(line) for line in run.metrics.read_text().splitlines()]
    logged = {"nsas": "archive_loss", "progressive": "recovered"}[name]
    assert all(logged in line for line in lines[1:])
