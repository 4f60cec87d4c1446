"""Whether this build of PyTorch computes all our convolutions rightly, and writes nowhere beyond its memory.

Every (kernel, stride, channels 1 to 16, depthwise or not, layout, dtype, which gradients) runs in a process of its own
beside a reference in 64 bits, through the toolkit's own convolution or, with `--raw`, through plain `conv2d`. A process
that dies is asked case by case. `ONEDNN_MAX_CPU_ISA` chooses the kernels: run it with AVX512_CORE, AVX2, AVX and SSE41.
"""

import argparse
import itertools
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

CHECKED_HEAP = "libc_malloc_debug.so.0"
"""glibc's checks of the heap: with it a write beyond a block ends the process when the block is freed."""


@dataclass(frozen=True, slots=True)
class Case:
    """One convolution of 8 images of several sizes, and which gradients it is asked for."""

    kernel: int
    stride: int
    in_channels: int
    channels: int
    depthwise: bool
    layout: str
    dtype: str
    gradients: str

    def __str__(self) -> str:
        kind = "depthwise " if self.depthwise else ""
        return (
            f"{kind}{self.kernel}x{self.kernel} stride {self.stride}, {self.in_channels} to {self.channels} channels, "
            f"{self.layout}, {self.dtype}, gradients of {self.gradients}"
        )


def cases(most: int) -> Iterator[Case]:
    """All of them, those of one kernel together."""
    kinds = itertools.product(
        (1, 3, 5, 7), (1, 2), ("channels_last", "contiguous"), ("fp32", "bf16"), ("all", "weight", "nothing")
    )
    for kernel, stride, layout, dtype, gradients in kinds:
        for channels in range(1, most + 1):
            if kernel > 1:
                yield Case(kernel, stride, channels, channels, True, layout, dtype, gradients)
            for out in range(1, most + 1):
                yield Case(kernel, stride, channels, out, False, layout, dtype, gradients)


def run(chosen: Sequence[Case], raw: bool) -> None:
    """Compute cases in this process, and print those whose numbers are wrong."""
    import torch
    import torch.nn.functional as F  # noqa: N812

    from toolkit.backends.torch.convolution import convolve

    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(0)
    for case in chosen:
        shape = case.channels, 1 if case.depthwise else case.in_channels, case.kernel, case.kernel
        groups = case.channels if case.depthwise else 1
        for size in (1, 2, 9) if case.kernel > 1 else (1, 9, 32):
            weight = torch.randn(shape, generator=generator)
            images = torch.randn((8, case.in_channels, size, size), generator=generator)
            results = []
            for dtype in (torch.bfloat16 if case.dtype == "bf16" else torch.float32, torch.float64):
                form = torch.channels_last if case.layout == "channels_last" else torch.contiguous_format
                w, x = (t.to(dtype, memory_format=form, copy=True) for t in (weight, images))
                w.requires_grad_(case.gradients != "nothing")
                x.requires_grad_(case.gradients == "all")
                if raw or dtype == torch.float64:
                    y = F.conv2d(x, w, stride=case.stride, padding=case.kernel // 2, groups=groups)
                else:
                    y = convolve(x, w, None, case.stride, groups)
                if y.requires_grad:
                    litter(weight)
                    y.backward(torch.ones_like(y) / y[0].numel())
                results.append([t.double() for t in (y.detach(), w.grad, x.grad) if t is not None])
            for what, got, wanted in zip(("output", "weight gradient", "input gradient"), *results, strict=False):
                limit = (0.05 if case.dtype == "bf16" else 1e-4) * float(wanted.abs().max() + 1)
                if not float((got - wanted).abs().max()) <= limit:
                    print(f"wrong {what}: {case}, {size} x {size}", flush=True)


def litter(like: "Tensor") -> None:
    """Leave NaN in freed memory of this size, so that what is never written shows."""
    import torch

    left = [torch.full((like.numel(),), float("nan"), dtype=dtype) for dtype in 8 * (torch.float32, torch.bfloat16)]
    left.clear()


def ask(chosen: Sequence[Case], raw: bool) -> Iterator[str]:
    """Faults of cases, each found in a process of its own; where one dies, halves of its cases are asked again."""
    code = (
        f"from benchmarks.convolutions import Case, run; run([Case(*c) for c in {[astuple(c) for c in chosen]}], {raw})"
    )
    environment = os.environ | {"MALLOC_CHECK_": "3", "MALLOC_PERTURB_": "85", "LD_PRELOAD": CHECKED_HEAP}
    try:
        done = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            timeout=300,
            env=environment,
            cwd=Path(__file__).parent.parent,
        )
        died = f"dies (exit {done.returncode}) {done.stderr.strip().splitlines()[-1:]}" if done.returncode else ""
        yield from done.stdout.splitlines()
    except subprocess.TimeoutExpired:
        died = "hangs"
    if died and len(chosen) == 1:
        yield f"{died}: {chosen[0]}"
    elif died:
        half = len(chosen) // 2
        yield from ask(chosen[:half], raw)
        yield from ask(chosen[half:], raw)


def main() -> None:
    """Sweep, and print every fault."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--raw", action="store_true", help="plain conv2d instead of the toolkit's")
    parser.add_argument("--channels", type=int, default=16, help="the most channels")
    parser.add_argument("--only", default="", help="cases whose description holds this, such as 'stride 2'")
    options = parser.parse_args()
    chosen = [case for case in cases(options.channels) if options.only in str(case)]
    faults = []
    for start in range(0, len(chosen), 1088):
        for fault in ask(chosen[start : start + 1088], options.raw):
            faults.append(fault)
            print(fault, flush=True)
    print(f"{len(chosen):,} cases, {len(faults):,} faults, ONEDNN_MAX_CPU_ISA={os.environ.get('ONEDNN_MAX_CPU_ISA')}")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
