from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import tiny
from tests.networks import backend_on_cpu, logits, randomise, some_images
from toolkit.errors import InputError
from toolkit.interference.splits import best_partition, split_recipe, suggest_splits
from toolkit.interference.table import Row, as_frame
from toolkit.runs.checkpoint import load_checkpoint
from toolkit.runs.folder import RunFolder
from toolkit.runs.setup import load_weights
from toolkit.spaces import SPACES
from toolkit.spaces.cost import block_cost
from toolkit.spaces.splitting import Split, SplitSpace

SPACE = SPACES["resnet48-mini"]


def cells(decision: str, conflict: dict[tuple[str, str], float], error: float = 0.1, step: int = 8) -> pd.DataFrame:
    """What a probe would have found for a decision; like it, once for each of its blocks."""
    (blocks,) = (each.blocks for each in SPACE.decisions if each.name == decision)
    rows = [
        Row("split_conflict", value, error, 4, block, decision, first, second)
        for (first, second), value in conflict.items()
        for block in blocks
    ]
    return as_frame(rows, step, 1.0)


def test_the_least_conflict_is_left_within_groups() -> None:
    conflict = np.array([[0, 1, 0.1, 0.9], [1, 0, 0.8, 0.1], [0.1, 0.8, 0, 0.7], [0.9, 0.1, 0.7, 0]])
    assert best_partition(conflict).tolist() == [False, True, False, True]
    assert best_partition(np.array([[0, 0.5], [0.5, 0]])).tolist() == [False, True]


@given(st.integers(2, 6), st.integers(0, 2**32))
def test_no_partition_leaves_less(options: int, seed: int) -> None:
    half = np.triu(np.random.default_rng(seed).uniform(0, 2, (options, options)), 1)
    conflict = half + half.T
    apart = best_partition(conflict)
    assert apart.any()
    assert not apart[0]

    def left(group: set[int]) -> float:
        return sum(conflict[i, j] for i, j in combinations(range(options), 2) if (i in group) == (j in group))

    others = [{*group} for size in range(1, options) for group in combinations(range(options), size)]
    assert left(set(np.flatnonzero(apart))) == pytest.approx(min(map(left, others)))


def test_suggestions_are_ranked_with_gain_error_and_cost() -> None:
    width = {("1", "2"): 0.1, ("1", "3"): 0.8, ("2", "3"): 0.7}
    depth = {("2", "3"): np.nan, ("2", "4"): np.nan, ("2", "5"): np.nan, ("3", "4"): 2, ("3", "5"): 1.9, ("4", "5"): 0}
    table = pd.concat(
        [cells("middle1.1", width), cells("depth1", depth), cells("depth1", depth | {("4", "5"): 2}, step=4)]
    )
    first, second = suggest_splits(SPACE, table)
    assert first.split == Split("depth1", (("2", "4", "5"), ("3",)))
    assert first.gain == pytest.approx((2.0 + 1.9) / 6)
    assert first.error == pytest.approx(2 * 0.1 / 6)
    assert first.draws == 4
    assert first.blocks == (3, 4, 5)
    assert first.params == sum(block_cost(SPACE.widest[block]).params for block in first.blocks)
    assert second.split == Split("middle1.1", (("1", "2"), ("3",)))
    assert second.gain == pytest.approx((0.8 + 0.7) / 3)
    assert second.params == block_cost(SPACE.widest[1]).params


def test_branches_that_share_nothing_do_not_conflict() -> None:
    table = cells("middle1.1", {("1", "2"): np.nan, ("1", "3"): 0.5, ("2", "3"): 0.4})
    (found,) = suggest_splits(SPACE, table)
    assert found.split.groups == (("1", "2"), ("3",))
    assert found.gain == pytest.approx(0.9 / 3)


def test_what_is_split_is_not_split_again() -> None:
    split = SplitSpace(SPACE, (Split("middle1.1", (("1",), ("2", "3"))),))
    table = pd.concat(
        [cells(name, {("1", "2"): 1, ("1", "3"): 1, ("2", "3"): 0}) for name in ("middle1.1", "middle1.2")]
    )
    (found,) = suggest_splits(split, table)
    assert found.split.decision == "middle1.2"
    assert found.params == block_cost(SPACE.widest[2]).params


def test_nothing_was_probed_or_by_a_probe_that_did_not_measure_it_yet(trained: RunFolder) -> None:
    assert suggest_splits(SPACE, as_frame([], 0, 0.0)) == []
    older = cells("middle1.1", {("1", "2"): 0.5}).assign(measure="gradient_cosine")
    assert suggest_splits(SPACE, older) == []
    with pytest.raises(InputError, match="no split to suggest"):
        split_recipe(tiny.recipe(), trained.latest_checkpoint(), [])


def test_the_recipe_goes_on_with_the_same_candidates(trained: RunFolder, tmp_path: Path) -> None:
    """A supernet split as suggested computes for every candidate what the one before did, and trains."""
    table = pd.concat(
        [cells("middle1.1", {("1", "2"): 1, ("1", "3"): 1, ("2", "3"): 0}), cells("depth1", {("3", "5"): 1})]
    )
    asked = split_recipe(tiny.recipe(), trained.latest_checkpoint(), suggest_splits(SPACE, table))
    assert {each.decision for each in asked.split or ()} == {"middle1.1", "depth1"}
    backend = backend_on_cpu("torch")
    network, whole = (backend.network(space, space.widest, 0) for space in (SplitSpace(SPACE, asked.splits), SPACE))
    checkpoint = load_checkpoint(Path(asked.initial.weights or ""))
    for each in (network, whole):
        randomise(each, seed=3)
        load_weights(each, checkpoint, "checkpoint")
    images = some_images(SPACE)
    for seed in range(4):
        arch = SPACE.sample(np.random.default_rng(seed))
        found, expected = (logits(backend, each, arch, images, each.stored_norm()) for each in (network, whole))
        np.testing.assert_array_equal(found, expected)
    run = tiny.train_new(
        tmp_path / "run", asked.model_copy(update={"training": asked.training.model_copy(update={"epochs": 1})})
    )
    assert any(".d8o0." in name for name in load_checkpoint(run.latest_checkpoint()).model)
