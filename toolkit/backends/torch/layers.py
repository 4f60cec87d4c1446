"""Elastic layers: a narrower layer is the leading channels of the widest one."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from toolkit.spaces.plans import Activation, group_of

Layer = TypeVar("Layer", bound=nn.Module)


def grouped(make: Callable[[int], Layer], widest: int, groups: tuple[int, ...]) -> Layer:
    """`make(widest)`, and beside it, as its child `groups`, a layer for each group of widths."""
    layer = make(widest)
    if groups:
        layer.groups = nn.ModuleDict({str(group): make(group) for group in groups})
    return layer


def serving(layer: Layer, width: int, groups: tuple[int, ...]) -> Layer:
    """The layer whose weights serve `width`: of its group, or, without groups, the one that all share."""
    return cast(Layer, cast(nn.ModuleDict, layer.groups)[str(group_of(width, groups))]) if groups else layer


class _LeadingSlice(torch.autograd.Function):
    """weight[:channels, :in_channels], with a gradient laid out as the weight is.

    Plain slicing fills two zero tensors per step, and lays them out otherwise, so that autograd copies them once more.
    """

    @staticmethod
    def forward(ctx: Any, weight: Tensor, channels: int, in_channels: int) -> Tensor:
        ctx.weight = weight
        return weight[:channels, :in_channels]

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        whole = torch.zeros_like(ctx.weight)
        whole[: gradient.shape[0], : gradient.shape[1]] = gradient
        return whole, None, None


class Conv(nn.Module):
    """A convolution without bias, padded by `kernel // 2`; the weight has shape (channels, in_channels, k, k)."""

    def __init__(self, in_channels: int, channels: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(channels, in_channels, kernel, kernel))
        self.stride, self.padding = stride, kernel // 2

    def forward(self, x: Tensor, channels: int) -> Tensor:
        """x (n, c, h, w) to (n, channels, h / stride, w / stride), with the leading slice weight[:channels, :c]."""
        weight: Tensor = self.weight
        if weight.shape[:2] != (channels, x.shape[1]):  # slicing costs a copy
            weight = _LeadingSlice.apply(weight, channels, x.shape[1])  # type: ignore[no-untyped-call]
        return F.conv2d(x, weight, stride=self.stride, padding=self.padding)


class DepthwiseConv(Conv):
    """A convolution of each channel with its own kernel; the weight has shape (channels, 1, k, k)."""

    def __init__(self, channels: int, kernel: int, stride: int) -> None:
        super().__init__(1, channels, kernel, stride)

    def forward(self, x: Tensor, channels: int) -> Tensor:
        """x (n, channels, h, w) to (n, channels, h / stride, w / stride), with the leading slice weight[:channels]."""
        weight: Tensor = self.weight
        if weight.shape[0] != channels:
            weight = weight[:channels]
        return F.conv2d(x, weight, stride=self.stride, padding=self.padding, groups=channels)


class BatchNorm(nn.Module):
    """Scale, shift and running statistics; which statistics normalise is the caller's choice (`norms.py`)."""

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def leading(self, channels: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Views of the leading channels: running mean, running variance, scale, shift."""
        if channels == self.weight.shape[0]:
            return self.running_mean, self.running_var, self.weight, self.bias
        leading = slice(channels)
        return self.running_mean[leading], self.running_var[leading], self.weight[leading], self.bias[leading]


class Linear(nn.Module):
    """A fully connected layer with bias, elastic in its inputs; the weight has shape (features, in_features)."""

    def __init__(self, in_features: int, features: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(features, in_features))
        self.bias = nn.Parameter(torch.zeros(features))

    def forward(self, x: Tensor) -> Tensor:
        """x (n, c) to (n, features), with the leading slice weight[:, :c]."""
        return F.linear(x, self.weight[:, : x.shape[1]], self.bias)


class PReLU(nn.Module):
    """max(0, x) + slope * min(0, x), with one learned slope; the weight has shape (1,)."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((1,), 0.25))

    def forward(self, x: Tensor) -> Tensor:
        """x of any shape; the result has its dtype."""
        return F.prelu(x, self.weight.to(x.dtype))


def activation(name: Activation) -> nn.Module:
    """The activation called `name`."""
    match name:
        case "relu":
            return nn.ReLU(inplace=True)
        case "prelu":
            return PReLU()
        case "swish":
            return nn.SiLU(inplace=True)
        case "mish":
            return nn.Mish(inplace=True)
        case "selu":
            return nn.SELU(inplace=True)
