"""What every space must do. A new space is tested by being registered in `toolkit.spaces.SPACES`."""

import dataclasses
from collections import Counter

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from toolkit.errors import InputError
from toolkit.spaces import ABSENT, SPACES, Arch, Cost, Plan, Plans, SearchSpace, get_space
from toolkit.spaces.base import matrix
from toolkit.spaces.cost import block_cost, network_cost
from toolkit.spaces.primitives import Norm
from toolkit.spaces.wiring import graph

every_space = pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)

seeds = st.integers(0, 2**32 - 1)


def answers(space: SearchSpace, rng: np.random.Generator) -> list[int]:
    """An answer to every decision, also to those that do not apply."""
    return rng.integers([len(decision.options) for decision in space.decisions]).tolist()


def samples(space: SearchSpace, count: int, seed: int = 0) -> list[Arch]:
    rng = np.random.default_rng(seed)
    return [space.sample(rng) for _ in range(count)]


def neighbours(space: SearchSpace, arch: Arch) -> list[Arch]:
    """Every architecture with one active answer changed; decisions that become active take their first option."""
    filled = [max(answer, 0) for answer in arch]
    return [
        space.canonical([*filled[:i], option, *filled[i + 1 :]])
        for i, decision in enumerate(space.decisions)
        if arch[i] != ABSENT
        for option in range(len(decision.options))
    ]


@every_space
def test_decisions_are_well_formed(space: SearchSpace) -> None:
    names = [decision.name for decision in space.decisions]
    assert len(set(names)) == len(names)
    for decision in space.decisions:
        assert len(set(decision.options)) == len(decision.options) >= 2
        assert set(decision.blocks) <= set(range(len(space.widest)))
        assert list(decision.blocks) == sorted(set(decision.blocks))


@every_space
def test_spaces_describe_themselves(space: SearchSpace) -> None:
    assert space.summary
    assert get_space(space.name) is space


@every_space
def test_samples_are_canonical(space: SearchSpace) -> None:
    for arch in samples(space, 500):
        assert space.contains(arch)
        assert space.canonical(arch) == arch
        active = space.active(arch)
        assert [answer == ABSENT for answer in arch] == [not applies for applies in active]


@every_space
def test_samples_depend_on_the_seed_alone(space: SearchSpace) -> None:
    assert samples(space, 5, seed=1) == samples(space, 5, seed=1) != samples(space, 5, seed=2)


@every_space
def test_samples_are_uniform_per_decision(space: SearchSpace) -> None:
    for decision, column in zip(space.decisions, matrix(samples(space, 3000)).T, strict=True):
        counts = Counter(column[column != ABSENT].tolist())
        observed = [counts[option] for option in range(len(decision.options))]
        assert min(observed) > 0, f"an option of {decision.name} is never drawn"
        assert stats.chisquare(observed).pvalue > 1e-5, f"{decision.name}: {observed}"


@every_space
@given(seed=seeds, data=st.data())
def test_contains_rejects_what_is_not_canonical(space: SearchSpace, seed: int, data: st.DataObject) -> None:
    (arch,) = samples(space, 1, seed)
    i = data.draw(st.integers(0, len(arch) - 1))
    wrong = 0 if arch[i] == ABSENT else data.draw(st.sampled_from([ABSENT, -2, len(space.decisions[i].options)]))
    assert not space.contains((*arch[:i], wrong, *arch[i + 1 :]))
    assert not space.contains(arch[:-1])
    assert not space.contains((*arch, 0))


@every_space
@given(seed=seeds)
def test_codes_round_trip(space: SearchSpace, seed: int) -> None:
    (arch,) = samples(space, 1, seed)
    code = space.format(arch)
    assert space.problems(code) == []
    assert space.parse(code) == arch
    assert space.plans(space.parse(code)) == space.plans(arch)


@every_space
@given(text=st.text(max_size=80) | st.text("0123456789-", min_size=19, max_size=60))
def test_garbage_is_refused(space: SearchSpace, text: str) -> None:
    problems = space.problems(text)
    if problems:
        with pytest.raises(InputError) as refusal:
            space.parse(text)
        assert len(refusal.value.problems) == len(problems)
        assert all(f"is not in space {space.name}: " in problem for problem in refusal.value.problems)
    else:
        assert space.contains(space.parse(text))


@every_space
@given(seed=seeds, data=st.data())
def test_a_changed_character_is_refused_or_means_itself(space: SearchSpace, seed: int, data: st.DataObject) -> None:
    code = space.format(*samples(space, 1, seed))
    i = data.draw(st.integers(0, len(code) - 1))
    changed = code[:i] + data.draw(st.sampled_from("0123456789- ") | st.characters()) + code[i + 1 :]
    if space.problems(changed):
        with pytest.raises(InputError):
            space.parse(changed)
    else:
        assert space.contains(space.parse(changed))
        assert space.format(space.parse(changed)) == changed


@every_space
def test_largest_and_smallest_are_extremes(space: SearchSpace) -> None:
    def macs(arch: Arch) -> int:
        return network_cost(space.supernet_plans(arch)).macs

    assert space.contains(space.largest)
    assert space.contains(space.smallest)
    drawn = [macs(arch) for arch in samples(space, 1000)]
    assert macs(space.smallest) <= min(drawn)
    assert macs(space.largest) >= max(drawn)
    assert macs(space.largest) == max(map(macs, neighbours(space, space.largest)))
    assert macs(space.smallest) == min(map(macs, neighbours(space, space.smallest)))


@every_space
@given(seed=seeds)
def test_widest_covers_every_path(space: SearchSpace, seed: int) -> None:
    (arch,) = samples(space, 1, seed)
    assert_all_fit(space.supernet_plans(arch), space.widest)


def assert_all_fit(plans: Plans, widest: Plans) -> None:
    for plan, widest_plan in zip(plans, widest, strict=True):
        if plan is not None:
            assert_fits(plan, widest_plan)


def assert_fits(plan: Plan, widest: Plan | None) -> None:
    """By leading slices and smaller kernels, on smaller maps; a path takes one branch of each choice."""
    assert type(plan) is type(widest)
    for field in dataclasses.fields(plan):
        value, limit = getattr(plan, field.name), getattr(widest, field.name)
        match field.name:
            case "branches":
                ((name, branch),) = value
                assert_fits(branch, dict(limit)[name])
            case "nodes":
                for edges, widest_edges in zip(value, limit, strict=True):
                    assert_all_fit(edges, widest_edges)
            case _:
                within = field.name.endswith("channels") or field.name in ("project", "kernel", "size", "resolution")
                fits = value == limit or (within and value <= limit)
                assert fits, f"{field.name} of {plan} does not fit into {widest}"


@every_space
@given(seed=seeds, data=st.data())
def test_a_decision_shapes_no_other_blocks(space: SearchSpace, seed: int, data: st.DataObject) -> None:
    first = answers(space, np.random.default_rng(seed))
    i = data.draw(st.integers(0, len(first) - 1))
    option = data.draw(st.integers(0, len(space.decisions[i].options) - 1))
    assert changed_blocks(space, first, [*first[:i], option, *first[i + 1 :]]) <= set(space.decisions[i].blocks)


@every_space
def test_a_decision_shapes_each_of_its_blocks(space: SearchSpace) -> None:
    rng = np.random.default_rng(0)
    for i, decision in enumerate(space.decisions):
        missing = set(decision.blocks)
        for _ in range(300):
            if not missing:
                break
            first, second = answers(space, rng), answers(space, rng)
            missing -= changed_blocks(space, first, [*first[:i], second[i], *first[i + 1 :]])
        assert not missing, f"{decision.name} never changes blocks {sorted(missing)}"


def changed_blocks(space: SearchSpace, first: list[int], second: list[int]) -> set[int]:
    """Where the networks of two lists of answers differ, alone or in the supernet."""
    a, b = space.canonical(first), space.canonical(second)
    return {
        position
        for plans in (space.plans, space.supernet_plans)
        for position, (before, after) in enumerate(zip(plans(a), plans(b), strict=True))
        if before != after
    }


@every_space
@given(seed=seeds)
def test_plans_are_keys(space: SearchSpace, seed: int) -> None:
    """Equal networks are found by their plans: equal plans hash alike, different ones differ."""
    first, second = samples(space, 2, seed)
    again = space.plans(space.canonical(first))
    assert {space.plans(first): "found"}[again] == "found"
    if space.cost(first) != space.cost(second):
        assert space.plans(first) != space.plans(second)


@every_space
@given(seed=seeds)
def test_costs_add_up(space: SearchSpace, seed: int) -> None:
    (arch,) = samples(space, 1, seed)
    present = [plan for plan in space.plans(arch) if plan is not None]
    assert sum(map(block_cost, present), Cost(0, 0)) == space.cost(arch)
    for plan in present:
        layers = [step.op for step in graph(plan).steps if step.name]
        cost = block_cost(plan)
        assert (cost.params > 0) == bool(layers)
        assert (cost.macs > 0) == any(not isinstance(layer, Norm) for layer in layers)


@every_space
def test_other_images_change_the_two_ends_only(space: SearchSpace) -> None:
    """The sizes of the maps as well, but the size stays the same here."""
    other = space.for_images(space.channels + 1, space.size, space.classes + 1)
    assert other.decisions == space.decisions
    for arch in samples(space, 20):
        assert other.format(arch) == space.format(arch)
        pairs = list(zip(space.plans(arch), other.plans(arch), strict=True))
        assert [i for i, (before, after) in enumerate(pairs) if before != after] == [0, len(pairs) - 1]


@every_space
@given(seed=seeds)
def test_the_default_distance_is_one(space: SearchSpace, seed: int) -> None:
    a, b, c = samples(space, 3, seed)
    assert space.distance(a, a) == 0
    assert space.distance(a, b) == space.distance(b, a) <= len(space.decisions)
    assert space.distance(a, c) <= space.distance(a, b) + space.distance(b, c)
    assume(a != b)
    assert space.distance(a, b) > 0


def test_absent_against_present_is_a_difference() -> None:
    distance = get_space("resnet20").distance
    assert distance((0, 1, 2), (0, 2, 2)) == 1
    assert distance((0, 1, ABSENT), (0, 1, 0)) == 1
    assert distance((0, 1, ABSENT), (0, 1, ABSENT)) == 0


def test_unknown_spaces_are_named() -> None:
    with pytest.raises(InputError, match=r"unknown space 'resnet84'.* 'resnet48'"):
        get_space("resnet84")
    with pytest.raises(InputError, match=", ".join(SPACES)):
        get_space("imagined")
