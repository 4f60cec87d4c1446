"""Splits in recipes: `[[split]]` tables."""

from pathlib import Path

import pytest

from tests import tiny
from toolkit.candidates import draw_candidates
from toolkit.errors import InputError
from toolkit.evaluation.evaluate import Job, equip
from toolkit.evaluation.policy import NormPolicy
from toolkit.evaluation.worker import Worker
from toolkit.runs.checkpoint import load_checkpoint
from toolkit.runs.folder import RunFolder
from toolkit.runs.recipe import parse_recipe, read_recipe
from toolkit.spaces import get_space

SPLIT = [{"decision": "middle4.1", "groups": [["1", "2", "3"], ["4", "5", "6", "7"]]}]
COPIES = {"blocks.19.d26o0_1_2", "blocks.19.d26o3_4_5_6"}


def split_recipe(**tables: dict[str, object]) -> dict[str, object]:
    return tiny.recipe(**tables).model_dump(exclude_none=True) | {"split": SPLIT}


def test_a_split_run_begins_with_the_weights_it_was_split_from(trained: RunFolder, tmp_path: Path) -> None:
    weights = str(trained.latest_checkpoint())
    # A learning rate that changes nothing: what is saved after the epoch is what it began with.
    still = {"epochs": 1, "warmup_epochs": 0.0, "lr": 1e-30, "weight_decay": 0.0}
    asked = parse_recipe(split_recipe(training=still) | {"initial": {"weights": weights}})
    run = tiny.train_new(tmp_path / "split", asked)
    assert read_recipe(run.recipe) == asked, "the split is written down"
    before, after = (load_checkpoint(path).model for path in (Path(weights), run.latest_checkpoint()))
    copies = {".".join(name.split(".")[:3]) for name in after if name.startswith("blocks.19.")}
    assert copies == COPIES
    for copy in COPIES:
        assert (after[f"{copy}.conv1.weight"] == before["blocks.19.conv1.weight"]).all()


def test_copies_go_their_own_ways_and_are_evaluated(tmp_path: Path) -> None:
    run = tiny.train_new(tmp_path / "run", parse_recipe(split_recipe()))
    first, second = (load_checkpoint(run.latest_checkpoint()).model[f"{copy}.conv1.weight"] for copy in sorted(COPIES))
    assert (first != second).any()
    codes = list(draw_candidates(get_space("resnet48-mini"), 4, 0).values())
    equipment, _ = equip(Job(run.path, run.latest_checkpoint(), NormPolicy("batch", 32), images=32))
    rows = Worker(equipment)(codes)
    assert [row.code for row in rows] == codes


def test_without_weights_all_copies_begin_alike(tmp_path: Path) -> None:
    still = {"epochs": 1, "warmup_epochs": 0.0, "lr": 1e-30, "weight_decay": 0.0}
    run = tiny.train_new(tmp_path / "run", parse_recipe(split_recipe(training=still)))
    first, second = (load_checkpoint(run.latest_checkpoint()).model[f"{copy}.conv1.weight"] for copy in sorted(COPIES))
    assert (first == second).all()


def test_a_split_that_does_not_fit_is_explained() -> None:
    tables = split_recipe() | {"split": [{"decision": "middle9.1", "groups": [["1"], ["2"]]}]}
    with pytest.raises(InputError, match=r"split: unknown decision 'middle9.1'; did you mean"):
        parse_recipe(tables)
