"""A network as a list of blocks with widths and costs, its cells as graphs: what is drawn of a candidate."""

from collections.abc import Sequence
from dataclasses import dataclass

from toolkit.spaces import Arch, Plan, SearchSpace
from toolkit.spaces.cost import block_cost
from toolkit.spaces.plans import Cell, Choice, DualCell, Plans
from toolkit.spaces.primitives import Conv, Convolution, DepthwiseConv, GroupedConv, Linear
from toolkit.spaces.wiring import graph


@dataclass(frozen=True, slots=True)
class Block:
    """What stands at one position of the network.

    Attributes:
        name: `2.3` for the third block of stage 2, or what the position is for, such as `stem`.
        widths: channels inside the block, if it has an inside of its own, then those of its output; empty if it is
            absent, or has no channels of its own.
        macs, params: 0 if it is absent.
        text: its layers in words.
        choice: what was chosen at this position, such as `mb3_k3`, where blocks of several kinds may stand; else empty.
    """

    name: str
    widths: tuple[int, ...]
    macs: int
    params: int
    text: str
    choice: str = ""


@dataclass(frozen=True, slots=True)
class Edge:
    """A cell's edge from one node to a later one, what happens on it, and what that costs in the first such cell."""

    source: int
    node: int
    operation: str
    macs: int


@dataclass(frozen=True, slots=True)
class Graph:
    """A cell that the network repeats.

    Attributes:
        name: what kind of cell it is.
        inputs: how many of its nodes, from 0 on, are what earlier blocks put out.
        nodes: how many there are, inputs and all.
        edges: by node and source.
    """

    name: str
    inputs: int
    nodes: int
    edges: tuple[Edge, ...]


NOTHING = "none"
"""The operation of an edge that is not there."""


def blocks(space: SearchSpace, arch: Arch) -> list[Block]:
    """The stand-alone network of `arch`, one entry per position of the space."""
    return [_block(name, plan) for name, plan in zip(_names(space), space.plans(arch), strict=True)]


def cells(space: SearchSpace, arch: Arch) -> list[Graph]:
    """The first cell of each kind of a network built of cells; none of any other."""
    found: dict[str, Graph] = {}
    for plan in space.plans(arch):
        match plan:
            case Cell():
                found.setdefault("cell", _graph("cell", 1, plan.nodes))
            case DualCell():
                name = "reduction cell" if plan.stride > 1 else "normal cell"
                found.setdefault(name, _graph(name, 2, plan.nodes, absent=False))
    return list(found.values())


def _graph(name: str, inputs: int, nodes: Sequence[Plans], *, absent: bool = True) -> Graph:
    """Without edges that are `absent` where two of many are chosen."""
    edges = (
        Edge(source, node, _operation(plan), 0 if plan is None else block_cost(plan).macs)
        for node, plans in enumerate(nodes, start=inputs)
        for source, plan in enumerate(plans)
        if absent or plan is not None
    )
    return Graph(name, inputs, inputs + len(nodes), tuple(edges))


def _operation(plan: Plan | None) -> str:
    """What an edge of a cell does."""
    match plan:
        case None:
            return NOTHING
        case Choice(branches=((name, _),)):
            return name
        case _:
            return _text(plan)


def _block(name: str, plan: Plan | None) -> Block:
    if plan is None:
        return Block(name, (), 0, 0, "absent")
    cost = block_cost(plan)
    choice = plan.branches[0][0] if isinstance(plan, Choice) and len(plan.branches) == 1 else ""
    return Block(name, _widths(plan), cost.macs, cost.params, _text(plan), choice)


def _widths(plan: Plan) -> tuple[int, ...]:
    """Of the layers within, if they have widths of their own, then of the output."""
    drawn = graph(plan)
    fields = {step.field: step.op.channels for step in drawn.steps if isinstance(step.op, Convolution)}
    inside = tuple(channels for field, channels in fields.items() if field not in ("", "channels"))
    return (*inside, drawn.map(drawn.output).channels) if fields or not plan.label else ()


def _text(plan: Plan) -> str:
    words = []
    for step in graph(plan).steps:
        match step.op:
            case Conv(channels=channels, kernel=kernel):
                words.append(f"{kernel}x{kernel} to {channels}")
            case GroupedConv(channels=channels, kernel=kernel, groups=groups):
                words.append(f"{kernel}x{kernel} in {groups} groups to {channels}")
            case DepthwiseConv(kernel=kernel):
                words.append(f"{kernel}x{kernel} depthwise")
            case Linear(features=features):
                words.append(f"linear to {features}")
    return ", ".join(words) or "no layer that costs anything"


def _names(space: SearchSpace) -> list[str]:
    """Names of the positions; `2.3` is the third block of stage 2, counted in the largest network."""
    names, stage, number = [], 1, 0
    for plan in space.plans(space.largest):
        if plan is not None and plan.label:
            names.append(plan.label)
            continue
        if number and plan is not None and _strides(plan):
            stage, number = stage + 1, 0
        number += 1
        names.append(f"{stage}.{number}")
    return names


def _strides(plan: Plan) -> bool:
    """Whether the map shrinks here, or would if it had not come down to a pixel: a stage begins."""
    return any(getattr(step.op, "stride", 1) > 1 for step in graph(plan).steps)
