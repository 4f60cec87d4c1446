"""Whether this build of PyTorch computes what it should, on this processor: milliseconds, before anything is trained.

A wrong kernel may crash, return wrong numbers, or show only much later. `benchmarks/convolutions.py` sweeps all
convolutions of the spaces; this checks a sample of them.
"""

from functools import cache

import torch
from torch import Tensor

from toolkit.backends.torch.convolution import convolve
from toolkit.errors import InputError

_CASES = ((1, 1, 4, 1), (1, 2, 4, 1), (1, 2, 12, 1), (3, 1, 4, 1), (3, 2, 5, 1), (3, 1, 12, 12), (5, 2, 8, 8))
"""(kernel, stride, channels, groups)."""

_TOLERANCE = 1e-4


@cache
def check_arithmetic() -> None:
    """Compare convolutions and their gradients, laid out as in training, with the same in 64 bits, once per process.

    Raises:
        InputError: they differ.
    """
    generator = torch.Generator().manual_seed(0)
    problems = []
    for kernel, stride, channels, groups in _CASES:
        weight = torch.randn((channels, channels // groups, kernel, kernel), generator=generator)
        images = torch.randn((4, channels, 9, 9), generator=generator)
        found, wanted = (_computed(images, weight, stride, groups, dtype) for dtype in (torch.float32, torch.float64))
        if any(not _close(*pair) for pair in zip(found, wanted, strict=True)):
            kind = "depthwise " if groups > 1 else ""
            problems.append(f"a {kind}{kernel}x{kernel} convolution of {channels} channels, stride {stride}")
    if problems:
        raise InputError(
            f"PyTorch {torch.__version__} computes wrongly on this processor: {'; '.join(problems)}. Nothing is "
            "trained with it; install another version, or set ONEDNN_MAX_CPU_ISA=AVX in the environment and try again"
        )


def _computed(images: Tensor, weight: Tensor, stride: int, groups: int, dtype: torch.dtype) -> list[Tensor]:
    """What comes out, and the gradients of input and weight."""
    x, w = (
        tensor.to(dtype).contiguous(memory_format=torch.channels_last).requires_grad_() for tensor in (images, weight)
    )
    y = convolve(x, w, None, stride, groups)
    return [y.detach(), *torch.autograd.grad(y.square().sum(), (x, w))]


def _close(found: Tensor, wanted: Tensor) -> bool:
    return float((found - wanted).abs().max()) <= _TOLERANCE * float(wanted.abs().max() + 1)
