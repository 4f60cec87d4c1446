"""The names and shapes of a network's tensors, from its plans alone: no framework, no network built."""

import re
from collections.abc import Callable, Iterable, Iterator
from math import prod

from toolkit.backends.hypernet import NAME, body_shapes, filters_shape, head_shapes
from toolkit.spaces.grouping import parted
from toolkit.spaces.own import group_of
from toolkit.spaces.plans import Plan, Plans
from toolkit.spaces.primitives import SLOPE, Activate, Conv, DepthwiseConv, GroupedConv, Linear, Norm
from toolkit.spaces.wiring import Step, by_structure, graph

Shape = tuple[int, ...]
Shapes = dict[str, Shape]

_SLOPE = re.compile(rf"(.+\.)?{SLOPE}[0-9]*\.weight")


def shapes(plans: Plans) -> Shapes:
    """Name and shape of every parameter and running statistic, in the order of execution, those of groups too.

    They are those of `toolkit.backends.base.Network.weights` for a network made of `plans`.
    """
    return _named(plans, _held)


def is_slope(name: str) -> bool:
    """Whether a tensor is the slope of a learned activation, the trunk's or a group's."""
    return _SLOPE.fullmatch(parted(name)[0]) is not None


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


@by_structure
def used_by(plan: Plan) -> Shapes:
    """`used` of one block, by names within it. Do not change what it returns."""
    return dict(_block(plan, _serving))


@by_structure
def _held(plan: Plan) -> Shapes:
    return dict(_block(plan, _all))


def _named(plans: Plans, of: Callable[[Plan], Shapes]) -> Shapes:
    return {
        f"blocks.{index}.{name}": shape
        for index, plan in enumerate(plans)
        if plan is not None
        for name, shape in of(plan).items()
    }


_Copies = Callable[[int, tuple[int, ...]], Iterable[tuple[str, int]]]
"""Which copies of a layer there are, by the layer's width and its groups: (what follows its name, the copy's width)."""


def _all(width: int, groups: tuple[int, ...]) -> Iterator[tuple[str, int]]:
    yield "", width
    yield from ((f".groups.{group}", group) for group in groups)


def _serving(width: int, groups: tuple[int, ...]) -> Iterator[tuple[str, int]]:
    yield f".groups.{group_of(width, groups)}" if groups else "", width


def _block(plan: Plan, copies: _Copies) -> Iterator[tuple[str, Shape]]:
    for step in graph(plan).steps:
        yield from ((f"{step.name}{tensor}", shape) for tensor, shape in _tensors(step, copies))
        yield from ((f"{step.name}.{NAME}.{tensor}", shape) for tensor, shape in head_shapes(step).items())
    for layer, tensors in enumerate(() if plan.hyper is None else body_shapes(plan.hyper)):
        yield from ((f"{NAME}.{layer}.{tensor}", shape) for tensor, shape in tensors.items())


def _tensors(step: Step, copies: _Copies) -> Iterator[tuple[str, Shape]]:
    own = step.own
    match step.op:
        case Conv(channels=channels, bias=bias):
            for copy, width in copies(channels, own.convs):
                yield f"{copy}.weight", (width, *filters_shape(step.op)[1:])
                if bias:
                    yield f"{copy}.bias", (width,)
        case DepthwiseConv(channels):
            for copy, width in copies(channels, own.convs):
                yield f"{copy}.weight", (width, *filters_shape(step.op)[1:])
        case GroupedConv(channels=channels, bias=bias):
            yield ".weight", filters_shape(step.op)
            if bias:
                yield ".bias", (channels,)
        case Norm(channels):
            for copy, width in copies(channels, own.norms):
                for tensor in ("weight", "bias", "running_mean", "running_var"):
                    yield f"{copy}.{tensor}", (width,)
        case Linear(in_features, features):
            for copy, width in copies(in_features, own.convs):
                yield f"{copy}.weight", (features, width)
                yield f"{copy}.bias", (features,)
        case Activate("prelu"):
            for copy, _ in copies(step.map.channels, own.activations):
                yield f"{copy}.weight", (1,)
