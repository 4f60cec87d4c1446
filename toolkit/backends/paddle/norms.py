"""Where a batch norm takes its statistics from: seven kinds, one small callable each.

A source is handed to every block with the activations, so no layer remembers a mode. All sources normalise with the
leading channels of the layer's scale and shift, except `NoNorm`, which does nothing.
"""

from typing import Any, Protocol

import paddle
import paddle.distributed as dist
import paddle.nn.functional as F  # noqa: N812
from paddle import Tensor
from paddle.autograd import PyLayer
from typing_extensions import override

from toolkit.backends.base import MOMENTUM
from toolkit.backends.paddle.layers import BatchNorm


class Norm(Protocol):
    """Normalises activations x (n, c, h, w) with the leading c channels of a layer."""

    def __call__(self, layer: BatchNorm, x: Tensor) -> Tensor:
        """The normalised, scaled and shifted activations."""


class Training(Norm):
    """Statistics of the batch, which also move the running statistics of the layer."""

    @override
    def __call__(self, layer: BatchNorm, x: Tensor) -> Tensor:
        mean, variance, _, _ = layer.leading(x.shape[1])
        y, batch_mean, batch_variance = _by_batch(layer, x)
        _move(mean, variance, batch_mean, batch_variance, x.size // x.shape[1])
        return y


class SynchronisedTraining(Norm):
    """`Training` over the batches of all processes together, so that they compute what one process would."""

    @override
    def __call__(self, layer: BatchNorm, x: Tensor) -> Tensor:
        mean, variance, scale, shift = layer.leading(x.shape[1])
        count = x.size // x.shape[1] * dist.get_world_size()
        # Two all-reduces rather than one of the moments: E[x^2] - E[x]^2 would lose digits.
        centre = _sum_over_processes(x.astype(scale.dtype).sum([0, 2, 3])) / count
        centred = x - centre.reshape([-1, 1, 1])
        spread = _sum_over_processes(centred.astype(scale.dtype).square().sum([0, 2, 3])) / count
        _move(mean, variance, centre, spread, count)
        factor = scale * paddle.rsqrt(spread + layer.eps)
        y: Tensor = centred * factor.reshape([-1, 1, 1]) + shift.reshape([-1, 1, 1])
        return y.astype(x.dtype)


def _sum_over_processes(tensor: Tensor) -> Tensor:
    return _AllReduce.apply(tensor)  # type: ignore[no-untyped-call, no-any-return]


class _AllReduce(PyLayer):
    """A sum over processes that gradients flow through: they too are summed."""

    @staticmethod
    def forward(ctx: Any, tensor: Tensor) -> Tensor:  # noqa: ARG004
        total = tensor.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:  # noqa: ARG004
        total = gradient.clone()
        dist.all_reduce(total)
        return total


class Stored(Norm):
    """The running statistics as they were trained."""

    @override
    def __call__(self, layer: BatchNorm, x: Tensor) -> Tensor:
        mean, variance, scale, shift = layer.leading(x.shape[1])
        return F.batch_norm(x, mean, variance, scale, shift, epsilon=layer.eps)


class Batch(Norm):
    """Statistics of the batch; nothing is remembered."""

    @override
    def __call__(self, layer: BatchNorm, x: Tensor) -> Tensor:
        y, _, _ = _by_batch(layer, x)
        return y


class Calibrating(Norm):
    """Mean, variance and count over the first `images` of the batch, remembered in the order of the layers' turns.

    With calibration images in front of the images to test, one pass calibrates and tests.
    """

    def __init__(self, images: int) -> None:
        self.statistics: list[tuple[Tensor, Tensor, int]] = []
        self._images = images

    @override
    def __call__(self, layer: BatchNorm, x: Tensor) -> Tensor:
        _, _, scale, shift = layer.leading(x.shape[1])
        # The statistics of a training pass: its kernel is many times faster than reductions by hand on a CPU.
        seen = x[: self._images]
        _, mean, variance = _by_batch(layer, seen)
        self.statistics.append((mean, variance, seen.size // seen.shape[1]))
        return F.batch_norm(x, mean, variance, scale, shift, epsilon=layer.eps)


class Calibrated(Norm):
    """Statistics remembered by a `Calibrating` that ran the same plans; good for one more run of them."""

    def __init__(self, calibrating: Calibrating) -> None:
        self._statistics = iter(calibrating.statistics)

    @override
    def __call__(self, layer: BatchNorm, x: Tensor) -> Tensor:
        mean, variance, _ = next(self._statistics)
        _, _, scale, shift = layer.leading(x.shape[1])
        return F.batch_norm(x, mean, variance, scale, shift, epsilon=layer.eps)


class NoNorm(Norm):
    """No normalisation at all."""

    @override
    def __call__(self, layer: BatchNorm, x: Tensor) -> Tensor:
        """x itself."""
        return x


def _by_batch(layer: BatchNorm, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """x normalised by its own statistics; its mean and (biased) variance per channel.

    Paddle hands out statistics by moving given ones: with momentum 0, all the way.
    """
    _, _, scale, shift = layer.leading(x.shape[1])
    mean, variance = paddle.zeros_like(scale), paddle.zeros_like(scale)
    y = F.batch_norm(x, mean, variance, scale, shift, training=True, momentum=0.0, epsilon=layer.eps)
    return y, mean, variance


def _move(mean: Tensor, variance: Tensor, batch_mean: Tensor, batch_variance: Tensor, count: int) -> None:
    """Move running statistics, in place, towards a batch of `count` values per channel, unbiased as in PyTorch."""
    with paddle.no_grad():
        mean.lerp_(batch_mean, MOMENTUM)
        variance.lerp_(batch_variance * (count / (count - 1)), MOMENTUM)
