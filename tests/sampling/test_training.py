"""Samplers in a real training: what a recipe may say, and that a resumed run is the same run."""

from pathlib import Path
from typing import Any

import pytest

from tests import tiny
from toolkit.errors import InputError


@pytest.mark.parametrize("sampling", [{"name": "fair"}, {"name": "attentive", "table": 200}], ids=lambda s: s["name"])
def test_a_resumed_run_ends_in_the_same_checkpoint(sampling: dict[str, Any], tmp_path: Path) -> None:
    recipe = tiny.recipe(method={"name": "spos", "sampling": sampling})
    run, resumed = tiny.train_with_a_break(tmp_path, recipe)
    assert resumed.read_bytes() == run.latest_checkpoint().read_bytes()


@pytest.mark.parametrize(
    ("sampling", "message"),
    [
        ({"name": "fiar"}, "method.sampling.name: unknown name 'fiar'; did you mean 'fair'?"),
        ({}, "method.sampling.name: missing, but needed"),
        ({"name": "balanced", "amon": 3}, "method.sampling.amon: unknown key; did you mean 'among'?"),
        ({"name": "balanced", "prior": "mac"}, "method.sampling.prior: unknown prior; did you mean 'macs'?"),
        ({"name": "candidates"}, "method.sampling.file: missing, but needed"),
        ({"name": "shrinking", "depths": [0, 1.5]}, "method.sampling.depths.1: Input should be less than 1"),
    ],
)
def test_errors_in_the_table_are_sentences(sampling: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as refusal:
        tiny.recipe(method={"name": "spos", "sampling": sampling})
    (problem,) = refusal.value.problems
    assert problem.startswith(f"recipe: {message}")
