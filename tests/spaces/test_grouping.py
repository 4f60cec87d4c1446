"""Groups of widths: which width uses which, and that nobody sees when a width moves into a group of its own."""

from math import prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.networks import backend_on_cpu, forward, logits, randomise, some_images
from tests.supernets import GROUPED
from toolkit.backends import BACKENDS
from toolkit.backends.base import Backend, Network
from toolkit.backends.shapes import shapes
from toolkit.backends.weights import inherited, trunk_of
from toolkit.spaces import SPACES, SearchSpace
from toolkit.spaces.enhancement import EnhancedSpace
from toolkit.spaces.grouping import (
    GroupedSpace,
    Layers,
    Rules,
    elastic_layers,
    grouping_problems,
    groups_of,
    parted,
    regrouping_problems,
)
from toolkit.spaces.own import SHARED, group_of
from toolkit.spaces.splitting import SplitSpace

RESNET20 = SPACES["resnet20"]
ENHANCED = EnhancedSpace(RESNET20, ((4, 5), (8, 9)), "prelu")
PER_FOUR: Rules = ((16, 4), (32, 8), (64, 16))
NATS = SPACES["nats-size"].for_images(3, 8, 7)

every_space = pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
every_backend = pytest.mark.parametrize("backend_name", BACKENDS)


def table(space: SearchSpace) -> dict[int, dict[int, set[int]]]:
    """By the widest width of layers: the groups, and the nominal widths that use each."""
    found: dict[int, dict[int, set[int]]] = {}
    for layers, own in groups_of(space):
        used: dict[int, set[int]] = {}
        for width, options in layers.users.items():
            used.setdefault(group_of(width, own.convs), set()).update(map(int, options))
        assert found.setdefault(max(layers.users), used) == used, "all layers as wide as this are grouped alike"
        assert own.convs == own.norms == tuple(used)
    return found


def test_four_groups_are_those_of_the_winner() -> None:
    """Step 3 of the first place of 2021, as its code was run for the specification; its b_0 of 4 channels is unused."""
    assert table(GroupedSpace(ENHANCED, 4)) == {
        16: {8: {4}, 12: {8, 12}, 16: {16}},
        32: {8: {4}, 16: {8, 12, 16}, 24: {20, 24}, 32: {28, 32}},
        64: {
            16: {4, 8, 12, 16},
            32: {20, 24, 28, 32},
            48: {36, 40, 44, 48},
            64: {52, 56, 60, 64},
        },
    }


def test_a_group_per_four_channels_is_one_per_width_but_8_and_12() -> None:
    """Step 4: 5 spills out of the group of 4, and 9 out of that of 8."""
    by_width = {width: {width} for width in range(16, 65, 4)}
    assert table(GroupedSpace(ENHANCED, PER_FOUR)) == {
        widest: {8: {4}, 12: {8, 12}} | {width: used for width, used in by_width.items() if width <= widest}
        for widest in (16, 32, 64)
    }


def test_without_the_map_every_width_has_its_own() -> None:
    assert table(GroupedSpace(RESNET20, PER_FOUR)) == {
        widest: {width: {width} for width in range(4, widest + 1, 4)} for widest in (16, 32, 64)
    }
    assert table(GroupedSpace(RESNET20, "widths")) == table(GroupedSpace(RESNET20, PER_FOUR))
    assert table(GroupedSpace(RESNET20, 4))[64] == {
        size: {size - 12, size - 8, size - 4, size} for size in (16, 32, 48, 64)
    }


def test_six_groups_of_the_fourth_place_of_2022() -> None:
    """By digit of a code: 1 is the widest."""
    lists: Rules = (
        (64, (48, 56, 64)),
        (128, (88, 96, 104, 112, 120, 128)),
        (256, (192, 208, 216, 232, 240, 256)),
        (512, (384, 408, 432, 464, 488, 512)),
    )
    assert table(GroupedSpace(SPACES["resnet48-wide"], lists)) == {
        64: {48: {5, 6, 7}, 56: {3, 4}, 64: {1, 2}},
        128: {88: {7}, 96: {6}, 104: {5}, 112: {3, 4}, 120: {2}, 128: {1}},
        256: {192: {6, 7}, 208: {5}, 216: {4}, 232: {3}, 240: {2}, 256: {1}},
        512: {384: {6, 7}, 408: {5}, 432: {4}, 464: {3}, 488: {2}, 512: {1}},
    }


@pytest.mark.parametrize(
    ("space", "reported", "unused"),
    [
        (ENHANCED, 289_821, 0),
        (GroupedSpace(ENHANCED, 4, None, activations=False), 1_014_501, 3_836),
        (GroupedSpace(ENHANCED, PER_FOUR, None, activations=False), 2_446_613, 24_448),
    ],
)
def test_parameters_are_those_reported(space: SearchSpace, reported: int, unused: int) -> None:
    """But for groups of 4 channels, which their supernets held and never used: counted by hand, layer by layer."""
    held = {name: shape for name, shape in shapes(space.widest).items() if "running" not in name}
    assert sum(map(prod, held.values())) == reported - unused


@given(st.data())
def test_a_width_runs_on_the_narrowest_group_that_holds_it(data: st.DataObject) -> None:
    widths = data.draw(st.lists(st.integers(1, 99), min_size=1, max_size=12, unique=True).map(sorted))
    layers = Layers(3, "channels", {width: (str(width),) for width in widths})
    sizes = st.lists(st.integers(1, 99), max_size=8).map(lambda some: (*some, widths[-1]))
    rule = data.draw(st.one_of(st.integers(1, 20), st.just("widths"), sizes))
    groups = layers.groups(rule)
    assert list(groups) == sorted(set(groups))
    assert {group_of(width, groups) for width in widths} == set(groups), "no group is idle"
    if rule == "widths":
        assert groups == tuple(widths)
    elif isinstance(rule, int):
        if widths[-1] % rule == 0:  # the winner's formula
            unit = widths[-1] // rule
            assert all(group_of(width, groups) == unit * ((width - 1) // unit + 1) for width in widths)
    else:
        assert all(group_of(width, groups) == min(size for size in rule if size >= width) for width in widths)
    assert layers.groups(None) == ()


@every_space
def test_spaces_with_widths_are_grouped_and_others_say_that_they_have_none(space: SearchSpace) -> None:
    if not elastic_layers(space):
        expected = [f"space {space.name} has no widths to group"]
        assert grouping_problems(space, 4, None) == grouping_problems(space, None, "widths") == expected
        assert grouping_problems(space, None, None) == []
        return
    for rules in (1, 3, "widths"):
        assert grouping_problems(space, rules, "widths") == []  # type: ignore[arg-type]
        grouped = GroupedSpace(space, rules)  # type: ignore[arg-type]
        rng = np.random.default_rng(0)
        for arch in (space.largest, space.smallest, space.sample(rng), space.sample(rng)):
            assert grouped.plans(arch) == space.plans(arch)
            assert grouped.trunk_plans(arch) == space.supernet_plans(arch)
            assert grouped.parse(grouped.format(arch)) == arch
            assert grouped.cost(arch) == space.cost(arch)
            for plan, base in zip(grouped.supernet_plans(arch), space.supernet_plans(arch), strict=True):
                assert (plan is None) == (base is None)
        assert all(own != SHARED for _, own in groups_of(grouped))
    assert grouping_problems(space, ((7777, 2),), None)[0].startswith("groups.7777: no layer's widest width; there are")


def test_every_rule_that_does_not_fit_is_named() -> None:
    rules: Rules = ((64, (16, 48)), (32, (32,)), (48, 2))
    assert grouping_problems(RESNET20, rules, None) == [
        "groups.48: no layer's widest width; there are: 16, 32, 64",
        "groups.64: the last group must hold width 64, found 48",
    ]


def test_other_layers_keep_to_the_trunk() -> None:
    for layers, own in groups_of(GroupedSpace(RESNET20, ((32, "widths"),))):
        assert (own == SHARED) == (max(layers.users) != 32)


def test_norms_alone() -> None:
    for layers, own in groups_of(GroupedSpace(ENHANCED, None, "widths")):
        assert (own.convs, own.norms, own.activations) == ((), tuple(layers.users), ())


def test_names_of_weights() -> None:
    assert parted("blocks.3.conv1.groups.8.weight") == ("blocks.3.conv1.weight", 8)
    assert parted("blocks.3.conv1.weight") == ("blocks.3.conv1.weight", None)


WIDTHS = tuple(elastic_layers(NATS)[0].users)
partitions = st.sets(st.sampled_from(WIDTHS[:-1])).map(lambda some: (*sorted(some), WIDTHS[-1]))


@given(partitions, partitions)
def test_groups_go_on_only_where_they_divide_those_before(old: tuple[int, ...], new: tuple[int, ...]) -> None:
    before, after = (GroupedSpace(NATS, ((WIDTHS[-1], sizes),)) for sizes in (old, new))
    assert bool(regrouping_problems(before, after)) == (not set(old) <= set(new))
    assert regrouping_problems(NATS, after) == []
    assert regrouping_problems(before, NATS) != [], "groups are not given up in silence"


def outputs(backend: Backend, network: Network) -> list[np.ndarray]:
    """Logits in training mode, with stored statistics, and with those of the batch."""
    space, found = network.space, []
    images = some_images(space, 3)
    placed = backend.normalise(backend.place(images), (0.5,) * space.channels, (0.25,) * space.channels)
    rng = np.random.default_rng(0)
    for arch in (space.largest, space.smallest, *(space.sample(rng) for _ in range(3))):
        found.append(logits(backend, network, arch, images, network.stored_norm()))
        found.append(logits(backend, network, arch, images, network.batch_norm()))
    weights = network.weights()
    for arch in (space.largest, space.smallest, space.sample(rng)):
        found.append(np.asarray(network.ops.detach(forward(network, arch, placed))))
        found.append(np.asarray(network.ops.detach(network.run(network.space.trunk_plans(arch), placed))))
        network.load_weights(weights)  # for the next path: this one moved running statistics
    return found


def assert_unchanged(backend: Backend, spaces: list[SearchSpace]) -> None:
    """Each supernet inherits from the one before; whatever they compute is the same to the last bit."""
    before = backend.network(spaces[0], spaces[0].widest, 0)
    randomise(before)
    expected = outputs(backend, before)
    for space in spaces[1:]:
        after = backend.network(space, space.widest, 1)
        after.load_weights(inherited(after.weights(), before.weights()))
        for one, other in zip(outputs(backend, after), expected, strict=True):
            assert np.array_equal(one, other)
        before = after


@every_backend
def test_the_winner_s_steps_change_no_output(backend_name: str) -> None:
    small = ENHANCED.for_images(3, 8, 7)
    steps = [small, GroupedSpace(small, 4), GroupedSpace(small, PER_FOUR), GroupedSpace(small, "widths")]
    assert_unchanged(backend_on_cpu(backend_name), steps)


@every_backend
def test_norms_by_width_then_weights_too_change_no_output(backend_name: str) -> None:
    space = SPACES["resnet48-mini"].for_images(1, 8, 5)
    lists: Rules = ((16, (15, 16)), (32, (27, 30, 32)), (64, (48, 54, 64)))
    finer: Rules = ((16, "widths"), (32, "widths"), (64, (45, 48, 51, 54, 58, 64)), (8, 1))
    steps = [space, GroupedSpace(space, lists, "widths"), GroupedSpace(space, finer, "widths")]
    assert_unchanged(backend_on_cpu(backend_name), steps)


@settings(max_examples=4)
@given(old=partitions, more=partitions)
def test_any_groups_divided_anyhow_change_no_output(old: tuple[int, ...], more: tuple[int, ...]) -> None:
    finer = tuple(sorted({*old, *more}))
    rules = [((WIDTHS[-1], sizes),) for sizes in (old, finer)]
    assert_unchanged(backend_on_cpu("torch"), [NATS, *(GroupedSpace(NATS, rule) for rule in rules)])


@every_backend
@pytest.mark.parametrize("name", GROUPED)
def test_a_fresh_supernet_begins_as_slices_of_a_trunk_that_groups_do_not_change(name: str, backend_name: str) -> None:
    space, backend = GROUPED[name], backend_on_cpu(backend_name)
    weights = backend.network(space, space.widest, 5).weights()
    grouped = {key for key in weights if parted(key)[1] is not None}
    assert grouped
    for key in grouped:
        array, trunk = weights[key], weights[parted(key)[0]]
        np.testing.assert_array_equal(array, trunk[tuple(map(slice, array.shape))])
    if isinstance(space, GroupedSpace):
        alone = backend.network(space.base, space.base.widest, 5).weights()
        assert alone.keys() == trunk_of(weights).keys()
        for key, array in alone.items():
            np.testing.assert_array_equal(weights[key], array)
    else:
        assert isinstance(space, SplitSpace)
