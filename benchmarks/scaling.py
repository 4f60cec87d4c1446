"""How far an evaluation, or trainings alone, scale: the dealing out of tasks of a cluster, on simulated workers.

Run it from the root of the checkout: python -m benchmarks.scaling [--trainings 300] [--help]

Groups are cut as `supernet evaluate` cuts them for so many workers; their MACs are exact. A group takes its MACs for
all images at `--rate`, and `--overhead` for each block that runs on a chunk. With `--trainings` a task is a training of
a candidate drawn from the space, as `supernet standalone` hands it out: three times the MACs of a pass for each image
of each epoch at `--rate` (forward, and backward by activations and by weights), or as long as its images take to
decode, at `--decode`, whatever is longer; then a test. `--spread` makes workers differ. The driver deals out tasks with
the code of `toolkit/executors/base.py` and is busy for `--commit` whenever it writes results. What was measured goes
in as options: the rate by `benchmarks.evaluation`, `benchmarks.gpu` or `supernet plan` on the machine in question, the
commit by `benchmarks.ledger`, decoding by `benchmarks.decoding`. Time is simulated: nothing is evaluated or trained.
"""

import argparse
import heapq
import random
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.workload import CANDIDATES, all_codes
from toolkit.evaluation.budget import show_seconds
from toolkit.evaluation.evaluate import group_candidates
from toolkit.evaluation.prefixes import Work, alone, by_convolution, prefix_tree
from toolkit.executors.base import deal
from toolkit.spaces import get_space

Task = tuple[int, float]
"""How many candidates, and the seconds that they take on a worker of average speed."""


class Cluster:
    """A crew whose workers only let simulated time pass."""

    def __init__(self, size: int, options: argparse.Namespace) -> None:
        self.size, self.now, self.busy = size, 0.0, 0.0
        self._options, self._dice = options, random.Random(0)
        self._running: list[tuple[float, int, int]] = []
        self._ready = [self._dice.uniform(0.5, 1.5) * options.start for _ in range(size)]
        self._speeds = [self._dice.gauss(1, options.spread) for _ in range(size)]

    def give(self, worker: int, task: Task) -> None:
        seconds = task[1] / self._speeds[worker]
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


def group_seconds(work: Work, options: argparse.Namespace) -> float:
    """What a group with so much work for an image takes."""
    images = options.images + options.calibration
    chunks = -(-images // options.chunk)
    return images * work.macs / (options.rate * 1e9) + chunks * work.blocks * options.overhead * 1e-6


def training_seconds(macs: int, options: argparse.Namespace) -> float:
    """What training a network of so many MACs, and testing it, takes."""
    image = max(3 * macs / (options.rate * 1e9), 1 / options.decode if options.decode else 0)
    return options.epochs * options.train_images * image + options.images * macs / (options.rate * 1e9)


def simulate(tasks: list[Task], workers: int, options: argparse.Namespace) -> tuple[float, float]:
    """Seconds until all is done, and the share of these in which the workers compute."""
    cluster = Cluster(workers, options)
    for _ in deal(cluster, tasks):
        cluster.now += options.commit / 1e3
    return cluster.now, cluster.busy / (workers * cluster.now)


def evaluations(options: argparse.Namespace, table: Table) -> None:
    """A row for each number of workers that evaluate candidates."""
    space = get_space(options.space)
    codes = all_codes(space, options.candidates, options.count)
    networks = {code: (code, space.supernet_plans(space.parse(code))) for code in codes}
    needed, one = alone(list(networks.values())).macs, 0.0
    table.title = f"{len(codes):,} candidates, {options.images:,} + {options.calibration} images"
    for workers in options.workers:
        groups = group_candidates(space, codes, workers)
        works = [by_convolution(prefix_tree([networks[code] for code in group])) for group in groups]
        shared = f"{needed / sum(work.macs for work in works):.3f}x"
        tasks = [(len(group), group_seconds(work, options)) for group, work in zip(groups, works, strict=True)]
        one = add_row(options, table, tasks, workers, shared, one)


def trainings(options: argparse.Namespace, table: Table) -> None:
    """A row for each number of workers that train candidates alone."""
    space = get_space(options.space)
    macs = [space.cost(space.parse(code)).macs for code in all_codes(space, options.candidates, options.trainings)]
    tasks, one = [(1, training_seconds(each, options)) for each in macs[: options.trainings]], 0.0
    decoding = f", at most {options.decode:,.0f} images/s decoded" if options.decode else ""
    table.title = f"{len(tasks)} trainings, {options.epochs} epochs of {options.train_images:,} images{decoding}"
    for workers in options.workers:
        one = add_row(options, table, tasks, workers, "", one)


def add_row(
    options: argparse.Namespace, table: Table, tasks: list[Task], workers: int, shared: str, one: float
) -> float:
    """What so many workers take; returns the hours of one worker, from the first row on."""
    seconds, busy = simulate(tasks, workers, options)
    hours = seconds / 3600
    one = one or hours * workers
    table.add_row(
        f"{workers:,}",
        f"{len(tasks):,}",
        shared,
        show_seconds(max(seconds for _, seconds in tasks)),
        f"{hours:.2f}",
        f"{hours * workers:,.1f}",
        f"{100 * busy:.1f}%",
        f"{one / hours:.0f}x",
    )
    return one


def main() -> None:
    parser = argparse.ArgumentParser(formatter_class=argparse.RawDescriptionHelpFormatter, description=__doc__)
    parser.add_argument("--space", default="resnet48")
    parser.add_argument("--candidates", type=Path, help="a candidates file; default: 45,000 are drawn")
    parser.add_argument("--count", type=int, default=CANDIDATES)
    parser.add_argument("--images", type=int, default=50_000, help="images to test on")
    parser.add_argument("--calibration", type=int, default=128)
    parser.add_argument("--trainings", type=int, help="instead of an evaluation, so many trainings alone")
    parser.add_argument("--epochs", type=int, default=70, help="of a training, as in the recipe `resnet48`")
    parser.add_argument("--train-images", type=int, default=1_281_167, help="of an epoch: ImageNet's")
    parser.add_argument("--decode", type=float, default=0, help="training images/s that a worker's CPUs decode; 0: all")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 8, 64, 512, 4096])
    parser.add_argument("--rate", type=float, default=50_000, help="GMAC/s of a worker")
    parser.add_argument("--chunk", type=int, default=512, help="images that pass together")
    parser.add_argument("--overhead", type=float, default=300, help="microseconds for a block and a chunk")
    parser.add_argument("--commit", type=float, default=10, help="milliseconds of the driver for each commit")
    parser.add_argument("--latency", type=float, default=5, help="milliseconds to hand over a task")
    parser.add_argument("--start", type=float, default=60, help="seconds until a worker is ready")
    parser.add_argument("--spread", type=float, default=0.05, help="standard deviation of the workers' speeds")
    options = parser.parse_args()
    options.latency /= 1e3
    table = Table("workers", "tasks", "shared", "longest task", "hours", "worker-hours", "at work", "against one")
    (trainings if options.trainings else evaluations)(options, table)
    table.title = f"{options.space}: {table.title}, {options.rate:,.0f} GMAC/s a worker"
    Console().print(table)


if __name__ == "__main__":
    main()
