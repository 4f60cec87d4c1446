"""Where a batch norm takes its statistics from: seven kinds, one small callable each.

A source is handed to every block with the activations, so no layer remembers a mode. All sources normalise with the
leading channels of the layer's scale and shift, except `NoNorm`, which does nothing.
"""

from typing import Protocol

import torch
import torch.distributed as dist
import torch.nn.functional as F  # noqa: N812
from torch import Tensor
from torch.distributed.nn.functional import all_reduce  # the one that gradients flow through
from typing_extensions import override

from toolkit.backends.base import MOMENTUM
from toolkit.backends.torch.layers import BatchNorm


class Norm(Protocol):
    """Normalises activations x (n, c, h, w) with the leading c channels of a layer."""

    def __call__(self, layer: BatchNorm, x: Tensor) -> Tensor:
        """The normalised, scaled and shifted activations."""


class Training(Norm):
    """Statistics of the batch, which also move the running statistics of the layer."""

    @override
    def __call__(self, layer: BatchNorm, x: Tensor) -> Tensor:
        mean, variance, scale, shift = layer.leading(x.shape[1])
        return F.batch_norm(x, mean, variance, scale, shift, True, MOMENTUM, layer.eps)


class SynchronisedTraining(Norm):
    """`Training` over the batches of all processes together, so that they compute what one process would."""

    @override
    def __call__(self, layer: BatchNorm, x: Tensor) -> Tensor:
        mean, variance, scale, shift = layer.leading(x.shape[1])
        count = x.numel() // x.shape[1] * dist.get_world_size()
        # Two all-reduces rather than one of the moments: E[x^2] - E[x]^2 would lose digits.
        centre = _sum_over_processes(x.float().sum((0, 2, 3))) / count
        centred = x - centre[:, None, None]
        spread = _sum_over_processes(centred.float().square().sum((0, 2, 3))) / count
        with torch.no_grad():
            mean.lerp_(centre, MOMENTUM)
            variance.lerp_(spread * (count / (count - 1)), MOMENTUM)
        factor = scale * (spread + layer.eps).rsqrt()
        y: Tensor = centred * factor[:, None, None] + shift[:, None, None]
        return y.to(x.dtype)


def _sum_over_processes(tensor: Tensor) -> Tensor:
    return all_reduce(tensor)  # type: ignore[no-untyped-call, no-any-return]


class Stored(Norm):
    """The running statistics as they were trained."""

    @override
    def __call__(self, layer: BatchNorm, x: Tensor) -> Tensor:
        mean, variance, scale, shift = layer.leading(x.shape[1])
        return F.batch_norm(x, mean, variance, scale, shift, False, 0.0, layer.eps)


class Batch(Norm):
    """Statistics of the batch; nothing is remembered."""

    @override
    def __call__(self, layer: BatchNorm, x: Tensor) -> Tensor:
        _, _, scale, shift = layer.leading(x.shape[1])
        return F.batch_norm(x, None, None, scale, shift, True, 0.0, layer.eps)


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
        # The statistics of a training pass: its kernel is several times faster than var_mean on a CPU.
        seen = x[: self._images]
        _, mean, spread = torch.native_batch_norm(seen, scale, shift, None, None, True, 0.0, layer.eps)
        variance = spread.pow(-2) - layer.eps
        self.statistics.append((mean, variance, seen.numel() // seen.shape[1]))
        return F.batch_norm(x, mean, variance, scale, shift, False, 0.0, layer.eps)


class Calibrated(Norm):
    """Statistics remembered by a `Calibrating` that ran the same plans; good for one more run of them."""

    def __init__(self, calibrating: Calibrating) -> None:
        self._statistics = iter(calibrating.statistics)

    @override
    def __call__(self, layer: BatchNorm, x: Tensor) -> Tensor:
        mean, variance, _ = next(self._statistics)
        _, _, scale, shift = layer.leading(x.shape[1])
        return F.batch_norm(x, mean, variance, scale, shift, False, 0.0, layer.eps)


class NoNorm(Norm):
    """No normalisation at all."""

    @override
    def __call__(self, layer: BatchNorm, x: Tensor) -> Tensor:
        """x itself."""
        return x
