"""Elastic layers: a narrower layer is the leading channels of the widest one.

Every tensor has PyTorch's name and layout, so that checkpoints need no translation.
"""

from collections.abc import Callable
from typing import TypeVar, cast

import paddle
import paddle.nn.functional as F  # noqa: N812
from paddle import Tensor, nn
from paddle.nn.initializer import Constant

from toolkit.spaces.plans import Activation, group_of

Layer = TypeVar("Layer", bound=nn.Layer)


def grouped(make: Callable[[int], Layer], widest: int, groups: tuple[int, ...]) -> Layer:
    """`make(widest)`, and beside it, as its child `groups`, a layer for each group of widths."""
    layer = make(widest)
    if groups:
        layer.groups = nn.LayerDict({str(group): make(group) for group in groups})
    return layer


def serving(layer: Layer, width: int, groups: tuple[int, ...]) -> Layer:
    """The layer whose weights serve `width`: of its group, or, without groups, the one that all share."""
    return cast(Layer, layer.groups[str(group_of(width, groups))]) if groups else layer


class Conv(nn.Layer):
    """A convolution without bias, padded by `kernel // 2`; the weight has shape (channels, in_channels, k, k)."""

    def __init__(self, in_channels: int, channels: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.weight = self.create_parameter((channels, in_channels, kernel, kernel), default_initializer=Constant(0.0))
        self.stride, self.padding = stride, kernel // 2

    def forward(self, x: Tensor, channels: int) -> Tensor:
        """x (n, c, h, w) to (n, channels, h / stride, w / stride), with the leading slice weight[:channels, :c]."""
        weight = self.weight
        if tuple(weight.shape[:2]) != (channels, x.shape[1]):  # slicing costs a copy
            weight = weight[:channels, : x.shape[1]]
        return F.conv2d(x, weight, stride=self.stride, padding=self.padding)


class DepthwiseConv(Conv):
    """A convolution of each channel with its own kernel; the weight has shape (channels, 1, k, k)."""

    def __init__(self, channels: int, kernel: int, stride: int) -> None:
        super().__init__(1, channels, kernel, stride)

    def forward(self, x: Tensor, channels: int) -> Tensor:
        """x (n, channels, h, w) to (n, channels, h / stride, w / stride), with the leading slice weight[:channels]."""
        weight = self.weight[:channels]
        return F.conv2d(x, weight, stride=self.stride, padding=self.padding, groups=channels)


class BatchNorm(nn.Layer):
    """Scale, shift and running statistics; which statistics normalise is the caller's choice (`norms.py`).

    It remembers no mode. A batch norm in the kit of the 2022 challenge does, and keeps that of its first call for life.
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = self.create_parameter((channels,), default_initializer=Constant(1.0))
        self.bias = self.create_parameter((channels,), default_initializer=Constant(0.0))
        self.register_buffer("running_mean", paddle.zeros([channels]))
        self.register_buffer("running_var", paddle.ones([channels]))

    def leading(self, channels: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Views of the leading channels: running mean, running variance, scale, shift."""
        if channels == self.weight.shape[0]:
            return self.running_mean, self.running_var, self.weight, self.bias
        leading = slice(channels)
        return self.running_mean[leading], self.running_var[leading], self.weight[leading], self.bias[leading]


class Linear(nn.Layer):
    """A fully connected layer with bias, elastic in its inputs; the weight has shape (features, in_features)."""

    def __init__(self, in_features: int, features: int) -> None:
        super().__init__()
        self.weight = self.create_parameter((features, in_features), default_initializer=Constant(0.0))
        self.bias = self.create_parameter((features,), default_initializer=Constant(0.0))

    def forward(self, x: Tensor) -> Tensor:
        """x (n, c) to (n, features), with the leading slice weight[:, :c]."""
        return F.linear(x, self.weight[:, : x.shape[1]].T, self.bias)


class PReLU(nn.Layer):
    """max(0, x) + slope * min(0, x), with one learned slope; the weight has shape (1,)."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = self.create_parameter((1,), default_initializer=Constant(0.25))

    def forward(self, x: Tensor) -> Tensor:
        """x of any shape; the result has its dtype."""
        return F.prelu(x, self.weight.astype(x.dtype))


class Swish(nn.Layer):
    """x * sigmoid(x). Paddle's own has the gradient NaN where exp(-x) overflows."""

    def forward(self, x: Tensor) -> Tensor:
        """x of any shape."""
        return x * F.sigmoid(x)


def activation(name: Activation) -> nn.Layer:
    """The activation called `name`."""
    match name:
        case "relu":
            return nn.ReLU()
        case "prelu":
            return PReLU()
        case "swish":
            return Swish()
        case "mish":
            return nn.Mish()
        case "selu":
            return nn.SELU()
