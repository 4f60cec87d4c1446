"""Candidates per second: ours, the plain loop over resident images, and the way contest entries do it; side by side.

Run it from the root of the checkout: python -m benchmarks.evaluation [--help]

All three test the same candidates with the same weights on the same images, with batch-norm statistics from the same
calibration images. The candidates are whole groups of a candidates file that agree up to the end of stage 1, so that
they share what they share in the full file:

(a) ours: the workers of `supernet evaluate`, as many processes as asked for
(b) one candidate at a time, images resident as tensors, an ordinary torch module with the inherited weights, eager
    float32; the better of 1 and 2 threads
(c) as (b), but each candidate starts a DataLoader of two workers for calibration and one for testing, which decode the
    images again from JPEG bytes in memory

(b) and (c) run on `--sample` of the candidates. Set-up (imports, loading weights, decoding for (a) and (b)) is not
timed.
"""

import argparse
import random
import statistics
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from functools import partial
from io import BytesIO
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from rich.console import Console
from rich.table import Table

from benchmarks.workload import all_codes, cut, jpegs, make_equipment, matrix_rate, stage1_groups
from toolkit.backends import get_backend
from toolkit.backends.weights import inherited as from_supernet
from toolkit.evaluation.prefixes import alone, by_convolution, prefix_tree
from toolkit.evaluation.worker import Equipment, Worker
from toolkit.executors import spread


def main() -> None:
    parser = argparse.ArgumentParser(formatter_class=argparse.RawDescriptionHelpFormatter, description=__doc__)
    parser.add_argument("--space", default="resnet48")
    parser.add_argument("--size", type=int, default=64, help="pixels")
    parser.add_argument("--images", type=int, default=128, help="images to test on")
    parser.add_argument("--calibration", type=int, default=64)
    parser.add_argument("--candidates", type=Path, help="a candidates file; default: 45,000 are drawn")
    parser.add_argument("--count", type=int, default=128, help="candidates, in whole groups, at least")
    parser.add_argument("--sample", type=int, default=8, help="how many of them (b) and (c) are timed on")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--precision", default="fp32", help="of (a): fp32, tf32 or bf16")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        equipment = make_equipment(
            Path(folder),
            options.space,
            options.size,
            options.images,
            options.calibration,
            device=options.device,
            precision=options.precision,
        )
        chosen = stage1_groups(equipment.space, all_codes(equipment.space, options.candidates), options.count)
        compare(options, equipment, chosen)


def compare(options: argparse.Namespace, equipment: Equipment, chosen: list[str]) -> None:
    space = equipment.space
    groups = cut(space, chosen)
    networks = {code: (code, space.supernet_plans(space.parse(code))) for code in chosen}
    needed = alone(list(networks.values())).macs
    done = sum(by_convolution(prefix_tree([networks[code] for code in group])).macs for group in groups)
    rate, ours = time_ours(equipment, groups, options.workers)
    codes = random.Random(0).sample(chosen, min(options.sample, len(chosen)))
    weights = inherited(equipment, codes)
    others: dict[str, float] = {}
    apart = 0
    for name, loader, threads in (("(b) 1 thread", False, 1), ("(b) 2 threads", False, 2), ("(c)", True, 2)):
        with ProcessPoolExecutor(1, get_context("spawn")) as pool:  # without our allocator settings
            seconds, top1 = pool.submit(plain, equipment, weights, options.device, threads, loader=loader).result()
        others[name] = 1 / seconds
        if name != "(c)":  # whose images are others, of the same size
            apart = max(apart, *(abs(top1[code] - ours[code]) for code in codes))
    sgemm = matrix_rate(options.device, options.precision)
    passes = (options.images + options.calibration) / len(chosen) / 1e9
    table = Table(
        "",
        "candidates / s",
        "GMAC / s done",
        f"of {sgemm:.0f} in a matrix product",
        "GMAC / s needed",
        "ours is faster by",
        title=f"{options.space}, {options.size} px, {options.images} + {options.calibration} images, {len(chosen)} "
        f"candidates that share {needed / done:.2f}x of their MACs, {options.device}",
    )
    for name, each in {f"(a) ours, {options.workers} workers, {options.precision}": rate, **others}.items():
        macs = (done if each is rate else needed) * passes * each
        table.add_row(
            name,
            f"{each:.2f}",
            f"{macs:.1f}",
            f"{100 * macs / sgemm:.0f}%",
            f"{needed * passes * each:.1f}",
            "" if each is rate else f"{rate / each:.2f}",
        )
    console = Console()
    console.print(table)
    console.print(
        f"Right answers differ by at most {apart} of {options.images} images "
        "(torch's running variance is divided by n - 1, ours by n)."
    )


def time_ours(equipment: Equipment, groups: list[list[str]], workers: int) -> tuple[float, dict[str, int]]:
    """Candidates per second while all workers are busy, and the right answers by code."""
    with closing(spread(partial(Worker, equipment), [groups[0][:4]] * workers + groups, workers)) as results:
        rows = [row for some in results for group in some for row in group]
    rows = rows[4 * workers :]  # the first tasks warm up
    rate = workers * len(rows) / sum(row.seconds for row in rows)
    return rate, {row.code: row.counts.top1 for row in rows}


def inherited(equipment: Equipment, codes: list[str]) -> dict[str, Any]:
    """The plans and weights of the stand-alone networks of `codes`."""
    backend, space = get_backend("torch", "cpu"), equipment.space
    result = {}
    for code in codes:
        arch = space.parse(code)
        result[code] = (
            space.plans(arch),
            from_supernet(backend.network(space, space.plans(arch), 0).weights(), equipment.weights),
        )
    return result


def plain(
    equipment: Equipment, weights: dict[str, Any], device: str, threads: int, *, loader: bool
) -> tuple[float, dict[str, int]]:
    """Seconds per candidate by (b) or (c), and the right answers by code. Runs in a process of its own."""
    import torch
    from torch.utils.data import DataLoader

    from tests.plain_torch import plain_network

    torch.set_num_threads(threads)
    images = equipment.images
    calibration = images.policy.calibration
    mean, std = (torch.tensor(v).view(1, -1, 1, 1) for v in (images.spec.mean, images.spec.std))
    x = ((torch.from_numpy(images.pixels).float() / 255 - mean) / std).to(device)
    y = torch.from_numpy(images.labels).to(device)
    files = jpegs(len(x), images.spec.size)

    def batches(part: slice) -> Any:
        if loader:
            return DataLoader(_Decode(files[part], images.spec.size), batch_size=128, num_workers=2)
        return [x[part]]

    seconds, right = [], {}
    for code, (plans, arrays) in weights.items():
        start = time.perf_counter()
        network = plain_network(plans)
        network.load_state_dict({k: torch.from_numpy(v) for k, v in arrays.items()}, strict=False)
        network.to(device)
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.reset_running_stats()
                module.momentum = None  # the exact average
        with torch.no_grad():
            network.train()
            for batch in batches(slice(calibration)):
                network(batch.to(device))
            network.eval()
            answers = [network(batch.to(device)).argmax(1) for batch in batches(slice(calibration, None))]
            right[code] = int((torch.cat(answers) == y).sum())
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds), right


class _Decode:
    """A torch data set that decodes JPEG files, whose bytes are in memory."""

    def __init__(self, files: list[bytes], size: int) -> None:
        self.files, self.size = files, size

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> Any:
        import torch

        with Image.open(BytesIO(self.files[index])) as image:
            small = image.convert("RGB").resize((self.size, self.size), Image.Resampling.BILINEAR)
        return torch.from_numpy(np.asarray(small).transpose(2, 0, 1).copy()).float().div(255)


if __name__ == "__main__":
    main()
