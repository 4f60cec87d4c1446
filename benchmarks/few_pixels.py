"""Convolutions of images of one or two pixels a side: as one matrix product, and as `conv2d`, side by side.

Run it from the root of the checkout: python -m benchmarks.few_pixels [--help]

CPU milliseconds on one thread, the best of several turns, of 3x3 convolutions forward, and forward and backward.
"""

import argparse
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F  # noqa: N812
from rich.console import Console
from rich.table import Table
from torch import Tensor

from toolkit.backends.torch.convolution import convolve


def main() -> None:
    parser = argparse.ArgumentParser(formatter_class=argparse.RawDescriptionHelpFormatter, description=__doc__)
    parser.add_argument("--batches", type=int, nargs="+", default=[64, 528])
    parser.add_argument("--channels", type=int, nargs="+", default=[15, 32, 64])
    parser.add_argument("--turns", type=int, default=20)
    options = parser.parse_args()
    torch.set_num_threads(1)
    table = Table(
        "images", "channels", "pixels", "stride", "forward", "and backward", "ratios", title="matrix / conv2d, ms"
    )
    for batch in options.batches:
        for channels in options.channels:
            for size, stride in ((1, 1), (2, 1), (2, 2)):
                ours, theirs = (
                    times(ways, batch, channels, size, stride, options.turns) for ways in (convolve, conv2d)
                )
                pairs = list(zip(ours, theirs, strict=True))
                shown = [f"{a:.3f} / {b:.3f}" for a, b in pairs]
                ratios = ", ".join(f"{b / a:.1f}" for a, b in pairs)
                table.add_row(f"{batch}", f"{channels}", f"{size}x{size}", f"{stride}", *shown, ratios)
    Console().print(table)


def conv2d(x: Tensor, weight: Tensor, bias: None, stride: int) -> Tensor:
    return F.conv2d(x, weight, bias, stride, weight.shape[2] // 2)


def times(
    way: Callable[..., Tensor], batch: int, channels: int, size: int, stride: int, turns: int
) -> tuple[float, float]:
    """CPU milliseconds of a forward pass without gradients, and of one with both gradients."""
    x, weight = (
        torch.randn(*shape).to(memory_format=torch.channels_last).requires_grad_()
        for shape in ((batch, channels, size, size), (channels, channels, 3, 3))
    )
    gradient = torch.randn_like(way(x, weight, None, stride))

    def forward() -> None:
        with torch.no_grad():
            way(x, weight, None, stride)

    def both() -> None:
        torch.autograd.grad(way(x, weight, None, stride), (x, weight), gradient)

    return best(forward, turns), best(both, turns)


def best(call: Callable[[], None], turns: int) -> float:
    """The least CPU milliseconds that a call took."""
    found = []
    for _ in range(turns + 3):
        start = time.process_time()
        call()
        found.append(time.process_time() - start)
    return 1e3 * min(found[3:])


if __name__ == "__main__":
    main()
