"""The names and shapes of a network's tensors, from its plans alone: no framework, no network built."""

import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from math import prod
from typing import Literal

from toolkit.backends.hypernet import NAME, body_shapes, head_shapes
from toolkit.spaces.grouping import parted
from toolkit.spaces.own import group_of
from toolkit.spaces.plans import Plan, Plans
from toolkit.spaces.primitives import SLOPE, Activate, Conv, DepthwiseConv, GroupedConv, Linear, Norm, matrix_name
from toolkit.spaces.wiring import Step, by_structure, graph

Shape = tuple[int, ...]
Shapes = dict[str, Shape]

_SLOPE = re.compile(rf"(.+\.)?{SLOPE}[0-9]*\.weight")
_MATRIX = re.compile(r"(.+\.)?([0-9]+)to([0-9]+)_matrix")


def shapes(plans: Plans) -> Shapes:
    """Name and shape of every parameter and running statistic, in the order of execution, those of groups too.

    They are those of `toolkit.backends.base.Network.weights` for a network made of `plans`.
    """
    return _named(plans, _held)


def is_slope(name: str) -> bool:
    """Whether a tensor is the slope of a learned activation, the trunk's or a group's."""
    return _SLOPE.fullmatch(parted(name)[0]) is not None


def is_matrix(name: str) -> bool:
    """Whether a tensor makes a smaller kernel of a larger one."""
    return _MATRIX.fullmatch(name) is not None


def is_statistic(name: str) -> bool:
    """Whether a tensor is a running mean or variance, not a parameter."""
    return name.endswith((".running_mean", ".running_var"))


def used(plans: Plans) -> Shapes:
    """The tensors that a path of a supernet runs on, each by the shape of the leading slice that it uses.

    Where a group of widths has weights of its own, it is the group's; the trunk's are not used then.
    """
    return _named(plans, used_by)


def parameters(plans: Plans) -> int:
    """How many trainable numbers a network made of `plans` has, those of groups and slopes included."""
    return sum(prod(shape) for name, shape in shapes(plans).items() if not is_statistic(name))


def extracted(plans: Plans) -> Shapes:
    """`used`, but of kernels that matrices make what comes out: the tensors of the path as a network alone."""
    return _named(plans, lambda plan: dict(_block(plan, "made")))


@by_structure
def used_by(plan: Plan) -> Shapes:
    """`used` of one block, by names within it. Do not change what it returns."""
    return dict(_block(plan, "used"))


@by_structure
def _held(plan: Plan) -> Shapes:
    return dict(_block(plan, "held"))


_What = Literal["held", "used", "made"]
"""All tensors that there are; those that a path runs on; the same, with kernels as matrices make them."""


def _named(plans: Plans, of: Callable[[Plan], Shapes]) -> Shapes:
    return {
        f"blocks.{index}.{name}": shape
        for index, plan in enumerate(plans)
        if plan is not None
        for name, shape in of(plan).items()
    }


def _copies(width: int, groups: tuple[int, ...], what: _What) -> Iterator[tuple[str, int]]:
    """Which copies of a layer there are: what follows its name, and the copy's width."""
    if what != "held":
        yield f".groups.{group_of(width, groups)}" if groups else "", width
        return
    yield "", width
    yield from ((f".groups.{group}", group) for group in groups)


def _filters(op: DepthwiseConv, what: _What) -> tuple[int, tuple[tuple[int, int], ...]]:
    """The kernel of a weight, and the matrices beside it."""
    match what:
        case "held":
            return op.whole, tuple(pairwise(op.kernels))
        case "used":
            return max((after for _, after in op.matrices), default=op.kernel), op.matrices
        case "made":
            return op.kernel, ()


def _block(plan: Plan, what: _What) -> Iterator[tuple[str, Shape]]:
    for step in graph(plan).steps:
        yield from ((f"{step.name}{tensor}", shape) for tensor, shape in _tensors(step, what))
        yield from ((f"{step.name}.{NAME}.{tensor}", shape) for tensor, shape in head_shapes(step).items())
    for layer, tensors in enumerate(() if plan.hyper is None else body_shapes(plan.hyper)):
        yield from ((f"{NAME}.{layer}.{tensor}", shape) for tensor, shape in tensors.items())


def _tensors(step: Step, what: _What) -> Iterator[tuple[str, Shape]]:
    own = step.own
    match step.op:
        case Conv(in_channels, channels, kernel, bias=bias):
            for copy, width in _copies(channels, own.convs, what):
                yield f"{copy}.weight", (width, in_channels, kernel, kernel)
                if bias:
                    yield f"{copy}.bias", (width,)
        case DepthwiseConv(channels) as op:
            kernel, matrices = _filters(op, what)
            for copy, width in _copies(channels, own.convs, what):
                yield f"{copy}.weight", (width, 1, kernel, kernel)
                for before, after in matrices:
                    yield f"{copy}.{matrix_name(before, after)}", (after**2, after**2)
        case GroupedConv(in_channels, channels, kernel, groups, bias=bias):
            yield ".weight", (channels, in_channels // groups, kernel, kernel)
            if bias:
                yield ".bias", (channels,)
        case Norm(channels):
            for copy, width in _copies(channels, own.norms, what):
                for tensor in ("weight", "bias", "running_mean", "running_var"):
                    yield f"{copy}.{tensor}", (width,)
        case Linear(in_features, features):
            for copy, width in _copies(in_features, own.convs, what):
                yield f"{copy}.weight", (features, width)
                yield f"{copy}.bias", (features,)
        case Activate("prelu"):
            for copy, _ in _copies(step.map.channels, own.activations, what):
                yield f"{copy}.weight", (1,)
