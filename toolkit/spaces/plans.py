"""Block plans: frozen records of what stands at one position of a network.

A plan says everything a backend needs to build or run the block, and lists its layers as plain data, from which costs
follow (`cost.py`). Two networks are equal up to a position exactly when their plans are equal up to it.
"""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Conv:
    """A square convolution without bias, padded by `kernel // 2`. `size` is the height and width of its *output*."""

    in_channels: int
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


Layer = Conv | Norm | Linear


@dataclass(frozen=True, slots=True)
class Stem:
    """Convolution, batch norm, ReLU and, if `pool`, a 3x3 max pooling of stride 2. `size` is the input's height."""

    in_channels: int
    channels: int
    kernel: int
    stride: int
    pool: bool
    size: int

    def layers(self) -> Iterator[Layer]:
        """The layers that cost something, in order of execution."""
        yield Conv(self.in_channels, self.channels, self.kernel, shrink(self.size, self.stride))
        yield Norm(self.channels)


@dataclass(frozen=True, slots=True)
class BasicBlock:
    """Two 3x3 convolutions and a shortcut: ReLU(BN(conv2(ReLU(BN(conv1(x))))) + shortcut(x)).

    `stride` is conv1's; `project` makes the shortcut a 1x1 convolution with batch norm, else it is the identity.
    `size` is the input's height.
    """

    in_channels: int
    mid_channels: int
    channels: int
    stride: int
    project: bool
    size: int

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
class Head:
    """Global average pooling and a linear classifier."""

    in_channels: int
    classes: int

    def layers(self) -> Iterator[Layer]:
        """The layers that cost something, in order of execution."""
        yield Linear(self.in_channels, self.classes)


Plan = Stem | BasicBlock | Head
Plans = tuple[Plan | None, ...]
"""One plan per position of the network, from stem to head; None where the block is absent."""


def shrink(size: int, stride: int) -> int:
    """Height after a convolution padded by `kernel // 2`, or a pooling padded alike."""
    return -(-size // stride)
