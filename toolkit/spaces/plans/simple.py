"""Blocks of one layer or a few in a row: stems, heads and what stands between."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from toolkit.spaces.plans.base import Block
from toolkit.spaces.primitives import EPS, Nonlinearity
from toolkit.spaces.wiring import Value, Wiring


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
    """Convolution, batch norm, ReLU and, if `pool`, a 3x3 max pooling of stride 2. `size` is the input's height.

    If `resolution`, images are first brought to that height, so that it can be a decision. Some have another activation
    than a ReLU.
    """

    in_channels: int
    channels: int
    kernel: int
    stride: int
    pool: bool
    size: int
    resolution: int | None = None
    nonlinearity: Nonlinearity = "relu"
    eps: float = EPS
    label: ClassVar[str] = "stem"

    def wire(self, g: Wiring, /, *inputs: Value) -> Value:
        """ReLU(BN(conv(x))), pooled."""
        (x,) = inputs
        if self.resolution not in (None, self.size):
            x = g.resize(x, self.resolution)
        y = g.norm("bn", g.conv("conv", x, "channels", self.kernel, self.stride), eps=self.eps)
        y = g.activation(y, self.nonlinearity)
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
class ConvNorm(Block):
    """A convolution and batch norm, with a ReLU before both, after both, or none. `size` is the input's height.

    Some have another activation in its place.
    """

    in_channels: int
    channels: int
    kernel: int
    stride: int
    relu: Literal["before", "after"] | None
    size: int
    nonlinearity: Nonlinearity = "relu"
    eps: float = EPS
    label: ClassVar[str] = "conv"

    def wire(self, g: Wiring, /, *inputs: Value) -> Value:
        """BN(conv(x)) with its ReLU."""
        (x,) = inputs
        x = g.activation(x, self.nonlinearity) if self.relu == "before" else x
        x = g.norm("bn", g.conv("conv", x, "channels", self.kernel, self.stride), eps=self.eps)
        return g.activation(x, self.nonlinearity) if self.relu == "after" else x


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
    """A 3x3 average pooling. At the border it averages the pixels that are there, no padding."""

    stride: int = 1

    def wire(self, g: Wiring, /, *inputs: Value) -> Value:
        """x, pooled."""
        (x,) = inputs
        return g.avg_pool(x, 3, self.stride)


@dataclass(frozen=True, slots=True)
class MaxPool(Block):
    """A 3x3 max pooling."""

    stride: int = 1

    def wire(self, g: Wiring, /, *inputs: Value) -> Value:
        """x, pooled."""
        (x,) = inputs
        return g.max_pool(x, 3, self.stride)


@dataclass(frozen=True, slots=True)
class Head(Block):
    """Global average pooling and a linear classifier."""

    in_channels: int
    classes: int
    label: ClassVar[str] = "head"

    def wire(self, g: Wiring, /, *inputs: Value) -> Value:
        """Logits."""
        return g.linear("fc", g.global_pool(*inputs), self.classes, inputs="in_channels")
