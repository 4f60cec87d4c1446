"""Enhanced candidates: what the supernet runs in their place, and what it does not touch."""

from dataclasses import fields
from itertools import pairwise

import numpy as np
import pytest

from toolkit.spaces import SPACES, SearchSpace
from toolkit.spaces.enhancement import EnhancedSpace, enhancement_problems
from toolkit.spaces.grouping import elastic_layers
from toolkit.spaces.plans import BasicBlock, Plans
from toolkit.spaces.primitives import ACTIVATIONS

RESNET20 = SPACES["resnet20"]
MAP = ((4, 5), (8, 9))
every_space = pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)


def widths(plans: Plans) -> list[int]:
    """Of the residual stream, then of the middles."""
    blocks = [plan for plan in plans if isinstance(plan, BasicBlock)]
    return [plan.in_channels for plan in plans if plan is not None][1:] + [plan.mid_channels for plan in blocks]


def test_widths_are_mapped_everywhere_but_for_the_images() -> None:
    enhanced = EnhancedSpace(RESNET20.for_images(4, 32, 8), MAP)
    rng = np.random.default_rng(0)
    for _ in range(50):
        arch = RESNET20.sample(rng)
        plans, base = enhanced.supernet_plans(arch), RESNET20.supernet_plans(arch)
        assert widths(plans) == [dict(MAP).get(width, width) for width in widths(base)]
        assert plans[0].in_channels == 4  # type: ignore[union-attr]
        for plan, following in pairwise(plans):
            assert plan.channels == following.in_channels  # type: ignore[union-attr]
    assert widths(enhanced.widest) == widths(RESNET20.widest), "the supernet is no larger"


@every_space
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_block_and_only_the_supernet_has_the_activation(space: SearchSpace, activation: str) -> None:
    enhanced = EnhancedSpace(space, (), activation)  # type: ignore[arg-type]
    rng = np.random.default_rng(0)
    arch = space.sample(rng)
    for plans in (enhanced.widest, enhanced.supernet_plans(arch), enhanced.trunk_plans(arch)):
        assert {plan.activation for plan in plans if hasattr(plan, "activation")} <= {activation}
    assert enhanced.plans(arch) == space.plans(arch)
    assert enhanced.cost(arch) == space.cost(arch)
    assert enhanced.for_images(1, 16, 3).widest == EnhancedSpace(space.for_images(1, 16, 3), (), activation).widest  # type: ignore[arg-type]
    residual = any(hasattr(plan, "activation") for plan in space.widest)
    found = enhancement_problems(space, (), activation)  # type: ignore[arg-type]
    assert found == [] if residual or activation == "relu" else "no residual blocks" in found[0]


def test_enhanced_candidates_are_larger_and_in_the_same_order() -> None:
    enhanced = EnhancedSpace(RESNET20, MAP)
    rng = np.random.default_rng(1)
    for _ in range(50):
        one, other = (RESNET20.sample(rng) for _ in range(2))
        for a, b in zip(*(widths(RESNET20.supernet_plans(arch)) for arch in (one, other)), strict=True):
            mapped = dict(MAP)
            assert (a < b) == (mapped.get(a, a) < mapped.get(b, b))
        assert sum(widths(enhanced.supernet_plans(one))) >= sum(widths(RESNET20.supernet_plans(one)))


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        (MAP, []),
        (((4, 7), (8, 11), (12, 15)), []),
        (((8, 9), (12, 13)), []),
        (((5, 6),), ["widths.5: no width of space resnet20; there are: 4, 8, 12, 16, 20"]),
        (((8, 7),), ["widths.8: 7 is less; an enhanced candidate has more"]),
        (((4, 8),), ["widths.4: 8 is not below the next width"]),
        (((4, 9), (8, 10)), []),
        (((4, 10), (8, 10)), ["widths.4: 10 is not below the next width"]),
        (((16, 17),), ["widths.16: the widest width of a layer cannot become wider"]),
        (((64, 70),), ["widths.64: the widest width of a layer cannot become wider"]),
        (((3, 4), (8, 12), (64, 65)), ["widths.3: no", "widths.8: 12 is not", "widths.64: the widest"]),
    ],
)
def test_a_map_that_cannot_be_is_explained(pairs: tuple[tuple[int, int], ...], expected: list[str]) -> None:
    found = enhancement_problems(RESNET20, pairs, None)
    assert len(found) == len(expected), found
    assert all(problem.startswith(start) for problem, start in zip(found, expected, strict=True))


@every_space
def test_any_space_with_widths_can_be_enhanced_where_there_is_room(space: SearchSpace) -> None:
    users = [
        tuple(layers.users)
        for layers in elastic_layers(space)
        if layers.field in {field.name for field in fields(space.widest[layers.position])}  # type: ignore[arg-type]
    ]
    if not users:
        assert "no width of space" in enhancement_problems(space, ((4, 5),), None)[0]
        return
    tops = {widths[-1] for widths in users}
    narrow = min(width for widths in users for width in widths)
    above = min(width for widths in users for width in widths if width > narrow)
    if above == narrow + 1 or narrow in tops:
        return  # no room: widths that are neighbours
    enhanced = EnhancedSpace(space, ((narrow, narrow + 1),))
    assert enhancement_problems(space, enhanced.widths, None) == []
    assert narrow + 1 in {width for layers in elastic_layers(enhanced) for width in layers.users}
