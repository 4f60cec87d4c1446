"""Blocks made of blocks: choices and cells of one input."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from toolkit.spaces.plans.base import Block, Plan, Plans
from toolkit.spaces.primitives import Activation, Map
from toolkit.spaces.wiring import Value, Wiring


@dataclass(frozen=True, slots=True)
class Mixture:
    """How a choice runs as a weighted sum of its blocks (DARTS, arXiv 1806.09055); weights are given whenever it runs.

    Attributes:
        row, columns: where the weights of the branches stand in the table that is given.
        standardised: names of branches that are normalised by the batch before they are weighed.
    """

    row: int
    columns: tuple[int, ...]
    standardised: tuple[str, ...] = ()

    def branch(self, g: Wiring, name: str, plan: "Plan", *inputs: Value, prefix: str = "") -> Value:
        """What a branch makes of its inputs, not weighed yet; `prefix` of its tensors' names, if not the choice's."""
        y = g.block(f"{prefix}{name}", plan, *inputs)
        return g.standardise(y) if name in self.standardised else y

    def sum(self, g: Wiring, values: Sequence[Value]) -> Value:
        """The weighted sum of what its branches made."""
        return g.add(*(g.scale(y, self.row, column) for y, column in zip(values, self.columns, strict=True)))


@dataclass(frozen=True, slots=True)
class Choice(Block):
    """Blocks that share no weights but one position, by name: a path has one of them, the supernet holds them all.

    With a `mixture` it runs as the weighted sum of its branches; one of weight 0 can be left out.
    """

    in_channels: int
    channels: int
    branches: tuple[tuple[str, "Plan"], ...]
    mixture: Mixture | None = field(default=None, kw_only=True)

    @property
    def reads(self) -> tuple[int, ...]:
        """What its branches read, all alike."""
        return self.branches[0][1].reads

    @property
    def inputs(self) -> tuple[Map, ...]:
        """Those of its branches."""
        if len(self.reads) > 1:
            return self.branches[0][1].inputs
        return _sized(self.in_channels, tuple(plan for _, plan in self.branches))

    def wire(self, g: Wiring, /, *inputs: Value) -> Value:
        """The one branch of a path; of the supernet all, beside each other; of a mixture their sum."""
        if self.mixture is None:
            return g.either(self.branches, *inputs)
        return self.mixture.sum(g, [self.mixture.branch(g, name, plan, *inputs) for name, plan in self.branches])

    def mapped(self, change: Callable[["Plan"], "Plan"]) -> "Choice":
        """With every branch changed."""
        return replace(self, branches=tuple((name, change(plan)) for name, plan in self.branches))


@dataclass(frozen=True, slots=True)
class ResidualChoice(Choice):
    """A choice whose branches share one shortcut: ReLU(branch(x) + shortcut(x)), `size` the input's height.

    Where width or size change, the shortcut is a `stride` x `stride` average pooling, a 1x1 convolution and batch norm;
    else the identity.
    """

    stride: int
    size: int
    activation: Activation = "relu"

    def wire(self, g: Wiring, /, *inputs: Value) -> Value:
        """As above."""
        (x,) = inputs
        y = Choice.wire(self, g, x)
        if self.stride > 1 or self.in_channels != self.channels:
            x = g.avg_pool(x, self.stride, self.stride) if self.stride > 1 else x
            x = g.norm("downsample.1", g.conv("downsample.0", x, "channels", 1))
        return g.activation(g.add(y, x, residual=True), self.activation)


class Edges:
    """What edges of a cell bring to its nodes.

    Args:
        shared: of mixtures, every operation on a node is computed once, by the weights that it has on the node's first
            edge, and weighed by each edge (EnTranNAS, arXiv 2101.11342).
    """

    def __init__(self, g: Wiring, *, shared: bool) -> None:
        self._g, self._shared = g, shared
        self._made: dict[tuple[int, str], Value] = {}

    def bring(self, edge: Plan, source: int, node: int, first: int, x: Value) -> Value:
        """What `edge` makes of x, node `source`; the first node that has an edge from there is `first`."""
        if not self._shared or not isinstance(edge, Choice) or edge.mixture is None:
            return self._g.block(f"edges.{source}-{node}", edge, x)
        mixture = edge.mixture
        for name, plan in edge.branches:
            if (source, name) not in self._made:
                prefix = f"edges.{source}-{first}."
                self._made[source, name] = mixture.branch(self._g, name, plan, x, prefix=prefix)
        return mixture.sum(self._g, [self._made[source, name] for name, _ in edge.branches])


@dataclass(frozen=True, slots=True)
class Cell(Block):
    """A graph of blocks: each node is the sum of what its edges bring from all earlier ones; the last is the output.

    Node 0 is the input. `nodes` has one entry for each further node: the blocks on its edges from node 0, 1, ..., None
    where an edge is absent. A node without edges is zero. `channels` is the width of all nodes but the input.
    The edge from node 0 to node 2 is called `0-2`. `shared`: see `Edges`.
    """

    in_channels: int
    channels: int
    nodes: tuple["Plans", ...]
    shared: bool = False

    @property
    def inputs(self) -> tuple[Map, ...]:
        """Those of its edges."""
        return _sized(self.in_channels, tuple(edge for edges in self.nodes for edge in edges if edge is not None))

    def wire(self, g: Wiring, /, *inputs: Value) -> Value:
        """The last node."""
        values, between = [*inputs], Edges(g, shared=self.shared)
        for node, edges in enumerate(self.nodes, start=1):
            brought = [
                between.bring(edge, source, node, source + 1, values[source])
                for source, edge in enumerate(edges)
                if edge is not None
            ]
            values.append(g.add(*brought) if brought else g.zeros(values[0], self.channels))
        return values[-1]

    def mapped(self, change: Callable[["Plan"], "Plan"]) -> "Cell":
        """With every edge changed."""
        nodes = tuple(tuple(None if edge is None else change(edge) for edge in edges) for edges in self.nodes)
        return replace(self, nodes=nodes)


def _sized(channels: int, plans: tuple[Plan, ...]) -> tuple[Map, ...]:
    """The input of blocks that read the same, as large as the first says that says it."""
    return (Map(channels, max((plan.inputs[0].size for plan in plans), default=1)),)
