"""Elastic layers: a narrower layer is a window of the widest one (`toolkit.spaces.windows`).

Every tensor has PyTorch's name and layout, so that checkpoints need no translation.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import cast

import numpy as np
import paddle
import paddle.nn.functional as F  # noqa: N812
from paddle import Tensor, nn
from paddle.nn.initializer import Assign, Constant

from toolkit.spaces.primitives import matrix_name
from toolkit.spaces.windows import Window, window


class Layer(nn.Layer):
    """A layer that holds tensors.

    Beside it, `groups` are layers for groups of widths, by the widest width of each; `hyper` is the head of a HyperNet.
    """


class Held(Layer):
    """Just tensors, zero at first, by name: the parts of a HyperNet."""

    def __init__(self, shapes: Mapping[str, Sequence[int]]) -> None:
        super().__init__()
        for name, shape in shapes.items():
            setattr(self, name, self.create_parameter(shape, default_initializer=Constant(0.0)))

    def __getitem__(self, name: str) -> Tensor:
        return cast(Tensor, getattr(self, name))


class Conv(Layer):
    """A square convolution padded by half its kernel; the weight has shape (channels, in_channels / groups, k, k).

    `kernels`, the largest first: matrices make smaller kernels of the weight (`primitives.DepthwiseConv`).
    """

    bias: Tensor | None

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
            eye = Assign(np.eye(after**2, dtype=np.float32))
            matrix = self.create_parameter((after**2, after**2), default_initializer=eye)
            self.add_parameter(matrix_name(before, after), matrix)
        self.weight = self.create_parameter((channels, in_channels, kernel, kernel), default_initializer=Constant(0.0))
        self.bias = self.create_parameter((channels,), default_initializer=Constant(0.0)) if bias else None
        self.stride = stride

    def window(self, shape: Sequence[int]) -> Window | None:
        """The part of the weight that has this shape; None if that is all of it, as slicing costs a copy."""
        held = tuple(self.weight.shape)
        return None if held == tuple(shape) else window(held, shape)

    def filters(self, part: Window | None) -> Tensor:
        """The weight, or a part of it."""
        return self.weight if part is None else self.weight[part]

    def made(self, part: Window | None, matrices: Sequence[tuple[int, int]]) -> Tensor:
        """The filters that some of the matrices, in turn, make of a part of the weight.

        In double precision, and rounded once, so that wherever it is done the same filters come out.
        """
        filters = self.filters(part).astype("float64")
        for before, after in matrices:
            whole, edge = filters.shape[2], (filters.shape[2] - after) // 2
            centre = filters[:, :, edge : whole - edge, edge : whole - edge]
            matrix = getattr(self, matrix_name(before, after)).astype("float64")
            filters = F.linear(centre.flatten(1), matrix.T).reshape(centre.shape)
        return filters.astype(self.weight.dtype)


def convolve(x: Tensor, weight: Tensor, bias: Tensor | None, stride: int, groups: int = 1, dilation: int = 1) -> Tensor:
    """A square convolution padded by half its kernel, `dilation` times.

    x (n, c, h, w), weight (channels, c / groups, k, k) to (n, channels, h / stride, w / stride).
    """
    padding = dilation * (weight.shape[2] // 2)
    return F.conv2d(x, weight, bias, stride=stride, padding=padding, dilation=dilation, groups=groups)


class BatchNorm(Layer):
    """Scale, shift and running statistics; which statistics normalise is the caller's choice (`norms.py`).

    It remembers no mode. A batch norm in the kit of the 2022 challenge does, and keeps that of its first call for life.
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int, eps: float) -> None:
        super().__init__()
        self.eps = eps
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


class Plain:
    """What stands in for a batch norm that holds nothing, of activations x: statistics 0 and 1, scale 1, shift 0."""

    def __init__(self, x: Tensor, eps: float) -> None:
        self.eps = eps
        self._dtype = paddle.float64 if x.dtype == paddle.float64 else paddle.float32

    def leading(self, channels: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """As of a `BatchNorm`; nobody sees what becomes of the statistics."""
        zeros, ones = paddle.zeros([channels], self._dtype), paddle.ones([channels], self._dtype)
        return zeros, ones.clone(), ones, zeros.clone()


class Linear(Layer):
    """A fully connected layer with bias, elastic in its inputs; the weight has shape (features, in_features)."""

    def __init__(self, in_features: int, features: int) -> None:
        super().__init__()
        self.weight = self.create_parameter((features, in_features), default_initializer=Constant(0.0))
        self.bias = self.create_parameter((features,), default_initializer=Constant(0.0))

    def forward(self, x: Tensor) -> Tensor:
        """x (n, c) to (n, features), with the leading slice weight[:, :c]."""
        return F.linear(x, self.weight[:, : x.shape[1]].T, self.bias)


class PReLU(Layer):
    """max(0, x) + slope * min(0, x), with one learned slope; the weight has shape (1,)."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = self.create_parameter((1,), default_initializer=Constant(0.25))

    def forward(self, x: Tensor) -> Tensor:
        """x of any shape; the result has its dtype."""
        return F.prelu(x, self.weight.astype(x.dtype))
