"""What elasticity costs: a path through the supernet against the same network written plainly; mixtures against paths.

Run it from the root of the checkout: python -m benchmarks.supernet_step [--threads N] [--cpu]

For each space, random candidates are run as a path of the supernet and as an ordinary torch module of the same widths,
on the same batch, in turns. The first table gives the median over turns of the time of both, and of their ratio. The
second has whole steps of methods whose supernet is a mixture, held-out images and all, beside one of SPOS, in turns.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from tests.plain_torch import plain_network
from toolkit.backends.base import SGD, Optimizer
from toolkit.backends.torch.backend import TorchBackend
from toolkit.methods import METHODS, Batch, Method
from toolkit.methods.lab import Lab
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
# (space, image size, batch) by edges and by position, and the methods, the first of which the others are compared with.
MIXED = (("nasbench201", 32, 32), ("nasbench-macro", 32, 32))
STEPS: dict[str, tuple[str, dict[str, str]]] = {
    "spos": ("spos", {}),
    "darts": ("darts", {}),
    "darts, second order": ("darts", {"order": "second"}),
    "sparsenas": ("sparsenas", {}),
}
SETTINGS = SGD(weight_decay=5e-4, decay_norm=True, decay_bias=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=None, help="CPU threads; default: torch's choice")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--candidates", type=int, default=5)
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument("--space", action="append", help="only this one; may be said again")
    parser.add_argument("--cpu", action="store_true", help="processor time, not the clock's: for a busy machine")
    options = parser.parse_args()
    backend = TorchBackend(options.device, "fp32", options.threads)
    clock = time.process_time if options.cpu else time.perf_counter
    unit = "milliseconds of processor time" if options.cpu else "milliseconds"
    title = f"{unit}, {torch.get_num_threads()} threads, {backend.device}, fp32; ratio = "
    table = Table("space", "pixels", "batch", "step", "supernet", "plain", "ratio", title=f"{title}supernet / plain")
    for name, size, batch in CASES:
        if options.space and name not in options.space:
            continue
        space = get_space(name)
        space = space.for_images(space.channels, size, space.classes)
        for kind in ("forward", "training"):
            ratios, elastic, plain = compare(backend, space, batch, kind, options.candidates, options.turns, clock)
            table.add_row(
                name, str(size), str(batch), kind, f"{1e3 * elastic:.2f}", f"{1e3 * plain:.2f}", f"{ratios:.3f}"
            )
    if table.row_count:
        Console().print(table)
    first, *_ = STEPS
    table = Table("space", "pixels", "batch", "method", "step", "ratio", title=f"{title}method / {first}")
    for name, size, batch in MIXED:
        if options.space and name not in options.space:
            continue
        space = get_space(name)
        found = steps(backend, space.for_images(space.channels, size, space.classes), batch, options.turns, clock)
        for method, seconds in found.items():
            ratio = statistics.median(own / other for own, other in zip(seconds, found[first], strict=True))
            milliseconds = f"{1e3 * statistics.median(seconds):.0f}"
            table.add_row(name, str(size), str(batch), method, milliseconds, f"{ratio:.2f}")
    if table.row_count:
        Console().print(table)


def steps(
    backend: TorchBackend, space: SearchSpace, batch: int, turns: int, clock: Callable[[], float]
) -> dict[str, list[float]]:
    """By method: seconds of a step and of the supernet's update, by turn; each has a supernet of its own."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (2 * batch, space.channels, space.size, space.size), dtype=np.uint8)
    x = backend.normalise(backend.place(images), (0.5,) * space.channels, (0.25,) * space.channels)
    labels = backend.place(rng.integers(0, space.classes, 2 * batch))
    works: dict[str, Callable[[], None]] = {}
    for title, (name, options) in STEPS.items():
        network = backend.network(space, space.widest, 0)
        method = METHODS[name](space, METHODS[name].options_type(name=name, **options))
        method.begin(Lab(backend, network, 0))
        held_out = x[batch:], labels[batch:]
        given = Batch(network, x[:batch], labels[:batch], rng, progress=0.5, lr=0.01, held_out=held_out)
        works[title] = partial(stepped, method, given, backend.optimizer(network, SETTINGS))
    found: dict[str, list[float]] = {title: [] for title in works}
    for turn in range(turns + 1):
        for title, work in works.items():
            seconds = timed(work, backend, clock)
            if turn:  # the first one warms up
                found[title].append(seconds)
    return found


def stepped(method: Method, batch: Batch, optimizer: Optimizer) -> None:
    """One step of a training."""
    method.step(batch)
    optimizer.step(batch.lr)


def compare(
    backend: TorchBackend,
    space: SearchSpace,
    batch: int,
    kind: str,
    candidates: int,
    turns: int,
    clock: Callable[[], float],
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
            first, second = (timed(work, backend, clock) for work in pair)
            if turn >= 2:  # the first two warm up
                elastic.append(first)
                plain.append(second)
                ratios.append(first / second)
    return statistics.median(ratios), statistics.median(elastic), statistics.median(plain)


def timed(work: Callable[[], None], backend: TorchBackend, clock: Callable[[], float]) -> float:
    backend.synchronise()
    start = clock()
    work()
    backend.synchronise()
    return clock() - start


if __name__ == "__main__":
    main()
