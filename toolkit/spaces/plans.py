"""Block plans: frozen records of what stands at one position of a network, each kind of block written once.

A plan says everything that is to be known of its block, and wires it from primitives (`wiring.py`): all else is a fold
over that graph. Two networks are equal up to a position exactly when their plans are equal up to it; so what a HyperNet
makes a block's weights depend on is part of its plan.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal, Self

from toolkit.spaces.hyper import Hyper
from toolkit.spaces.own import Owns
from toolkit.spaces.primitives import Activation, Map
from toolkit.spaces.wiring import Value, Wiring


@dataclass(frozen=True, slots=True)
class Block(ABC):
    """A kind of block: a frozen dataclass with `wire`.

    Its integer fields called `...channels` are counts of channels, which enhancement may map; a field `activation` is
    what follows a residual addition.

    Attributes:
        own: groups of widths that have weights of their own, by the field that says the width.
        hyper: the HyperNet that modulates its weights, if they are shared weakly.
        answers: those to the decisions that the HyperNet knows of: what the block is conditioned on. Empty in what a
            supernet holds; run so, a block has the shared weights as they are.
        label: what people call its position in a drawing; empty: stage and number.
        reads: which earlier states it reads, counted back: 1 is the block before, 2 the one before that.
    """

    own: Owns = field(default=(), kw_only=True)
    hyper: Hyper | None = field(default=None, kw_only=True)
    answers: tuple[int, ...] = field(default=(), kw_only=True)
    label: ClassVar[str] = ""

    @abstractmethod
    def wire(self, g: Wiring, /, *inputs: Value) -> Value:
        """Build the block of its inputs; returns the value that is its output."""

    @property
    def reads(self) -> tuple[int, ...]:
        """The block before, and nothing else."""
        return (1,)

    @property
    def inputs(self) -> tuple[Map, ...]:
        """The shapes of what it reads. Size 1 where the block would do with any."""
        channels = getattr(self, "in_channels", getattr(self, "channels", 1))
        return tuple(Map(channels, getattr(self, "size", 1)) for _ in self.reads)

    @property
    def structure(self) -> Self:
        """The block whatever it is conditioned on: graphs, costs and programs know no more."""
        return replace(self, answers=()) if self.answers else self

    def mapped(self, change: Callable[["Plan"], "Plan"]) -> Self:  # noqa: ARG002
        """The same block with every block within it changed."""
        return self


Plan = Block
Plans = tuple[Plan | None, ...]
"""One plan per position of the network, from stem to head; None where the block is absent."""


@dataclass(frozen=True, slots=True)
class Resize(Block):
    """The images at another resolution, so that it can be a decision. `size` is theirs, `to` what comes out."""

    in_channels: int
    size: int
    to: int
    label: ClassVar[str] = "resize"

    def wire(self, g: Wiring, /, *inputs: Value) -> Value:
        """Interpolated, or as they are."""
        (x,) = inputs
        return x if self.to == self.size else g.resize(x, self.to)


@dataclass(frozen=True, slots=True)
class Stem(Block):
    """Convolution, batch norm, ReLU and, if `pool`, a 3x3 max pooling of stride 2. `size` is the input's height."""

    in_channels: int
    channels: int
    kernel: int
    stride: int
    pool: bool
    size: int
    label: ClassVar[str] = "stem"

    def wire(self, g: Wiring, /, *inputs: Value) -> Value:
        """ReLU(BN(conv(x))), pooled."""
        (x,) = inputs
        y = g.relu(g.norm("bn", g.conv("conv", x, "channels", self.kernel, self.stride)))
        return g.max_pool(y, kernel=3, stride=2) if self.pool else y


@dataclass(frozen=True, slots=True)
class DeepStem(Block):
    """Three 3x3 convolutions with batch norm and ReLU, the first of stride 2, and a 3x3 max pooling of stride 2.

    `size` is the input's height (arXiv 1812.01187, figure 2b).
    """

    in_channels: int
    mid_channels: int
    channels: int
    size: int
    label: ClassVar[str] = "stem"

    def wire(self, g: Wiring, /, *inputs: Value) -> Value:
        """As above."""
        (x,) = inputs
        x = g.relu(g.norm("bn", g.conv("conv", x, "mid_channels", 3, stride=2)))
        x = g.relu(g.norm("bn2", g.conv("conv2", x, "mid_channels", 3)))
        x = g.relu(g.norm("bn3", g.conv("conv3", x, "channels", 3)))
        return g.max_pool(x, kernel=3, stride=2)


@dataclass(frozen=True, slots=True)
class BasicBlock(Block):
    """Two 3x3 convolutions and a shortcut: activation(BN(conv2(ReLU(BN(conv1(x))))) + shortcut(x)).

    `stride` is conv1's; `project` makes the shortcut a 1x1 convolution with batch norm, else it is the identity.
    `size` is the input's height.
    """

    in_channels: int
    mid_channels: int
    channels: int
    stride: int
    project: bool
    size: int
    activation: Activation = "relu"

    def wire(self, g: Wiring, /, *inputs: Value) -> Value:
        """As above; the residual branch is silent at first."""
        (x,) = inputs
        y = g.relu(g.norm("bn1", g.conv("conv1", x, "mid_channels", 3, self.stride)))
        y = g.norm("bn2", g.conv("conv2", y, "channels", 3), silent=True)
        if self.project:
            x = g.norm("downsample.1", g.conv("downsample.0", x, "channels", 1, self.stride))
        return g.activation(g.add(y, x, residual=True), self.activation)


@dataclass(frozen=True, slots=True)
class ConvNorm(Block):
    """A convolution and batch norm, with a ReLU before both, after both, or none. `size` is the input's height."""

    in_channels: int
    channels: int
    kernel: int
    stride: int
    relu: Literal["before", "after"] | None
    size: int
    label: ClassVar[str] = "conv"

    def wire(self, g: Wiring, /, *inputs: Value) -> Value:
        """BN(conv(x)) with its ReLU."""
        (x,) = inputs
        x = g.relu(x) if self.relu == "before" else x
        x = g.norm("bn", g.conv("conv", x, "channels", self.kernel, self.stride))
        return g.relu(x) if self.relu == "after" else x


@dataclass(frozen=True, slots=True)
class NormReLU(Block):
    """Batch norm and ReLU: what ends a network whose blocks begin with a ReLU."""

    channels: int
    label: ClassVar[str] = "norm"

    def wire(self, g: Wiring, /, *inputs: Value) -> Value:
        """ReLU(BN(x))."""
        return g.relu(g.norm("bn", *inputs))


@dataclass(frozen=True, slots=True)
class Identity(Block):
    """What comes in goes out."""

    def wire(self, g: Wiring, /, *inputs: Value) -> Value:  # noqa: ARG002
        """x itself."""
        return inputs[0]


@dataclass(frozen=True, slots=True)
class AvgPool(Block):
    """A 3x3 average pooling of stride 1. At the border it averages the pixels that are there, no padding."""

    def wire(self, g: Wiring, /, *inputs: Value) -> Value:
        """x, pooled."""
        (x,) = inputs
        return g.avg_pool(x, kernel=3)


@dataclass(frozen=True, slots=True)
class Reduction(Block):
    """A residual block that halves the map, its ReLUs first.

    BN(conv2(ReLU(BN(conv1(ReLU(x)))))) + projection(pool(x)): conv1 has stride 2, pool is a 2x2 average of stride 2,
    the projection a 1x1 convolution without batch norm. An odd map is halved upwards. `size` is the input's height.
    """

    in_channels: int
    channels: int
    size: int

    def wire(self, g: Wiring, /, *inputs: Value) -> Value:
        """As above; the residual branch speaks from the start, as in NAS-Bench-201."""
        (x,) = inputs
        y = g.relu(g.norm("bn1", g.conv("conv1", g.relu(x), "channels", 3, stride=2)))
        y = g.norm("bn2", g.conv("conv2", y, "channels", 3))
        projection = g.conv("downsample", g.avg_pool(x, kernel=2, stride=2), "channels", 1)
        return g.add(y, projection, residual=True)


@dataclass(frozen=True, slots=True)
class InvertedResidual(Block):
    """MobileNetV2's block: expand (1x1), depthwise (`kernel`, `stride`), project (1x1), each with batch norm.

    A ReLU follows the first two. Where width and size stay, the input is added. `size` is the input's height.
    """

    in_channels: int
    mid_channels: int
    channels: int
    kernel: int
    stride: int
    size: int

    def wire(self, g: Wiring, /, *inputs: Value) -> Value:
        """As above; the residual branch speaks from the start, as in NAS-Bench-Macro."""
        (x,) = inputs
        y = g.relu(g.norm("bn1", g.conv("expand", x, "mid_channels", 1)))
        y = g.relu(g.norm("bn2", g.depthwise("depthwise", y, "mid_channels", self.kernel, self.stride)))
        y = g.norm("bn3", g.conv("project", y, "channels", 1))
        return g.add(y, x, residual=True) if self.stride == 1 and self.in_channels == self.channels else y


@dataclass(frozen=True, slots=True)
class SplitAttention(Block):
    """ResNeSt's bottleneck without its shortcut (arXiv 2004.08955): 1x1, split attention, 1x1, each with batch norm.

    A 3x3 convolution in `groups` * `radix` groups makes `radix` splits of `mid_channels` each. Two 1x1 convolutions in
    `groups` groups, of the mean of their sum, weigh them, channel by channel: by softmax over the splits, by a sigmoid
    if there is but one. What comes out is their weighted sum. Where the stride is 2, a 3x3 average pooling, padding
    counted, follows at last. `size` is the input's height.
    """

    in_channels: int
    mid_channels: int
    hidden_channels: int
    channels: int
    radix: int
    groups: int
    stride: int
    size: int

    @property
    def split_channels(self) -> int:
        """Of all splits together."""
        return self.radix * self.mid_channels

    def wire(self, g: Wiring, /, *inputs: Value) -> Value:
        """As above; silent at first."""
        (x,) = inputs
        y = g.relu(g.norm("bn1", g.conv("conv1", x, "mid_channels", 1)))
        y = self._attend(g, g.relu(g.norm("bn2", g.grouped("conv2", y, "split_channels", 3, self.groups * self.radix))))
        y = g.avg_pool(y, 3, self.stride, padded=True) if self.stride > 1 else y
        return g.norm("bn3", g.conv("conv3", y, "channels", 1), silent=True)

    def _attend(self, g: Wiring, y: Value) -> Value:
        splits = self._splits(g, y)
        squeezed = g.grouped(
            "attention.fc1", g.global_pool(g.add(*splits)), "hidden_channels", 1, self.groups, bias=True
        )
        weights = g.grouped(
            "attention.fc2", g.relu(g.norm("attention.bn", squeezed)), "split_channels", 1, self.groups, bias=True
        )
        if self.radix == 1:
            return g.multiply(y, g.activation(weights, "sigmoid"))
        weights = g.split_softmax(weights, self.radix, self.groups)
        return g.add(*map(g.multiply, splits, self._splits(g, weights)))

    def _splits(self, g: Wiring, y: Value) -> list[Value]:
        if self.radix == 1:
            return [y]
        return [g.slice(y, split * self.mid_channels, self.mid_channels) for split in range(self.radix)]


@dataclass(frozen=True, slots=True)
class Choice(Block):
    """Blocks that share no weights but one position, by name: a path has one of them, the supernet holds them all."""

    in_channels: int
    channels: int
    branches: tuple[tuple[str, "Plan"], ...]

    @property
    def inputs(self) -> tuple[Map, ...]:
        """Those of its branches."""
        return _sized(self.in_channels, tuple(plan for _, plan in self.branches))

    def wire(self, g: Wiring, /, *inputs: Value) -> Value:
        """The one branch of a path; of the supernet all, beside each other."""
        return g.either(self.branches, *inputs)

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
        y = g.either(self.branches, x)
        if self.stride > 1 or self.in_channels != self.channels:
            x = g.avg_pool(x, self.stride, self.stride) if self.stride > 1 else x
            x = g.norm("downsample.1", g.conv("downsample.0", x, "channels", 1))
        return g.activation(g.add(y, x, residual=True), self.activation)


@dataclass(frozen=True, slots=True)
class Cell(Block):
    """A graph of blocks: each node is the sum of what its edges bring from all earlier ones; the last is the output.

    Node 0 is the input. `nodes` has one entry for each further node: the blocks on its edges from node 0, 1, ..., None
    where an edge is absent. A node without edges is zero. `channels` is the width of all nodes but the input.
    The edge from node 0 to node 2 is called `0-2`.
    """

    in_channels: int
    channels: int
    nodes: tuple["Plans", ...]

    @property
    def inputs(self) -> tuple[Map, ...]:
        """Those of its edges."""
        return _sized(self.in_channels, tuple(edge for edges in self.nodes for edge in edges if edge is not None))

    def wire(self, g: Wiring, /, *inputs: Value) -> Value:
        """The last node."""
        values = [*inputs]
        for node, edges in enumerate(self.nodes, start=1):
            brought = [
                g.block(f"edges.{source}-{node}", edge, values[source])
                for source, edge in enumerate(edges)
                if edge is not None
            ]
            values.append(g.add(*brought) if brought else g.zeros(values[0], self.channels))
        return values[-1]

    def mapped(self, change: Callable[["Plan"], "Plan"]) -> "Cell":
        """With every edge changed."""
        nodes = tuple(tuple(None if edge is None else change(edge) for edge in edges) for edges in self.nodes)
        return replace(self, nodes=nodes)


@dataclass(frozen=True, slots=True)
class Head(Block):
    """Global average pooling and a linear classifier."""

    in_channels: int
    classes: int
    label: ClassVar[str] = "head"

    def wire(self, g: Wiring, /, *inputs: Value) -> Value:
        """Logits."""
        return g.linear("fc", g.global_pool(*inputs), self.classes, inputs="in_channels")


def _sized(channels: int, plans: tuple[Plan, ...]) -> tuple[Map, ...]:
    """The input of blocks that read the same, as large as the first says that says it."""
    return (Map(channels, max((plan.inputs[0].size for plan in plans), default=1)),)
