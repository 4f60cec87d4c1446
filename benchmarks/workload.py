"""What benchmarks of evaluation work on: images, a supernet, candidates that share what they share in a full file."""

import random
import time
from collections import defaultdict
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from toolkit.candidates import Candidates, draw_candidates, read_candidates
from toolkit.evaluation.evaluate import GROUP, Job, equip
from toolkit.evaluation.policy import NormPolicy
from toolkit.evaluation.prefixes import prefix_groups
from toolkit.evaluation.worker import Equipment
from toolkit.runs.folder import RunFolder
from toolkit.runs.recipe import parse_recipe, read_recipe
from toolkit.spaces import SearchSpace, get_space
from toolkit.training.trainer import prepare_run, train

CLASSES = 8
CANDIDATES = 45_000


def chosen_candidates(run: Path, path: Path | None, count: int) -> Candidates:
    """The candidates in a file, or some that are drawn from a run's space."""
    space = get_space(read_recipe(RunFolder.open(run).recipe).space)
    return draw_candidates(space, count, 0) if path is None else read_candidates(path, space)


def make_images(folder: Path, size: int, images: int, calibration: int) -> Path:
    """JPEG files of smooth noise, as large as a typical thumbnail of twice the size."""
    for part, count in (("train", calibration + 2 * CLASSES + images), ("val", images)):
        for i, content in enumerate(jpegs(count, size)):
            path = folder / part / f"class{i % CLASSES}" / f"{i:06}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    return folder


def jpegs(count: int, size: int) -> list[bytes]:
    """The contents of so many JPEG files."""
    rng, found = np.random.default_rng(0), []
    for _ in range(count):
        noise = Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8))
        file = BytesIO()
        noise.resize((2 * size, 2 * size), Image.Resampling.BICUBIC).save(file, "JPEG", quality=90)
        found.append(file.getvalue())
    return found


def make_job(
    folder: Path, space: str, size: int, images: int, calibration: int, *, device: str = "cpu", precision: str = "fp32"
) -> Job:
    """A run with a supernet trained for a single step: speed does not depend on what the weights are."""
    source = make_images(folder / "images", size, images, calibration)
    recipe = parse_recipe(
        {
            "space": space,
            "device": device,
            "method": {"name": "spos"},
            "data": {"source": f"imagefolder:{source}", "size": size, "calibration": calibration},
            "training": {"epochs": 1, "batch_size": 2 * CLASSES, "lr": 1e-3, "warmup_epochs": 0},
        }
    )
    recipe, run = prepare_run(recipe, folder / "run", resume=False)
    train(recipe, run)
    policy = NormPolicy("calibrate", calibration)
    return Job(run.path, run.latest_checkpoint(), policy, images, threads=1, precision=precision)  # type: ignore[arg-type]


def make_equipment(folder: Path, space: str, size: int, images: int, calibration: int, **options: str) -> Equipment:
    """What workers need, for the same."""
    return equip(make_job(folder, space, size, images, calibration, **options))[0]


def all_codes(space: SearchSpace, file: Path | None, count: int = CANDIDATES) -> list[str]:
    """The candidates of a file, or so many that are drawn."""
    candidates = draw_candidates(space, count, 0) if file is None else read_candidates(file, space)
    return list(dict.fromkeys(candidates.values()))


def stage1_groups(space: SearchSpace, codes: Sequence[str], count: int) -> list[str]:
    """Random groups of all candidates that agree up to the end of stage 1, whole, until there are `count`."""
    groups = defaultdict(list)
    for code in codes:
        groups[space.supernet_plans(space.parse(code))[:6]].append(code)
    chosen: list[str] = []
    for group in random.Random(1).sample(list(groups.values()), len(groups)):
        if len(chosen) >= count:
            break
        chosen += group
    return chosen


def cut(space: SearchSpace, codes: Sequence[str]) -> list[list[str]]:
    """Groups as in the evaluation of a long file."""
    networks = [(code, space.supernet_plans(space.parse(code))) for code in codes]
    return [[code for code, _ in group] for group in prefix_groups(networks, GROUP)]


def matrix_rate(device: str = "cpu", precision: str = "fp32", threads: int = 2) -> float:
    """GMAC per second of a large matrix product."""
    import torch

    torch.set_num_threads(threads)
    torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
    size = 2048 if device == "cpu" else 8192
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    a, b = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))

    def multiply() -> float:
        start = time.perf_counter()
        for _ in range(5):
            c = torch.mm(a, b)
        c.sum().item()  # waits for the device
        return time.perf_counter() - start

    return 5 * size**3 / min(multiply() for _ in range(5)) / 1e9
