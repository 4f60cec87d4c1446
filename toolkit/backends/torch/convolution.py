"""A square convolution, in the way that is right and fast on this input."""

from functools import lru_cache

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

UNSAFE = 8
"""Input channels below which oneDNN must not see a strided 1x1 convolution (`benchmarks.convolutions --raw`)."""

FEW = 2
"""Images up to so many pixels a side are convolved by one matrix product.

On a CPU the convolution's own gradients take two to eight times as long there (`benchmarks.few_pixels`)."""


def convolve(x: Tensor, weight: Tensor, bias: Tensor | None, stride: int, groups: int = 1, dilation: int = 1) -> Tensor:
    """A square convolution padded by half its kernel, `dilation` times; only one in groups is dilated.

    x (n, c, h, w), weight (channels, c / groups, k, k) to (n, channels, h / stride, w / stride).
    """
    height, width = x.shape[2:]
    if height == width <= FEW and groups == 1:
        return _few_pixels(x, weight, bias, stride)
    kernel = weight.shape[2]
    if stride > 1 and x.dtype == torch.bfloat16 and x.shape[2:] == (1, 1):
        stride = 1  # the same on a single pixel, where the other's weight gradient is no number (docs/upstream.md)
    if kernel == 1 and stride > 1 and x.shape[1] < UNSAFE:
        # Its weight gradient writes beyond its memory on CPUs without AVX-512 (docs/upstream.md). The same sums:
        x, stride = x[:, :, ::stride, ::stride], 1
    return F.conv2d(x, weight, bias, stride, dilation * (kernel // 2), dilation, groups)


def _few_pixels(x: Tensor, weight: Tensor, bias: Tensor | None, stride: int) -> Tensor:
    """The convolution as one matrix, from all numbers of an image to all numbers of the result."""
    (channels, in_channels, kernel, _), size = weight.shape, x.shape[2]
    if size == 1:
        middle = kernel // 2  # all other taps meet padding
        return F.linear(x.flatten(1), weight[:, :, middle, middle], bias)[:, :, None, None]
    out = (size - 1) // stride + 1
    taps = weight.permute(0, 2, 3, 1).reshape(channels, kernel * kernel, in_channels)
    spread = _where(size, kernel, stride, x.device, taps.dtype) @ taps  # channels, pixel out and pixel in, channels in
    matrix = spread.view(channels, out * out, size * size * in_channels).transpose(0, 1).flatten(0, 1)
    bias = None if bias is None else bias.repeat(out * out)
    y = F.linear(x.permute(0, 2, 3, 1).flatten(1), matrix, bias)
    return y.view(len(x), out, out, channels).permute(0, 3, 1, 2)


@lru_cache(maxsize=64)
@torch.inference_mode(mode=False)  # or what an evaluation left in the cache could not be trained through
def _where(size: int, kernel: int, stride: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    """Which tap of the kernel lies between a pixel of the result and one of the image.

    Returns:
        1 there and 0 elsewhere, shape (out * out * size * size, kernel * kernel).
    """
    starts = torch.arange(0, size, stride)
    along = torch.arange(size) - starts[:, None] + kernel // 2  # out, size: the tap in this direction
    hit = F.one_hot(along.clamp(-1, kernel) + 1, kernel + 2)[..., 1:-1]  # none beyond the kernel's edge
    both = torch.einsum("yvr,xhc->yxvhrc", hit, hit)
    return both.reshape(-1, kernel * kernel).to(device, dtype)
