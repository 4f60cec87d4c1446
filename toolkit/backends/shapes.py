"""The names and shapes of a network's tensors, from its plans alone: no framework, no network built."""

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from math import prod

from toolkit.spaces.grouping import parted
from toolkit.spaces.plans import (
    SHARED,
    AvgPool,
    BasicBlock,
    Cell,
    Choice,
    Conv,
    ConvNorm,
    DepthwiseConv,
    Head,
    Identity,
    InvertedResidual,
    Layer,
    Linear,
    Norm,
    NormReLU,
    Own,
    Plan,
    Plans,
    Reduction,
    Stem,
    group_of,
)

Shape = tuple[int, ...]
Shapes = dict[str, Shape]

LAYERS: dict[type[Plan], tuple[str, ...]] = {
    Stem: ("conv", "bn"),
    BasicBlock: ("conv1", "bn1", "conv2", "bn2", "downsample.0", "downsample.1"),
    ConvNorm: ("conv", "bn"),
    NormReLU: ("bn",),
    Identity: (),
    AvgPool: (),
    Reduction: ("conv1", "bn1", "conv2", "bn2", "downsample"),
    InvertedResidual: ("expand", "bn1", "depthwise", "bn2", "project", "bn3"),
    Head: ("fc",),
}
"""What a block calls its layers, in the order of `layers()`; a basic block may lack its last two."""

SLOPE = "outer"
"""What a basic block calls the activation after the addition, if that is learned."""


def shapes(plans: Plans) -> Shapes:
    """Name and shape of every parameter and running statistic, in the order of execution, those of groups too.

    They are those of `toolkit.backends.base.Network.weights` for a network made of `plans`.
    """
    return _named(plans, _held)


def is_slope(name: str) -> bool:
    """Whether a tensor is the slope of a learned activation, the trunk's or a group's."""
    return parted(name)[0].endswith(f".{SLOPE}.weight")


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


@cache
def used_by(plan: Plan) -> Shapes:
    """`used` of one block, by names within it. Do not change what it returns."""
    return dict(_block(plan, _serving))


@cache
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
    if isinstance(plan, Choice):
        for name, branch in plan.branches:
            yield from ((f"{name}.{tensor}", shape) for tensor, shape in _block(branch, copies))
        return
    if isinstance(plan, Cell):
        for node, edges in enumerate(plan.nodes, start=1):
            for source, edge in enumerate(edges):
                if edge is not None:
                    yield from ((f"edges.{source}-{node}.{name}", shape) for name, shape in _block(edge, copies))
        return
    for name, layer in zip(LAYERS[type(plan)], plan.layers(), strict=False):
        in_the_middle = isinstance(plan, BasicBlock) and name in ("conv1", "bn1")
        own: Own = getattr(plan, "mid_own" if in_the_middle else "own", SHARED)
        yield from ((f"{name}{copy}", shape) for copy, shape in _tensors(layer, own, copies))
    if isinstance(plan, BasicBlock) and plan.activation == "prelu":
        yield from ((f"{SLOPE}{copy}.weight", (1,)) for copy, _ in copies(plan.channels, plan.own.activations))


def _tensors(layer: Layer, own: Own, copies: _Copies) -> Iterator[tuple[str, Shape]]:
    match layer:
        case Conv():
            for copy, width in copies(layer.channels, own.convs):
                yield f"{copy}.weight", (width, layer.in_channels, layer.kernel, layer.kernel)
        case DepthwiseConv():
            yield ".weight", (layer.channels, 1, layer.kernel, layer.kernel)
        case Norm():
            for copy, width in copies(layer.channels, own.norms):
                for tensor in ("weight", "bias", "running_mean", "running_var"):
                    yield f"{copy}.{tensor}", (width,)
        case Linear():
            for copy, width in copies(layer.in_features, own.convs):
                yield f"{copy}.weight", (layer.features, width)
                yield f"{copy}.bias", (layer.features,)
