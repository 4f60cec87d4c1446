"""How CPU seconds and memory of an evaluation grow with the number of candidates and of images.

Run it from the root of the checkout: python -m benchmarks.growth [--help]

Each row is an evaluation in a process of its own: the first of the candidates (drawn, or those of `--candidates`),
parsed and cut into groups as `supernet evaluate` does, then tested by one worker of one thread, first on more and more
candidates, then on more and more images. Memory is the most that the process held, less what it held with the
framework loaded. Where a space is large, `--groups` times so many random groups of each row, and counts the seconds
up by MACs; `about` says so. The last row of each part is the exponent of the growth: 1 is linear.
"""

import argparse
import random
import re
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.workload import all_codes, cut, make_job
from toolkit.backends import get_backend
from toolkit.evaluation.evaluate import Job, equip
from toolkit.evaluation.prefixes import alone, by_convolution, prefix_tree
from toolkit.evaluation.worker import Worker
from toolkit.spaces import SearchSpace, get_space


@dataclass(frozen=True, slots=True)
class Taken:
    """What a row took: seconds to plan and to evaluate, bytes, and by how much sharing lessens the MACs."""

    planning: float
    evaluating: float
    memory: int
    shared: float


def main() -> None:
    parser = argparse.ArgumentParser(formatter_class=argparse.RawDescriptionHelpFormatter, description=__doc__)
    parser.add_argument("--space", default="resnet48-tiny")
    parser.add_argument("--size", type=int, help="pixels; default: the space's own")
    parser.add_argument("--calibration", type=int, default=128)
    parser.add_argument("--candidates", type=Path, help="a candidates file; default: they are drawn")
    parser.add_argument("--counts", type=int, nargs="+", default=[1_000, 5_000, 45_000], help="of candidates")
    parser.add_argument("--images", type=int, default=100, help="on which they are tested")
    parser.add_argument("--numbers", type=int, nargs="+", default=[100, 1_000, 10_000], help="of images")
    parser.add_argument("--count", type=int, default=1_000, help="candidates that are tested on these")
    parser.add_argument("--groups", type=int, help="timed in each row; default: all")
    options = parser.parse_args()
    space = get_space(options.space)
    codes = all_codes(space, options.candidates, max(*options.counts, options.count))
    size = options.size or space.size
    table = Table(
        "candidates", "images", "shared, by MACs", "planning, CPU s", "evaluating, CPU s", "candidates / CPU s", "MiB"
    )
    about = "" if options.groups is None else f", about, by {options.groups} groups"
    table.title = f"{options.space}, {size} px, {options.calibration} images for calibration, one thread{about}"
    with tempfile.TemporaryDirectory() as folder:
        most = max(options.images, *options.numbers)
        job = make_job(Path(folder), options.space, size, most, options.calibration)
        for counts, numbers in ((options.counts, [options.images]), ([options.count], options.numbers)):
            taken = [
                in_own_process(replace(job, images=images), codes[:count], options.groups)
                for count in counts
                for images in numbers
            ]
            add_rows(table, [(count, images) for count in counts for images in numbers], taken)
    Console().print(table)


def add_rows(table: Table, sizes: list[tuple[int, int]], taken: list[Taken]) -> None:
    """What each took, and the exponents."""
    for (count, images), each in zip(sizes, taken, strict=True):
        rate = f"{count / each.evaluating:,.0f}"
        table.add_row(
            f"{count:,}", f"{images:,}", f"{each.shared:.3f}x", f"{each.planning:.1f}", f"{each.evaluating:.1f}", rate,
            f"{each.memory / 2**20:,.0f}",
        )  # fmt: skip
    if len(sizes) > 1:
        grown = [count * images for count, images in sizes]
        by = "candidates" if sizes[0][0] != sizes[1][0] else "images"
        planning = exponent(grown, [each.planning for each in taken]) if by == "candidates" else ""
        evaluating, memory = (exponent(grown, [getattr(t, what) for t in taken]) for what in ("evaluating", "memory"))
        table.add_row(f"exponent, by {by}", "", "", planning, evaluating, "", memory, end_section=True)


def exponent(sizes: list[int], values: list[float]) -> str:
    """The slope of a line through the logarithms, by least squares."""
    return f"{np.polyfit(np.log(sizes), np.log(np.maximum(values, 1e-9)), 1)[0]:.2f}"


def in_own_process(job: Job, codes: list[str], groups: int | None) -> Taken:
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        taken = pool.submit(evaluated, job, codes, groups).result()
    print(f"{len(codes):,} candidates, {job.images:,} images: {taken}", file=sys.stderr, flush=True)
    return taken


def evaluated(job: Job, codes: list[str], groups: int | None) -> Taken:
    """What an evaluation takes; with `groups`, by so many of its groups."""
    get_backend("torch", "cpu")  # the framework itself
    before = peak()
    equipment, _ = equip(job)
    space, worker = equipment.space, Worker(equipment)
    start = time.process_time()
    chosen = whole = cut(space, codes)
    planning = time.process_time() - start
    worker(whole[0][:1])  # warms up
    if groups is not None and groups < len(whole):
        chosen = random.Random(0).sample(whole, groups)
    start = time.process_time()
    for group in chosen:
        worker(group)
    seconds, memory = time.process_time() - start, peak() - before
    done = sum(work(space, group) for group in whole)
    seconds *= done / sum(work(space, group) for group in chosen)
    needed = alone([(code, space.supernet_plans(space.parse(code))) for code in codes]).macs
    return Taken(planning, seconds, memory, needed / done)


def work(space: SearchSpace, codes: list[str]) -> int:
    """MACs for one image."""
    return by_convolution(prefix_tree([(code, space.supernet_plans(space.parse(code))) for code in codes])).macs


def peak() -> int:
    """The most bytes that this process has held; Linux alone tells (`ru_maxrss` begins with those of the parent)."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return 1024 * int(found[1])


if __name__ == "__main__":
    main()
