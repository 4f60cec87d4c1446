"""Candidates per second: ours, the plain loop over resident images, and the way contest entries do it; side by side.

Run it from the root of the checkout: python -m benchmarks.evaluation [--help]

All three test the same candidates with the same weights on the same images, with batch-norm statistics from the same
calibration images. The candidates are whole groups with a common stage-1 prefix of a
candidates file, so that they share what they share in the full file:

(a) ours: `evaluate_candidates`, with as many worker processes as asked for
(b) one candidate at a time, images resident as tensors, an ordinary torch module with the inherited weights, eager
    float32; the better of 1 and 2 threads
(c) as (b), but each candidate starts a DataLoader of two workers for calibration and one for testing, which decode the
    JPEG files again

(b) and (c) run on `--sample` of the candidates. Set-up (imports, loading weights, decoding for (a) and (b)) is not
timed.
"""

import argparse
import random
import statistics
import tempfile
import time
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from rich.console import Console
from rich.table import Table

from toolkit.backends import get_backend
from toolkit.backends.weights import inherit
from toolkit.data import open_dataset
from toolkit.evaluation.candidates import Candidates, draw_candidates, read_candidates
from toolkit.evaluation.evaluate import Job, evaluate_candidates
from toolkit.evaluation.ledger import Ledger
from toolkit.evaluation.policy import NormPolicy
from toolkit.evaluation.prefixes import alone, by_convolution, prefix_tree
from toolkit.spaces import SearchSpace
from toolkit.training.recipe import parse_recipe
from toolkit.training.run import RunFolder
from toolkit.training.trainer import prepare_run, train

CLASSES = 8


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
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        images = make_images(Path(folder) / "images", options.size, options.images, options.calibration)
        run, space = make_run(Path(folder) / "run", options, images)
        everything = (
            draw_candidates(space, 45_000, 0)
            if options.candidates is None
            else read_candidates(options.candidates, space)
        )
        chosen = whole_groups(space, everything, options.count)
        compare(options, run, space, chosen, images)


def compare(options: argparse.Namespace, run: RunFolder, space: SearchSpace, chosen: Candidates, images: Path) -> None:
    networks = [(code, space.supernet_plans(space.parse(code))) for code in chosen.values()]
    without, shared = alone(networks), by_convolution(prefix_tree(networks))
    job = Job(run.path, run.latest_checkpoint(), NormPolicy("calibrate", options.calibration), options.images, False, 1)
    seconds, ours = time_ours(job, chosen, options.workers, run)
    codes = random.Random(0).sample(list(chosen.values()), options.sample)
    weights = inherited(run, space, codes)
    task = (options.size, images, options.images, options.calibration, weights)
    others: dict[str, float] = {}
    apart = 0
    for name, how, threads in (("(b) 1 thread", "resident", 1), ("(b) 2 threads", "resident", 2), ("(c)", "loader", 2)):
        with ProcessPoolExecutor(1, get_context("spawn")) as pool:  # without our allocator settings
            others[name], top1 = pool.submit(plain, *task, how, threads).result()
        apart = max(apart, *(abs(top1[code] - ours[code]) for code in codes))
    useful = without.macs * (options.images + options.calibration) / len(chosen)
    table = Table(
        "", "candidates / s", "GMAC / s", "ours is faster by", title=title(options, chosen, without.macs / shared.macs)
    )
    rate = len(chosen) / seconds
    table.add_row(f"(a) ours, {options.workers} workers", f"{rate:.2f}", f"{useful * rate / 1e9:.1f}", "")
    for name, each in others.items():
        table.add_row(name, f"{1 / each:.2f}", f"{useful / each / 1e9:.1f}", f"{rate * each:.2f}")
    console = Console()
    console.print(table)
    console.print(
        f"Right answers differ by at most {apart} of {options.images} images "
        "(torch's running variance is divided by n - 1, ours by n)."
    )
    console.print(
        f"GMAC / s counts what each network needs by itself. This machine's sgemm: {sgemm():.1f} GMAC / s on 2 threads."
    )


def title(options: argparse.Namespace, chosen: Candidates, sharing: float) -> str:
    return (
        f"{options.space}, {options.size} px, {options.images} + {options.calibration} images, "
        f"{len(chosen)} candidates that share {sharing:.2f}x of their MACs"
    )


def make_images(folder: Path, size: int, images: int, calibration: int) -> Path:
    """JPEG files of smooth noise, as large as a typical thumbnail of twice the size."""
    rng = np.random.default_rng(0)
    for part, count in (("train", calibration + 2 * CLASSES + images), ("val", images)):
        for i in range(count):
            path = folder / part / f"class{i % CLASSES}" / f"{i:06}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            noise = Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8))
            noise.resize((2 * size, 2 * size), Image.Resampling.BICUBIC).save(path, quality=90)
    return folder


def make_run(path: Path, options: argparse.Namespace, images: Path) -> tuple[RunFolder, SearchSpace]:
    """A run with a supernet trained for a single step: speed does not depend on what the weights are."""
    recipe = parse_recipe(
        {
            "space": options.space,
            "device": "cpu",
            "method": {"name": "spos"},
            "data": {"source": f"imagefolder:{images}", "size": options.size, "calibration": options.calibration},
            "training": {"epochs": 1, "batch_size": 2 * CLASSES, "lr": 1e-3, "warmup_epochs": 0},
        }
    )
    recipe, run = prepare_run(recipe, path, resume=False)
    train(recipe, run)
    from toolkit.training.setup import open_data, open_space

    return run, open_space(recipe, open_data(recipe))


def whole_groups(space: SearchSpace, candidates: Candidates, count: int) -> Candidates:
    """Random groups of all candidates that agree up to the end of stage 1, until there are `count`."""
    groups = defaultdict(list)
    for name, code in candidates.items():
        groups[space.supernet_plans(space.parse(code))[:6]].append(name)
    names: list[str] = []
    for group in random.Random(1).sample(list(groups.values()), len(groups)):
        if len(names) >= count:
            break
        names += group
    codes = {name: candidates[name] for name in names}
    return Candidates(codes, dict.fromkeys(codes, 0.0))


def time_ours(job: Job, chosen: Candidates, workers: int, run: RunFolder) -> tuple[float, dict[str, int]]:
    """Busy seconds of the workers, divided by their number, and the right answers by code."""
    evaluate_candidates(job, chosen, workers=workers)
    with Ledger.read(run.ledger) as ledger:
        (holding,) = ledger.settings()
        results = ledger.results(holding.setting)
    return holding.seconds / workers, {code: counts.top1 for code, counts in results.items()}


def inherited(run: RunFolder, space: SearchSpace, codes: list[str]) -> dict[str, Any]:
    """The plans and weights of the stand-alone networks of `codes`."""
    from toolkit.training.checkpoint import load_checkpoint

    weights = load_checkpoint(run.latest_checkpoint()).model
    backend = get_backend("torch", "cpu")
    result = {}
    for code in codes:
        arch = space.parse(code)
        result[code] = (space.plans(arch), inherit(backend.standalone(space, arch, 0), weights))
    return result


def plain(
    size: int, folder: Path, images: int, calibration: int, weights: dict[str, Any], how: str, threads: int
) -> tuple[float, dict[str, int]]:
    """Seconds per candidate by (b) or (c), and the right answers by code. Runs in a process of its own."""
    import torch
    from torch.utils.data import DataLoader, TensorDataset

    from tests.plain_torch import plain_network

    torch.set_num_threads(threads)
    data = open_dataset(f"imagefolder:{folder}", size=size, calibration=calibration)
    mean, std = (torch.tensor(v).view(1, -1, 1, 1) for v in (data.spec.mean, data.spec.std))

    def tensors(split: Any, count: int) -> tuple[torch.Tensor, torch.Tensor]:
        x = torch.from_numpy(split.images(np.arange(count))).float() / 255
        return (x - mean) / std, torch.from_numpy(split.labels[:count])

    resident = {"calibration": tensors(data.calibration, calibration), "validation": tensors(data.validation, images)}

    def batches(part: str) -> Any:
        if how == "resident":
            return [resident[part]]
        # What entries do: a loader of worker processes per candidate and pass, which decode every file again.
        files = sorted(folder.glob(f"{'train' if part == 'calibration' else 'val'}/*/*.jpg"))
        count = calibration if part == "calibration" else images
        decode = _Decode(files[:count], size)
        loaded = list(DataLoader(decode, batch_size=128, num_workers=2))
        # The loader's order is by file; results are compared on the resident images, which are the same ones.
        assert sum(map(len, loaded)) == count
        return DataLoader(TensorDataset(*resident[part]), batch_size=count)

    seconds, right = [], {}
    for code, (plans, arrays) in weights.items():
        start = time.perf_counter()
        network = plain_network(plans)
        network.load_state_dict({k: torch.from_numpy(v) for k, v in arrays.items()}, strict=False)
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.reset_running_stats()
                module.momentum = None  # the exact average
        with torch.no_grad():
            network.train()
            for x, _ in batches("calibration"):
                network(x)
            network.eval()
            right[code] = sum(int((network(x).argmax(1) == y).sum()) for x, y in batches("validation"))
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds), right


class _Decode:
    """A torch data set that decodes JPEG files."""

    def __init__(self, files: list[Path], size: int) -> None:
        self.files, self.size = files, size

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> Any:
        import torch

        with Image.open(self.files[index]) as image:
            small = image.convert("RGB").resize((self.size, self.size), Image.Resampling.BILINEAR)
        return torch.from_numpy(np.asarray(small).transpose(2, 0, 1).copy()).float().div(255)


def sgemm() -> float:
    """GMAC per second of a large float32 matrix product on two threads."""
    import torch

    torch.set_num_threads(2)
    a, b = torch.randn(2048, 2048), torch.randn(2048, 2048)
    torch.mm(a, b)
    start = time.perf_counter()
    for _ in range(5):
        torch.mm(a, b)
    return 5 * 2048**3 / (time.perf_counter() - start) / 1e9


if __name__ == "__main__":
    main()
