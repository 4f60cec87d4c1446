"""Splits change the supernet and nothing else; right after a split, not even what it computes."""

import numpy as np
import pytest

from tests.networks import KINDS, UNALIKE, backend_on_cpu, logits, on_backends, randomise, some_images, thin
from toolkit.spaces import SPACES, SearchSpace, get_space
from toolkit.spaces.ancestry import ancestors
from toolkit.spaces.cost import network_cost
from toolkit.spaces.plans import Choice
from toolkit.spaces.splitting import Split, SplitSpace, split_problems

every_space = pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)


def halves(space: SearchSpace, number: int) -> Split:
    """The options of a decision, the first half and the rest."""
    decision = space.decisions[number]
    options = tuple(map(str, decision.options))
    middle = len(options) // 2
    return Split(decision.name, (options[:middle], options[middle:]))


def two_splits(space: SearchSpace) -> SplitSpace:
    """Split by the first and the last decision."""
    return SplitSpace(space, (halves(space, 0), halves(space, len(space.decisions) - 1)))


@every_space
def test_only_the_supernet_changes(space: SearchSpace) -> None:
    split = two_splits(space)
    rng = np.random.default_rng(0)
    for _ in range(20):
        arch = space.sample(rng)
        assert split.sample(np.random.default_rng(1)) == space.sample(np.random.default_rng(1))
        assert split.plans(arch) == space.plans(arch)
        assert split.cost(arch) == space.cost(arch)
        assert split.parse(split.format(arch)) == arch
        for plan, base in zip(split.supernet_plans(arch), space.supernet_plans(arch), strict=True):
            if plan != base:
                assert isinstance(plan, Choice)
                assert [branch for _, branch in plan.branches] == [base]
    assert (split.name, split.largest, split.smallest) == (space.name, space.largest, space.smallest)
    assert network_cost(split.widest).params > network_cost(space.widest).params
    assert split.for_images(1, 16, 3) == SplitSpace(space.for_images(1, 16, 3), split.splits)


@every_space
def test_a_path_runs_the_copies_of_its_groups(space: SearchSpace) -> None:
    split = two_splits(space)
    rng = np.random.default_rng(0)
    names: dict[tuple[int, tuple[bool, ...]], set[str]] = {}
    first, last = space.decisions[0], space.decisions[-1]
    for _ in range(200):
        arch = space.sample(rng)
        group = tuple(arch[i] >= len(space.decisions[i].options) // 2 for i in (0, -1))
        for position, (plan, held) in enumerate(zip(split.supernet_plans(arch), split.widest, strict=True)):
            shaped = position in first.blocks, position in last.blocks
            if plan is not None and any(shaped):
                assert isinstance(plan, Choice)
                assert isinstance(held, Choice)
                ((name, _),) = plan.branches
                assert name in dict(held.branches)
                key = position, tuple(g for g, s in zip(group, shaped, strict=True) if s)
                names.setdefault(key, set()).add(name)
    assert all(len(found) == 1 for found in names.values()), "one copy for one combination of groups"
    assert len({(position, *found) for (position, _), found in names.items()}) == len(names), "and each its own"


@pytest.mark.parametrize(("backend_name", "name"), on_backends(zip(KINDS), zip(UNALIKE)))
def test_right_after_a_split_nothing_has_changed(name: str, backend_name: str) -> None:
    backend = backend_on_cpu(backend_name)
    space = thin(SPACES[name])
    once = SplitSpace(space, (halves(space, 0),))
    whole, half, quarter = (backend.network(each, each.widest, 0) for each in (space, once, two_splits(space)))
    randomise(whole)
    for network, before in ((half, whole), (quarter, half)):
        weights = before.weights()
        inherited = ancestors(network.weights(), weights)
        network.load_weights({name: weights[old] for name, old in inherited.items()})
        assert set(inherited.values()) == set(weights), "no weight is lost"
    images = some_images(space, 2)
    rng = np.random.default_rng(0)
    for arch in (space.largest, space.smallest, space.sample(rng)):
        expected = logits(backend, whole, arch, images, whole.stored_norm())
        for network in (half, quarter):
            assert np.array_equal(logits(backend, network, arch, images, network.stored_norm()), expected)


def test_ancestors_know_their_options() -> None:
    available = ["blocks.1.d0o0_1.conv1.weight", "blocks.1.d0o2.conv1.weight", "blocks.2.conv1.weight"]
    names = ["blocks.1.d0o1d4o0.conv1.weight", "blocks.1.d0o2d4o0.conv1.weight", "blocks.2.d4o1_3.conv1.weight"]
    assert ancestors([*names, "blocks.3.conv1.weight"], available) == dict(zip(names, available, strict=True))
    assert not ancestors(["blocks.1.d0o1_2.conv1.weight"], available), "no group holds both"


@pytest.mark.parametrize(
    ("split", "expected"),
    [
        (Split("middle", (("1",), ("2", "3"))), "unknown decision 'middle'; did you mean 'middle"),
        (Split("middle1.1", (("1",), ("2", "4"))), "unknown option '4'"),
        (Split("middle1.1", (("1",), ("2",))), "option '3' stands in no group"),
        (Split("middle1.1", (("1", "2"), ("2", "3"))), "option '2' stands there twice"),
        (Split("middle1.1", (("1", "2", "3"), ())), "a group is empty"),
    ],
)
def test_what_is_no_partition(split: Split, expected: str) -> None:
    assert expected in "\n".join(split_problems([split], get_space("resnet48")))


def test_a_decision_is_split_once() -> None:
    split = Split("middle1.1", (("1",), ("2", "3")))
    assert split_problems([split, split], get_space("resnet48")) == ["middle1.1: split twice; write one split"]
