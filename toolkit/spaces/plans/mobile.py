"""Blocks of MobileNets."""

from dataclasses import dataclass
from typing import ClassVar

from toolkit.spaces.plans.base import Block
from toolkit.spaces.primitives import EPS, Nonlinearity
from toolkit.spaces.widths import make_divisible
from toolkit.spaces.wiring import Value, Wiring


@dataclass(frozen=True, slots=True)
class InvertedResidual(Block):
    """MobileNetV2's block: expand (1x1), depthwise (`kernel`, `stride`), project (1x1), each with batch norm.

    A ReLU, or what `nonlinearity` says, follows the first two. Where width and size stay, the input is added. `size` is
    the input's height. Others of its kind (arXiv 1801.04381, 1905.02244, 1908.09791) differ in these:

    Attributes:
        expand: False: `mid_channels` are those that come in, and the first convolution is left out (expansion 1).
        squeeze: whether squeeze-and-excitation follows the depthwise convolution's activation: of the mean of each
            channel, 1x1 to a fourth, ReLU, 1x1, hard sigmoid, both with bias, weigh the channels.
        kernels: in a supernet whose depthwise weight serves several, all of them, the largest first.
    """

    in_channels: int
    mid_channels: int
    channels: int
    kernel: int
    stride: int
    size: int
    expand: bool = True
    squeeze: bool = False
    nonlinearity: Nonlinearity = "relu"
    kernels: tuple[int, ...] = ()
    eps: float = EPS

    @property
    def squeeze_channels(self) -> int:
        """Inside squeeze-and-excitation."""
        return make_divisible(self.mid_channels // 4, 8)

    def wire(self, g: Wiring, /, *inputs: Value) -> Value:
        """As above; the residual branch speaks from the start, as in NAS-Bench-Macro and once-for-all."""
        (x,) = inputs
        y = x
        if self.expand:
            y = self._activated(g, g.norm("bn1", g.conv("expand", y, "mid_channels", 1), eps=self.eps))
        y = g.depthwise("depthwise", y, "mid_channels", self.kernel, self.stride, self.kernels)
        y = self._activated(g, g.norm("bn2", y, eps=self.eps))
        if self.squeeze:
            squeezed = g.relu(g.conv("se.reduce", g.global_pool(y), "squeeze_channels", 1, bias=True))
            y = g.multiply(y, g.activation(g.conv("se.expand", squeezed, "mid_channels", 1, bias=True), "h-sigmoid"))
        y = g.norm("bn3", g.conv("project", y, "channels", 1), eps=self.eps)
        return g.add(y, x, residual=True) if self.stride == 1 and self.in_channels == self.channels else y

    def _activated(self, g: Wiring, y: Value) -> Value:
        return g.activation(y, self.nonlinearity)


@dataclass(frozen=True, slots=True)
class MobileHead(Block):
    """MobileNetV3's head: global average pooling, 1x1 without batch norm or bias, h-swish, a linear classifier."""

    in_channels: int
    mid_channels: int
    classes: int
    label: ClassVar[str] = "head"

    def wire(self, g: Wiring, /, *inputs: Value) -> Value:
        """Logits."""
        y = g.activation(g.conv("mix", g.global_pool(*inputs), "mid_channels", 1), "h-swish")
        return g.linear("fc", y, self.classes)
