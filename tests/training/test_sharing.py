"""The `[supernet]` and `[initial]` tables: what a run's supernet is, and the weights with which it begins."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests import tiny
from tests.networks import backend_on_cpu, randomise
from tests.supernets import SUPERNETS
from toolkit.backends.base import Weights
from toolkit.data import open_dataset
from toolkit.errors import InputError
from toolkit.evaluation.evaluator import Evaluator
from toolkit.evaluation.images import EvaluationSet
from toolkit.evaluation.policy import NormPolicy
from toolkit.runs.checkpoint import load_checkpoint
from toolkit.runs.folder import RunFolder
from toolkit.runs.recipe import Recipe, parse_recipe
from toolkit.spaces import Arch, SearchSpace, get_space
from toolkit.spaces.enhancement import EnhancedSpace
from toolkit.spaces.grouping import GroupedSpace, parted
from toolkit.spaces.plans import BasicBlock
from toolkit.training.reorder import reorder_channels

STILL = {"epochs": 1, "warmup_epochs": 0.0, "lr": 1e-30, "weight_decay": 0.0}
"""A learning rate that changes nothing: what is saved after the epoch is what it began with."""

MINI = get_space("resnet48-mini")


def recipe(**supernet: Any) -> Recipe:
    return tiny.recipe(supernet=supernet)


def begun(path: Path, weights: Path | None = None, initial: dict[str, Any] | None = None, **supernet: Any) -> Weights:
    """The weights with which a run begins."""
    tables = {"initial": (initial or {}) | ({} if weights is None else {"weights": str(weights)})}
    asked = tiny.recipe(training=STILL, supernet=supernet, **tables)
    found = load_checkpoint(tiny.train_new(path, asked).latest_checkpoint()).model
    return {name: array for name, array in found.items() if "running" not in name}


def assert_equal(found: np.ndarray, expected: np.ndarray, name: str) -> None:
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-20, err_msg=name)


def test_the_table_says_what_the_supernet_is() -> None:
    asked = recipe(activation="mish", groups={"32": [27, 32], "64": "widths", "16": 2}, norms="widths")
    derived = asked.derive(MINI)
    rules = ((32, (27, 32)), (64, "widths"), (16, 2))
    assert derived == GroupedSpace(EnhancedSpace(MINI, (), "mish"), rules, "widths", activations=True)
    assert recipe().derive(MINI) is MINI
    assert recipe(groups=3, group_slopes=False).derive(MINI) == GroupedSpace(MINI, 3, None, activations=False)
    asked = parse_recipe({"space": "resnet20", "method": {"name": "spos"}, "supernet": {"widths": {"4": 5, "8": 9}}})
    assert asked.derive(get_space("resnet20")) == EnhancedSpace(get_space("resnet20"), ((4, 5), (8, 9)), "relu")


@pytest.mark.parametrize("always", [True, False])
def test_always_project_is_an_option_of_resnet20(always: bool) -> None:
    tables = {"space": {"name": "resnet20", "always_project": always}, "method": {"name": "spos"}}
    space = parse_recipe(tables).derive(get_space("resnet20"))
    narrow = space.supernet_plans(space.smallest)
    assert all(plan.project for plan in narrow if isinstance(plan, BasicBlock)) == always
    assert space.plans(space.smallest) == get_space("resnet20").plans(space.smallest)


@pytest.mark.parametrize(
    ("space", "supernet", "message"),
    [
        ("resnet20", {"always_project": True}, 'write the table [space] with name = "resnet20" and always_project'),
        ("nasbench201", {"groups": 2}, "space nasbench201 has no widths to group"),
        ("nasbench-macro", {"activation": "prelu"}, "space nasbench-macro has no residual blocks"),
        ("resnet20", {"widths": {"4": 8}}, "widths.4: 8 is not below the next width"),
        ("resnet20", {"widths": {"four": 5}}, "widths: four: not a width"),
        ("resnet20", {"groups": {"64": [16]}}, "groups.64: the last group must hold width 64, found 16"),
        ("resnet20", {"groups": {"64": []}}, "groups"),
        ("resnet20", {"groups": 0}, "groups"),
        ("resnet20", {"group": 4}, "supernet.group: unknown key; did you mean 'groups'?"),
        ("resnet20", {"activation": "gelu"}, "supernet.activation"),
    ],
)
def test_a_supernet_that_cannot_be_is_explained(space: str, supernet: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_recipe({"space": space, "method": {"name": "spos"}, "supernet": supernet}, "r.toml")
    assert message in "\n".join(caught.value.problems)
    assert all(problem.startswith("r.toml: ") for problem in caught.value.problems)


def test_slopes_are_inherited_or_begin_as_asked(trained: RunFolder, tmp_path: Path) -> None:
    path = trained.latest_checkpoint()
    for initial, expected in (({}, 0.25), ({"slope": 0.0}, 0.0), ({"slope": 0.5}, 0.5)):
        weights = begun(tmp_path / f"run{expected}", path, initial, activation="prelu", groups=2)
        slopes = {name: array for name, array in weights.items() if ".outer." in name}
        assert any(".groups." in name for name in slopes)
        assert all((np.abs(array - expected) < 1e-20).all() for name, array in slopes.items())
        assert_equal(weights["blocks.3.conv1.weight"], load_checkpoint(path).model["blocks.3.conv1.weight"], "blocks.3")
    half = RunFolder(tmp_path / "run0.5").latest_checkpoint()
    again = begun(tmp_path / "again", half, {"slope": 0.0}, activation="prelu", groups="widths")
    assert all((array == 0.5).all() for name, array in again.items() if ".outer." in name), "inherited"


def test_coarser_checkpoints_load_and_what_would_lose_weights_does_not(trained: RunFolder, tmp_path: Path) -> None:
    plain = trained.latest_checkpoint()
    grouped = begun(tmp_path / "two", plain, groups=2)
    two = RunFolder(tmp_path / "two").latest_checkpoint()
    for name, array in load_checkpoint(plain).model.items():
        if "running" not in name:
            assert_equal(grouped[name], array, name)
    finer = begun(tmp_path / "widths", two, groups="widths", norms="widths")
    before = load_checkpoint(two).model
    for name, array in finer.items():
        trunk, group = parted(name)
        if group is not None and trunk.startswith("blocks.3.conv1"):
            assert_equal(array, before["blocks.3.conv1.groups.8.weight"][:group], name)
    finest = RunFolder(tmp_path / "widths").latest_checkpoint()
    for supernet in ({"groups": 2}, {"norms": "widths"}, {"groups": {"16": 2}}):
        with pytest.raises(InputError) as caught:
            begun(tmp_path / "lost", finest, **supernet)
        told = [problem for problem in caught.value.problems if not problem.startswith("... and ")]
        assert all("would be lost, for this supernet has no such" in problem for problem in told)
    with pytest.raises(InputError, match="is unknown to this network"):
        begun(tmp_path / "lost", finest)
    assert not RunFolder(tmp_path / "lost").exists()


def test_channels_are_reordered_in_the_trunk_and_groups_follow(trained: RunFolder, tmp_path: Path) -> None:
    path = trained.latest_checkpoint()
    weights = begun(tmp_path / "run", path, {"reorder_channels": True}, groups=2)
    for name, array in reorder_channels(load_checkpoint(path).model).items():
        if "running" not in name:
            assert_equal(weights[name], array, name)
    for name, array in weights.items():
        trunk, group = parted(name)
        if group is not None:
            assert_equal(array, weights[trunk][tuple(map(slice, array.shape))], name)
    grouped = RunFolder(tmp_path / "run").latest_checkpoint()
    with pytest.raises(InputError, match="has groups of widths or a HyperNet, whose channels cannot be reordered"):
        begun(tmp_path / "again", grouped, {"reorder_channels": True}, groups=2)


DIGITS = open_dataset("digits", calibration=24, validation=32)


@pytest.mark.parametrize("name", SUPERNETS)
def test_together_candidates_count_as_each_for_itself(name: str) -> None:
    """Prefixes and siblings share nothing that groups of widths have for themselves."""
    backend, space = backend_on_cpu("torch"), SUPERNETS[name].for_images(1, 8, 10)
    network = backend.network(space, space.widest, 0)
    randomise(network)
    some = archs(space)
    evaluator = Evaluator(backend, network, EvaluationSet.of(DIGITS, NormPolicy("calibrate", 16)))
    for together, arch in zip(evaluator.evaluate(some), some, strict=True):
        (alone,) = evaluator.evaluate([arch])
        assert (together.top1, together.top5, together.total) == (alone.top1, alone.top5, alone.total)
        assert together.loss == pytest.approx(alone.loss, rel=1e-4)


def archs(space: SearchSpace) -> list[Arch]:
    """The extremes, a random one, and its neighbours: they differ late, and in one decision only."""
    rng = np.random.default_rng(2)
    first = space.sample(rng)
    found = [first, space.largest, space.smallest]
    for decision in (-2, -1, len(first) // 2):
        for option in range(2):
            answers = [max(answer, 0) for answer in first]
            answers[decision] = option
            found.append(space.canonical(answers))
    return list(dict.fromkeys(found))
