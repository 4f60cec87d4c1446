"""What a score of an untrained network costs: milliseconds a candidate, and how many training steps that is.

Run it from the root of the checkout: python -m benchmarks.priors [--spaces resnet20,...] [--candidates N] [--turns N]

For each space, random candidates are scored with every prior's own options (but one repetition, of which the Zen-score
takes 32), and trained for one step of 64 images alone, in turns. The table gives medians over candidates and turns.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from toolkit.backends import get_backend
from toolkit.backends.base import SGD, Backend
from toolkit.priors import PRIORS, Prior
from toolkit.priors.images import Noise
from toolkit.spaces import Arch, SearchSpace, get_space

BATCH = 64
SETTINGS = SGD(weight_decay=5e-4, decay_norm=True, decay_bias=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--spaces", default="resnet20,nasbench201,nasbench-macro,resnet48-mini")
    parser.add_argument("--priors", default="zen,naswot,synflow,snip,grad_norm")
    parser.add_argument("--candidates", type=int, default=5)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--threads", type=int, default=None, help="CPU threads; default: torch's choice")
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    priors = [_one_repetition(name) for name in options.priors.split(",")]
    backends = {
        precision: get_backend("torch", options.device, precision, options.threads)
        for precision in {"fp32", *(prior.precision for prior in priors)}
    }
    title = f"{torch.get_num_threads()} threads, {backends['fp32'].device}; steps of {BATCH} images"
    table = Table("space", "prior", "ms", "training steps", title=title)
    for name in options.spaces.split(","):
        space, rng = get_space(name), np.random.default_rng(0)
        archs = [space.sample(rng) for _ in range(options.candidates)]
        for prior in priors:
            ours, ratios = compare(backends[prior.precision], backends["fp32"], prior, space, archs, options.turns)
            table.add_row(name, prior.name, f"{1e3 * ours:.1f}", f"{ratios:.2f}")
    Console().print(table)


def _one_repetition(name: str) -> Prior:
    return PRIORS[name](PRIORS[name].options_type(repeats=1))


def compare(
    backend: Backend, plain: Backend, prior: Prior, space: SearchSpace, archs: list[Arch], turns: int
) -> tuple[float, float]:
    """Median seconds of a score, and median ratio to a training step of the same candidate."""
    found, ratios = [], []
    for arch in archs:
        plans = space.plans(arch)
        network = plain.network(space, plans, seed=0)
        optimizer = plain.optimizer(network, SETTINGS)
        x, labels = Noise().batch(plain, space, BATCH, np.random.default_rng(0))

        def step() -> None:
            network.ops.backward(network.ops.cross_entropy(network.run(plans, x), labels))  # noqa: B023
            optimizer.step(0.01)  # noqa: B023

        def score() -> None:
            prior.score(backend, space, arch, Noise())  # noqa: B023

        for turn in range(turns + 1):
            both = [timed(work, plain) for work in (score, step)]
            if turn:  # the first warms up
                found.append(both[0])
                ratios.append(both[0] / both[1])
    return statistics.median(found), statistics.median(ratios)


def timed(work: Callable[[], None], backend: Backend) -> float:
    backend.synchronise()
    start = time.perf_counter()
    work()
    backend.synchronise()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
