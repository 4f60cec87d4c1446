"""How far an evaluation scales: the very dealing out of tasks that runs on a cluster, on simulated workers.

Run it from the root of the checkout: python -m benchmarks.scaling [--help]

Groups are cut as `supernet evaluate` cuts them for so many workers; their MACs are exact. A group takes its MACs for
all images at `--rate`, and `--overhead` for each block that runs on a chunk; `--spread` makes workers differ. The
driver deals out groups with the code of `toolkit/executors/base.py` and is busy for `--commit` whenever it
writes results. What was measured goes in as options: the rate by `benchmarks.evaluation` or `supernet plan` on the
machine in question, the commit by `benchmarks.ledger`. Time is simulated, nothing is evaluated.
"""

import argparse
import heapq
import random
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.workload import CANDIDATES
from toolkit.candidates import draw_candidates, read_candidates
from toolkit.evaluation.evaluate import group_candidates
from toolkit.evaluation.prefixes import Work, alone, by_convolution, prefix_tree
from toolkit.executors.base import deal
from toolkit.spaces import get_space

Group = tuple[int, Work]
"""How many candidates, and their work for one image."""


class Cluster:
    """A crew whose workers only let simulated time pass."""

    def __init__(self, size: int, options: argparse.Namespace) -> None:
        self.size, self.now, self.busy = size, 0.0, 0.0
        self._options, self._dice = options, random.Random(0)
        self._running: list[tuple[float, int, int]] = []
        self._ready = [self._dice.uniform(0.5, 1.5) * options.start for _ in range(size)]
        self._speeds = [self._dice.gauss(1, options.spread) for _ in range(size)]

    def give(self, worker: int, task: Group) -> None:
        seconds = group_seconds(task, self._options) / self._speeds[worker]
        begin = max(self.now, self._ready[worker]) + self._options.latency
        self.busy += seconds
        heapq.heappush(self._running, (begin + seconds, worker, task[0]))

    def collect(self) -> list[tuple[int, int]]:
        finish, worker, candidates = heapq.heappop(self._running)
        self.now = max(self.now, finish)
        found = [(worker, candidates)]
        while self._running and self._running[0][0] <= self.now:
            _, worker, candidates = heapq.heappop(self._running)
            found.append((worker, candidates))
        return found

    def close(self) -> None:
        """Nothing to do."""


def group_seconds(group: Group, options: argparse.Namespace) -> float:
    """What a group takes on a worker of average speed."""
    _, work = group
    images = options.images + options.calibration
    chunks = -(-images // options.chunk)
    return images * work.macs / (options.rate * 1e9) + chunks * work.blocks * options.overhead * 1e-6


def simulate(groups: list[Group], workers: int, options: argparse.Namespace) -> tuple[float, float]:
    """Seconds until all is done, and the share of these in which the workers compute."""
    cluster = Cluster(workers, options)
    for _ in deal(cluster, groups):
        cluster.now += options.commit / 1e3
    return cluster.now, cluster.busy / (workers * cluster.now)


def main() -> None:
    parser = argparse.ArgumentParser(formatter_class=argparse.RawDescriptionHelpFormatter, description=__doc__)
    parser.add_argument("--space", default="resnet48")
    parser.add_argument("--candidates", type=Path, help="a candidates file; default: 45,000 are drawn")
    parser.add_argument("--count", type=int, default=CANDIDATES)
    parser.add_argument("--images", type=int, default=50_000, help="images to test on")
    parser.add_argument("--calibration", type=int, default=128)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 8, 64, 512, 4096])
    parser.add_argument("--rate", type=float, default=50_000, help="GMAC/s of a worker")
    parser.add_argument("--chunk", type=int, default=512, help="images that pass together")
    parser.add_argument("--overhead", type=float, default=300, help="microseconds for a block and a chunk")
    parser.add_argument("--commit", type=float, default=10, help="milliseconds of the driver for each commit")
    parser.add_argument("--latency", type=float, default=5, help="milliseconds to hand over a group")
    parser.add_argument("--start", type=float, default=60, help="seconds until a worker is ready")
    parser.add_argument("--spread", type=float, default=0.05, help="standard deviation of the workers' speeds")
    options = parser.parse_args()
    options.latency /= 1e3
    space = get_space(options.space)
    candidates = (
        draw_candidates(space, options.count, 0)
        if options.candidates is None
        else read_candidates(options.candidates, space)
    )
    codes = list(dict.fromkeys(candidates.values()))
    networks = {code: (code, space.supernet_plans(space.parse(code))) for code in codes}
    needed = alone(list(networks.values())).macs
    table = Table(
        "workers", "groups", "shared", "a group", "hours", "worker-hours", "at work", "against one",
        title=f"{len(codes):,} candidates, {options.images:,} + {options.calibration} images, "
        f"{options.rate:,.0f} GMAC/s a worker",
    )  # fmt: skip
    alone_hours = 0.0
    for workers in options.workers:
        groups = [
            (len(group), by_convolution(prefix_tree([networks[code] for code in group])))
            for group in group_candidates(space, codes, workers)
        ]
        seconds, busy = simulate(groups, workers, options)
        longest = max(group_seconds(group, options) for group in groups)
        shared = needed / sum(work.macs for _, work in groups)
        hours = seconds / 3600
        alone_hours = alone_hours or hours * workers
        table.add_row(
            f"{workers:,}",
            f"{len(groups):,}",
            f"{shared:.3f}x",
            f"up to {longest:.0f} s",
            f"{hours:.2f}",
            f"{hours * workers:.1f}",
            f"{100 * busy:.1f}%",
            f"{alone_hours / hours:.0f}x",
        )
    Console().print(table)


if __name__ == "__main__":
    main()
