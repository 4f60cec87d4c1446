"""Methods with a memory or a second update in a real training: a resumed run is the same run, and what it logs."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests import tiny

METHODS: dict[str, dict[str, Any]] = {
    "nsas": {"archive": 3, "recent": 5, "sampling": {"name": "fair"}},
    "progressive": {"paths": 1, "look": 2},
}


@pytest.mark.parametrize("name", METHODS)
def test_a_resumed_run_ends_in_the_same_checkpoint(name: str, tmp_path: Path) -> None:
    recipe = tiny.recipe(method={"name": name, **METHODS[name]})
    run, resumed = tiny.train_with_a_break(tmp_path, recipe)
    assert resumed.read_bytes() == run.latest_checkpoint().read_bytes()
    lines = [json.loads(line) for line in run.metrics.read_text().splitlines()]
    logged = {"nsas": "archive_loss", "progressive": "recovered"}[name]
    assert all(logged in line for line in lines[1:])
