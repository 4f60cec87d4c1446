"""Block plans: frozen records of what stands at one position of a network.

A plan says everything a backend needs to build or run the block, and lists its layers as plain data, from which costs
follow (`cost.py`). Two networks are equal up to a position exactly when their plans are equal up to it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

Activation = Literal["relu", "prelu", "swish", "mish", "selu"]
"""What may follow a residual addition. `prelu` learns one slope per block, 0.25 at first."""

ACTIVATIONS: tuple[Activation, ...] = get_args(Activation)


@dataclass(frozen=True, slots=True)
class Own:
    """Groups of widths for which a layer holds weights of its own, each named by the widest width that it serves.

    A width uses the narrowest group that holds it (`group_of`). Empty: all widths share one weight, by leading slices.
    `convs` also groups classifiers, by their input; `activations` groups the slopes of a learned activation.
    """

    convs: tuple[int, ...] = ()
    norms: tuple[int, ...] = ()
    activations: tuple[int, ...] = ()


SHARED = Own()


def group_of(width: int, groups: tuple[int, ...]) -> int:
    """The narrowest of `groups` that holds `width`."""
    return min(group for group in groups if group >= width)


@dataclass(frozen=True, slots=True)
class Conv:
    """A square convolution without bias, padded by `kernel // 2`. `size` is the height and width of its *output*."""

    in_channels: int
    channels: int
    kernel: int
    size: int


@dataclass(frozen=True, slots=True)
class DepthwiseConv:
    """A square convolution of each channel with its own kernel, else like `Conv`."""

    channels: int
    kernel: int
    size: int


@dataclass(frozen=True, slots=True)
class Norm:
    """A batch normalisation with scale and shift."""

    channels: int


@dataclass(frozen=True, slots=True)
class Linear:
    """A fully connected layer with bias."""

    in_features: int
    features: int


Layer = Conv | DepthwiseConv | Norm | Linear


@dataclass(frozen=True, slots=True)
class Stem:
    """Convolution, batch norm, ReLU and, if `pool`, a 3x3 max pooling of stride 2. `size` is the input's height."""

    in_channels: int
    channels: int
    kernel: int
    stride: int
    pool: bool
    size: int
    own: Own = SHARED

    def layers(self) -> Iterator[Layer]:
        """The layers that cost something, in order of execution."""
        yield Conv(self.in_channels, self.channels, self.kernel, shrink(self.size, self.stride))
        yield Norm(self.channels)


@dataclass(frozen=True, slots=True)
class BasicBlock:
    """Two 3x3 convolutions and a shortcut: activation(BN(conv2(ReLU(BN(conv1(x))))) + shortcut(x)).

    `stride` is conv1's; `project` makes the shortcut a 1x1 convolution with batch norm, else it is the identity.
    `size` is the input's height. `mid_own` is about conv1, `own` about all that puts out `channels`.
    """

    in_channels: int
    mid_channels: int
    channels: int
    stride: int
    project: bool
    size: int
    activation: Activation = "relu"
    mid_own: Own = SHARED
    own: Own = SHARED

    def layers(self) -> Iterator[Layer]:
        """The layers that cost something, in order of execution."""
        size = shrink(self.size, self.stride)
        yield Conv(self.in_channels, self.mid_channels, 3, size)
        yield Norm(self.mid_channels)
        yield Conv(self.mid_channels, self.channels, 3, size)
        yield Norm(self.channels)
        if self.project:
            yield Conv(self.in_channels, self.channels, 1, size)
            yield Norm(self.channels)


@dataclass(frozen=True, slots=True)
class ConvNorm:
    """A convolution and batch norm, with a ReLU before both, after both, or none. `size` is the input's height."""

    in_channels: int
    channels: int
    kernel: int
    stride: int
    relu: Literal["before", "after"] | None
    size: int
    own: Own = SHARED

    def layers(self) -> Iterator[Layer]:
        """The layers that cost something, in order of execution."""
        yield Conv(self.in_channels, self.channels, self.kernel, shrink(self.size, self.stride))
        yield Norm(self.channels)


@dataclass(frozen=True, slots=True)
class NormReLU:
    """Batch norm and ReLU: what ends a network whose blocks begin with a ReLU."""

    channels: int
    own: Own = SHARED

    @property
    def in_channels(self) -> int:
        """As many as come out."""
        return self.channels

    def layers(self) -> Iterator[Layer]:
        """The layers that cost something, in order of execution."""
        yield Norm(self.channels)


@dataclass(frozen=True, slots=True)
class Identity:
    """What comes in goes out."""

    def layers(self) -> Iterator[Layer]:
        """None."""
        yield from ()


@dataclass(frozen=True, slots=True)
class AvgPool:
    """A 3x3 average pooling of stride 1. At the border it averages the pixels that are there, no padding."""

    def layers(self) -> Iterator[Layer]:
        """None that costs anything."""
        yield from ()


@dataclass(frozen=True, slots=True)
class Reduction:
    """A residual block that halves the map, its ReLUs first.

    BN(conv2(ReLU(BN(conv1(ReLU(x)))))) + projection(pool(x)): conv1 has stride 2, pool is a 2x2 average of stride 2,
    the projection a 1x1 convolution without batch norm. An odd map is halved upwards. `size` is the input's height.
    """

    in_channels: int
    channels: int
    size: int
    own: Own = SHARED

    def layers(self) -> Iterator[Layer]:
        """The layers that cost something, in order of execution."""
        size = shrink(self.size, 2)
        yield Conv(self.in_channels, self.channels, 3, size)
        yield Norm(self.channels)
        yield Conv(self.channels, self.channels, 3, size)
        yield Norm(self.channels)
        yield Conv(self.in_channels, self.channels, 1, size)


@dataclass(frozen=True, slots=True)
class InvertedResidual:
    """MobileNetV2's block: expand (1x1), depthwise (`kernel`, `stride`), project (1x1), each with batch norm.

    A ReLU follows the first two. Where width and size stay, the input is added. `size` is the input's height.
    """

    in_channels: int
    mid_channels: int
    channels: int
    kernel: int
    stride: int
    size: int

    @property
    def shortcut(self) -> bool:
        """Whether the input is added."""
        return self.stride == 1 and self.in_channels == self.channels

    def layers(self) -> Iterator[Layer]:
        """The layers that cost something, in order of execution."""
        size = shrink(self.size, self.stride)
        yield Conv(self.in_channels, self.mid_channels, 1, self.size)
        yield Norm(self.mid_channels)
        yield DepthwiseConv(self.mid_channels, self.kernel, size)
        yield Norm(self.mid_channels)
        yield Conv(self.mid_channels, self.channels, 1, size)
        yield Norm(self.channels)


@dataclass(frozen=True, slots=True)
class Choice:
    """Blocks that share no weights but one position, by name: a path has one of them, the supernet holds them all."""

    in_channels: int
    channels: int
    branches: tuple[tuple[str, "Plan"], ...]

    def layers(self) -> Iterator[Layer]:
        """The layers of every branch."""
        for _, plan in self.branches:
            yield from plan.layers()


@dataclass(frozen=True, slots=True)
class Cell:
    """A graph of blocks: each node is the sum of what its edges bring from all earlier ones; the last is the output.

    Node 0 is the input. `nodes` has one entry for each further node: the blocks on its edges from node 0, 1, ..., None
    where an edge is absent. A node without edges is zero. `channels` is the width of all nodes but the input.
    """

    in_channels: int
    channels: int
    nodes: tuple["Plans", ...]

    def layers(self) -> Iterator[Layer]:
        """The layers of every edge."""
        for edges in self.nodes:
            for plan in edges:
                if plan is not None:
                    yield from plan.layers()


@dataclass(frozen=True, slots=True)
class Head:
    """Global average pooling and a linear classifier."""

    in_channels: int
    classes: int
    own: Own = SHARED

    def layers(self) -> Iterator[Layer]:
        """The layers that cost something, in order of execution."""
        yield Linear(self.in_channels, self.classes)


Plan = (
    Stem | BasicBlock | ConvNorm | NormReLU | Identity | AvgPool | Reduction | InvertedResidual | Choice | Cell | Head
)
Plans = tuple[Plan | None, ...]
"""One plan per position of the network, from stem to head; None where the block is absent."""


def shrink(size: int, stride: int) -> int:
    """Height after a convolution padded by `kernel // 2`, or a pooling padded alike."""
    return -(-size // stride)
