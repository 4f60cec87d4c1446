"""What blocks at one position share when they run on the same input.

A convolution computed at the widest that any of them needs serves the narrower ones by slicing, for leading channels of
the output depend on leading channels of the weight only, and batch norm works channel by channel.
"""

from collections.abc import Sequence
from itertools import groupby
from typing import cast

from toolkit.spaces.cost import block_cost
from toolkit.spaces.plans import SHARED, BasicBlock, Plan


def sharing_order(plan: Plan) -> tuple[object, ...]:
    """A sorting key that brings together the plans of one position that share most."""
    if isinstance(plan, BasicBlock):
        return plan.mid_channels, plan.project, plan.channels
    return (repr(plan),)


def alike(plan: BasicBlock) -> tuple[int, bool]:
    """Basic blocks alike in this differ in the width of their output only: one run at the widest serves all."""
    return plan.mid_channels, plan.project


def share(plans: Sequence[Plan]) -> bool:
    """Whether blocks of these plans share convolutions: groups of widths with weights of their own do not."""
    return len(plans) > 1 and all(isinstance(plan, BasicBlock) and plan.mid_own == plan.own == SHARED for plan in plans)


def siblings_cost(plans: Sequence[Plan]) -> int:
    """MACs of running all `plans` (in `sharing_order`) on one input, with everything shared that can be."""
    if not share(plans):
        return sum(block_cost(plan).macs for plan in plans)
    blocks = cast(Sequence[BasicBlock], plans)
    macs = _conv1(max(blocks, key=lambda plan: plan.mid_channels))
    for _, group in groupby(blocks, alike):
        widest = list(group)[-1]
        macs += block_cost(widest).macs - _conv1(widest) - _projection(widest)
    return macs + max(map(_projection, blocks))


def _conv1(plan: BasicBlock) -> int:
    size = -(-plan.size // plan.stride)
    return 9 * plan.in_channels * plan.mid_channels * size * size


def _projection(plan: BasicBlock) -> int:
    size = -(-plan.size // plan.stride)
    return plan.in_channels * plan.channels * size * size if plan.project else 0
