"""Elastic layers: a narrower layer is a window of the widest one (`toolkit.spaces.windows`)."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, cast

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from toolkit.spaces.primitives import matrix_name
from toolkit.spaces.windows import Window, window


class _Window(torch.autograd.Function):
    """weight[window], with a gradient laid out as the weight is.

    Plain slicing fills two zero tensors per step, and lays them out otherwise, so that autograd copies them once more.
    """

    @staticmethod
    def forward(ctx: Any, weight: Tensor, part: Window) -> Tensor:
        ctx.weight, ctx.part = weight, part
        return weight[part]

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        whole = torch.zeros_like(ctx.weight)
        whole[ctx.part] = gradient
        return whole, None


class Layer(nn.Module):
    """A layer that holds tensors.

    Beside it, `groups` are layers for groups of widths, by the widest width of each; `hyper` is the head of a HyperNet.
    """


class Held(Layer):
    """Just tensors, zero at first, by name: the parts of a HyperNet."""

    def __init__(self, shapes: Mapping[str, Sequence[int]]) -> None:
        super().__init__()
        for name, shape in shapes.items():
            setattr(self, name, nn.Parameter(torch.zeros(shape)))

    def __getitem__(self, name: str) -> Tensor:
        return cast(Tensor, getattr(self, name))


class Conv(Layer):
    """A square convolution padded by half its kernel; the weight has shape (channels, in_channels / groups, k, k).

    `kernels`, the largest first: matrices make smaller kernels of the weight (`primitives.DepthwiseConv`).
    """

    bias: nn.Parameter | None

    def __init__(
        self,
        in_channels: int,
        channels: int,
        kernel: int,
        stride: int,
        *,
        bias: bool = False,
        kernels: Sequence[int] = (),
    ) -> None:
        super().__init__()
        for before, after in pairwise(kernels):
            self.register_parameter(matrix_name(before, after), nn.Parameter(torch.eye(after**2)))
        self.weight = nn.Parameter(torch.empty(channels, in_channels, kernel, kernel))
        self.register_parameter("bias", nn.Parameter(torch.zeros(channels)) if bias else None)
        self.stride = stride

    def window(self, shape: Sequence[int]) -> Window | None:
        """The part of the weight that has this shape; None if that is all of it, as slicing costs a copy."""
        held = tuple(self.weight.shape)
        return None if held == tuple(shape) else window(held, shape)

    def filters(self, part: Window | None) -> Tensor:
        """The weight, or a part of it."""
        weight: Tensor = self.weight
        return weight if part is None else _Window.apply(weight, part)  # type: ignore[no-untyped-call]

    def made(self, part: Window | None, matrices: Sequence[tuple[int, int]]) -> Tensor:
        """The filters that some of the matrices, in turn, make of a part of the weight.

        In double precision, and rounded once, so that wherever it is done the same filters come out.
        """
        filters = self.filters(part).double()
        for before, after in matrices:
            whole, edge = filters.shape[2], (filters.shape[2] - after) // 2
            centre = filters[..., edge : whole - edge, edge : whole - edge]
            filters = F.linear(centre.flatten(1), getattr(self, matrix_name(before, after)).double())
            filters = filters.reshape(centre.shape)
        return filters.to(self.weight.dtype)


class BatchNorm(Layer):
    """Scale, shift and running statistics; which statistics normalise is the caller's choice (`norms.py`)."""

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int, eps: float) -> None:
        super().__init__()
        self.eps = eps
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


class Plain:
    """What stands in for a batch norm that holds nothing, of activations x: statistics 0 and 1, scale 1, shift 0."""

    def __init__(self, x: Tensor, eps: float) -> None:
        self.eps = eps
        self._like = x

    def leading(self, channels: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """As of a `BatchNorm`; nobody sees what becomes of the statistics."""
        dtype = torch.promote_types(self._like.dtype, torch.float32)
        zeros, ones = (torch.full((channels,), n, dtype=dtype, device=self._like.device) for n in (0.0, 1.0))
        return zeros, ones.clone(), ones, zeros.clone()


class Linear(Layer):
    """A fully connected layer with bias, elastic in its inputs; the weight has shape (features, in_features)."""

    def __init__(self, in_features: int, features: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(features, in_features))
        self.bias = nn.Parameter(torch.zeros(features))

    def forward(self, x: Tensor) -> Tensor:
        """x (n, c) to (n, features), with the leading slice weight[:, :c]."""
        return F.linear(x, self.weight[:, : x.shape[1]], self.bias)


class PReLU(Layer):
    """max(0, x) + slope * min(0, x), with one learned slope; the weight has shape (1,)."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((1,), 0.25))

    def forward(self, x: Tensor) -> Tensor:
        """x of any shape; the result has its dtype."""
        return F.prelu(x, self.weight.to(x.dtype))
