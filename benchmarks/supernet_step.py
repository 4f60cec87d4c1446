"""What elasticity costs: a path through the supernet against the same network written plainly, side by side.

Run it from the root of the checkout: python -m benchmarks.supernet_step [--threads N]

For each space, random candidates are run as a path of the supernet and as an ordinary torch module of the same widths,
on the same batch, in turns. The table gives the median over turns of the time of both, and of their ratio.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from tests.plain_torch import plain_network
from toolkit.backends.base import SGD
from toolkit.backends.torch.backend import TorchBackend
from toolkit.spaces import SearchSpace, get_space

# (space, image size, batch): the challenges' networks, the mini one, whose steps are mostly overhead, and MobileNets,
# whose sizes are their own.
CASES = (
    ("resnet48", 64, 64),
    ("resnet20", 32, 128),
    ("resnet48-mini", 8, 128),
    ("ofa-mini", 32, 64),
    ("ofa-mbv3", 224, 8),
    ("bn-nas", 64, 16),
)
SETTINGS = SGD(weight_decay=5e-4, decay_norm=True, decay_bias=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=None, help="CPU threads; default: torch's choice")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--candidates", type=int, default=5)
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument("--space", action="append", help="only this one; may be said again")
    options = parser.parse_args()
    backend = TorchBackend(options.device, "fp32", options.threads)
    title = f"milliseconds, {torch.get_num_threads()} threads, {backend.device}, fp32; ratio = supernet / plain"
    table = Table("space", "pixels", "batch", "step", "supernet", "plain", "ratio", title=title)
    for name, size, batch in CASES:
        if options.space and name not in options.space:
            continue
        space = get_space(name)
        space = space.for_images(space.channels, size, space.classes)
        for kind in ("forward", "training"):
            ratios, elastic, plain = compare(backend, space, batch, kind, options.candidates, options.turns)
            table.add_row(
                name, str(size), str(batch), kind, f"{1e3 * elastic:.2f}", f"{1e3 * plain:.2f}", f"{ratios:.3f}"
            )
    Console().print(table)


def compare(
    backend: TorchBackend, space: SearchSpace, batch: int, kind: str, candidates: int, turns: int
) -> tuple[float, float, float]:
    """Median ratio and median seconds (supernet, plain) over candidates and turns."""
    rng = np.random.default_rng(0)
    network = backend.network(space, space.widest, 0)
    optimizer = backend.optimizer(network, SETTINGS)
    images = rng.integers(0, 256, (batch, space.channels, space.size, space.size), dtype=np.uint8)
    x = backend.normalise(backend.place(images), (0.5,) * space.channels, (0.25,) * space.channels)
    labels = backend.place(rng.integers(0, space.classes, batch))
    ratios, elastic, plain = [], [], []
    for _ in range(candidates):
        arch = space.sample(rng)
        module = plain_network(network.space.supernet_plans(arch)).to(backend.device, memory_format=torch.channels_last)
        sgd = torch.optim.SGD(module.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4)

        def supernet_forward() -> None:
            with torch.inference_mode():
                network.run(network.space.supernet_plans(arch), x, network.stored_norm())  # noqa: B023

        def plain_forward() -> None:
            with torch.inference_mode():
                module.eval()(x)  # noqa: B023

        def supernet_step() -> None:
            network.ops.backward(network.ops.cross_entropy(network.run(network.space.supernet_plans(arch), x), labels))  # noqa: B023
            optimizer.step(0.01)

        def plain_step() -> None:
            torch.nn.functional.cross_entropy(module.train()(x), labels).backward()  # noqa: B023
            sgd.step()  # noqa: B023
            sgd.zero_grad(set_to_none=True)  # noqa: B023

        pair = (supernet_forward, plain_forward) if kind == "forward" else (supernet_step, plain_step)
        for turn in range(turns + 2):
            first, second = (timed(work, backend) for work in pair)
            if turn >= 2:  # the first two warm up
                elastic.append(first)
                plain.append(second)
                ratios.append(first / second)
    return statistics.median(ratios), statistics.median(elastic), statistics.median(plain)


def timed(work: Callable[[], None], backend: TorchBackend) -> float:
    backend.synchronise()
    start = time.perf_counter()
    work()
    backend.synchronise()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
