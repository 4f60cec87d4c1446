"""Cells of two inputs, and what stands on their edges: of DARTS (arXiv 1806.09055)."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count

from toolkit.spaces.plans.base import Block, Plan, Plans
from toolkit.spaces.plans.composed import Edges
from toolkit.spaces.plans.simple import ConvNorm
from toolkit.spaces.primitives import Map
from toolkit.spaces.wiring import Value, Wiring


@dataclass(frozen=True, slots=True)
class Separable(Block):
    """ReLU, a depthwise convolution, 1x1 and batch norm, `times` in a row; the first of them has the stride.

    `size` is the input's height.
    """

    channels: int
    kernel: int
    stride: int
    size: int
    times: int = 1
    dilation: int = 1

    def wire(self, g: Wiring, /, *inputs: Value) -> Value:
        """As above."""
        (y,) = inputs
        for number in range(1, self.times + 1):
            stride = self.stride if number == 1 else 1
            y = g.depthwise(f"depthwise{number}", g.relu(y), "channels", self.kernel, stride, dilation=self.dilation)
            y = g.norm(f"bn{number}", g.conv(f"pointwise{number}", y, "channels", 1))
        return y


@dataclass(frozen=True, slots=True)
class FactorizedReduce(Block):
    """Halves the map and loses no pixel of a quarter of them: BN of two 1x1 convolutions of stride 2 side by side.

    Of ReLU(x); the second sees it moved by one pixel in both directions. `size` is the input's height; an odd map is
    halved upwards, zeros beyond its border (the authors' code has even ones only).
    """

    in_channels: int
    channels: int
    size: int

    def wire(self, g: Wiring, /, *inputs: Value) -> Value:
        """As above."""
        x = g.relu(*inputs)
        half = self.channels // 2
        here = g.conv("conv1", x, half, 1, stride=2)
        beside = g.conv("conv2", g.shift(x), self.channels - half, 1, stride=2)
        return g.norm("bn", g.concat(here, beside))


@dataclass(frozen=True, slots=True)
class DualCell(Block):
    """A graph of blocks over the outputs of the two blocks before: its nodes side by side, each the sum of its edges.

    Nodes 0 and 1 are these outputs, the older first, each brought to `channels` by ReLU, 1x1 and batch norm, the older
    by a `FactorizedReduce` where the block between them halved the map. `nodes` has one entry for each further node:
    the blocks on its edges from node 0, 1, ..., None where an edge is absent. A node without edges is zero.

    Attributes:
        before_channels, before_size: of the older input; `in_channels` and `size` are those of the newer.
        channels: of each node.
        stride: of the edges from nodes 0 and 1.
        reduced: whether the block before halved the map.
        first: whether there is but one block before it, which is both inputs.
        shared: see `Edges`.
        drops: whether what an edge brings may be dropped, image by image, unless it is an identity: for trainings alone
            (`primitives.Drop`, a row for each edge).
    """

    before_channels: int
    in_channels: int
    channels: int
    nodes: tuple["Plans", ...]
    stride: int
    before_size: int
    size: int
    reduced: bool = False
    first: bool = False
    shared: bool = False
    drops: bool = False

    @property
    def reads(self) -> tuple[int, ...]:
        """The two blocks before."""
        return (1, 1) if self.first else (2, 1)

    @property
    def inputs(self) -> tuple[Map, ...]:
        """As large as they are."""
        return Map(self.before_channels, self.before_size), Map(self.in_channels, self.size)

    @property
    def parts(self) -> tuple[Plan, ...]:
        """What its inputs go through, and its edges."""
        return (*self._preprocess, *(edge for edges in self.nodes for edge in edges if edge is not None))

    def wire(self, g: Wiring, /, *inputs: Value) -> Value:
        """The nodes of its own, concatenated."""
        values = [g.block(f"preprocess{i}", plan, inputs[i]) for i, plan in enumerate(self._preprocess)]
        between, rows = Edges(g, shared=self.shared), count()
        for node, edges in enumerate(self.nodes, start=2):
            brought = []
            for source, edge in enumerate(edges):
                if edge is not None:
                    value, row = between.bring(edge, source, node, max(source + 1, 2), values[source]), next(rows)
                    brought.append(g.drop(value, row) if self.drops and value != values[source] else value)
            values.append(g.add(*brought) if brought else self._nothing(g, values[1]))
        return g.concat(*values[2:])

    @property
    def _preprocess(self) -> tuple[Plan, Plan]:
        """What brings the inputs to the cell's width, and the older to the newer's size."""
        newer = ConvNorm(self.in_channels, self.channels, 1, 1, "before", self.size)
        if self.reduced:
            return FactorizedReduce(self.before_channels, self.channels, self.before_size), newer
        return ConvNorm(self.before_channels, self.channels, 1, 1, "before", self.before_size), newer

    def _nothing(self, g: Wiring, like: Value) -> Value:
        """Zeros, as large as nodes are."""
        return g.zeros(g.max_pool(like, 1, self.stride) if self.stride > 1 else like, self.channels)

    def mapped(self, change: Callable[["Plan"], "Plan"]) -> "DualCell":
        """With every edge changed."""
        nodes = tuple(tuple(None if edge is None else change(edge) for edge in edges) for edges in self.nodes)
        return replace(self, nodes=nodes)


@dataclass(frozen=True, slots=True)
class AuxiliaryHead(Block):
    """A classifier within the network, for training only.

    Of ReLU(x), averaged over two by two windows; 1x1 to 128, batch norm, ReLU; 2x2 to 768, batch norm if `norm`, ReLU;
    linear. The windows are 5/8 as high as the map, `size`, as in the authors' for maps of 8x8 and of 7x7.
    """

    in_channels: int
    classes: int
    size: int
    norm: bool = True

    def wire(self, g: Wiring, /, *inputs: Value) -> Value:
        """Logits."""
        window = min(-(-5 * self.size // 8), self.size - 1)
        y = g.avg_pool(g.relu(*inputs), window, self.size - window, valid=True)
        y = g.relu(g.norm("bn1", g.conv("conv1", y, 128, 1)))
        y = g.conv("conv2", y, 768, 2, valid=True)
        return g.linear("fc", g.relu(g.norm("bn2", y) if self.norm else y), self.classes)
