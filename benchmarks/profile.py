"""Where the time of an evaluation goes, operation by operation.

Run it from the root of the checkout: python -m benchmarks.profile [--help]

One thread evaluates one group of candidates, once for the clock and once under PyTorch's profiler. `Python` is what the
profiler saw nothing in: walking the tree, calling operations.
"""

import argparse
import tempfile
import time
from collections import Counter
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.growth import work
from benchmarks.workload import all_codes, cut, make_equipment, matrix_rate
from toolkit.evaluation.worker import Worker

KINDS = {
    "convolution": ("conv", "mkldnn"),
    "batch norm": ("batch_norm",),
    "ReLU": ("relu", "clamp_min"),
    "addition": ("add_", "aten::add"),
    "slices and other copies": ("copy_", "clone", "contiguous", "slice", "to"),
    "pooling": ("pool", "mean"),
    "classifier and counting": ("linear", "addmm", "gather", "log_softmax", "nll", "lt", "bitwise_not", "sum"),
}


def main() -> None:
    import torch

    parser = argparse.ArgumentParser(formatter_class=argparse.RawDescriptionHelpFormatter, description=__doc__)
    parser.add_argument("--space", default="resnet48")
    parser.add_argument("--size", type=int, default=64, help="pixels")
    parser.add_argument("--images", type=int, default=128, help="images to test on")
    parser.add_argument("--calibration", type=int, default=64)
    parser.add_argument("--together", type=int, default=64, help="candidates of the group, at most")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        equipment = make_equipment(Path(folder), options.space, options.size, options.images, options.calibration)
        group = cut(equipment.space, all_codes(equipment.space, None))[0][: options.together]
        worker = Worker(equipment)
        worker(group[:2])
        start = time.perf_counter()
        worker(group)
        seconds = time.perf_counter() - start
        with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
            start = time.perf_counter()
            worker(group)
            profiled = time.perf_counter() - start
    spent: Counter[str] = Counter()
    calls: Counter[str] = Counter()
    for event in profile.key_averages():
        kind = next((k for k, parts in KINDS.items() if any(part in event.key for part in parts)), "others")
        spent[kind] += event.self_cpu_time_total / 1e6
        calls[kind] += event.count
    spent["Python"] = max(0.0, profiled - sum(spent.values()))
    rate = work(equipment.space, group) * (options.images + options.calibration) / 1e9
    sgemm = matrix_rate(threads=1)
    table = Table(
        "",
        "seconds",
        "share",
        "calls",
        title=f"{options.space}, {options.size} px, {options.images} + {options.calibration} images, {len(group)} "
        f"candidates: {seconds:.2f} s ({profiled:.2f} s under the profiler)",
    )
    for kind, each in spent.most_common():
        table.add_row(kind, f"{each:.2f}", f"{100 * each / sum(spent.values()):.1f}%", f"{calls[kind]:,}")
    console = Console()
    console.print(table)
    console.print(
        f"{rate / seconds:.1f} GMAC/s, {100 * rate / seconds / sgemm:.0f}% of a matrix product's {sgemm:.1f} on one "
        f"thread; convolutions alone {rate / spent['convolution']:.1f} GMAC/s."
    )


if __name__ == "__main__":
    main()
