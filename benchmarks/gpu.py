"""Everything that a GPU could break or make fast, in one script of a few minutes: first right, then how fast.

Run it from the root of the checkout: python -m benchmarks.gpu --out FOLDER [--device cuda] [--quick]

Right: the same results as the CPU's for every space, batch-norm policy and training method, resume, torchrun, too
little memory. Fast: candidates per second in each precision, beside a plain loop over resident images and the device's
own rate of a matrix product; training steps of `resnet20-guided`; CUDA graphs. With `--device cpu --quick` it tries
itself out.
What fails is a row that says so; the other parts go on. FOLDER gets gpu.json and gpu.md.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from benchmarks.evaluation import inherited, plain
from benchmarks.workload import all_codes, cut, make_equipment, matrix_rate, stage1_groups
from tests.methods_made import EVERYWHERE
from tests.networks import noise_dataset, some_images, thin
from tests.parity import Pair
from toolkit.backends import get_backend
from toolkit.backends.base import SGD, Counts
from toolkit.evaluation.evaluator import Evaluator
from toolkit.evaluation.images import EvaluationSet
from toolkit.evaluation.policy import NormPolicy
from toolkit.evaluation.prefixes import by_convolution, prefix_tree
from toolkit.evaluation.worker import Worker
from toolkit.spaces import SPACES, SearchSpace, get_space

POLICIES = (NormPolicy("stored"), NormPolicy("batch", 40), NormPolicy("calibrate", 40))
SMALL = 3e-3
"""Largest difference that rounding explains, as a share: GPUs add in another order, and five steps pile it up."""


@dataclass(frozen=True, slots=True)
class Row:
    """One finding: `fine` is False for what is wrong, None for what is only measured."""

    part: str
    what: str
    found: str
    fine: bool | None = None


def main() -> None:
    parser = argparse.ArgumentParser(formatter_class=argparse.RawDescriptionHelpFormatter, description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for gpu.json and gpu.md")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--quick", action="store_true", help="as little of each as shows that it runs")
    parser.add_argument("--only", nargs="+", choices=PARTS, help="some parts; default: all")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    rows: list[Row] = []
    for part in options.only or PARTS:
        start = time.perf_counter()
        try:
            for row in PARTS[part](options.device, options.quick):
                rows.append(row)
                print(f"{part}: {row.what}: {row.found}{'' if row.fine is not False else '  WRONG'}", flush=True)
        except Exception as error:  # a broken part must not cost the time that was borrowed for the others
            rows.append(Row(part, "failed", f"{type(error).__name__}: {error}"[:500], fine=False))
            print(rows[-1], flush=True)
        print(f"{part}: {time.perf_counter() - start:.1f} s", flush=True)
        write(options.out, options.device, rows)
    sys.exit(any(row.fine is False for row in rows))


def write(folder: Path, device: str, rows: list[Row]) -> None:
    """What was found so far."""
    name = torch.cuda.get_device_name() if device != "cpu" else "CPU"
    facts = {"device": name, "torch": torch.__version__, "rows": [asdict(row) for row in rows]}
    (folder / "gpu.json").write_text(json.dumps(facts, indent=1))
    marks = {True: "yes", False: "**no**", None: ""}
    lines = [f"{name}, PyTorch {torch.__version__}", "", "| part | what | found | right |", "|---|---|---|---|"]
    lines += [f"| {row.part} | {row.what} | {row.found} | {marks[row.fine]} |" for row in rows]
    (folder / "gpu.md").write_text("\n".join(lines) + "\n")


def counts(device: str, quick: bool) -> Iterator[Row]:
    """Right answers and losses of every space, with every source of batch-norm statistics."""
    for name, space in list(SPACES.items())[: 2 if quick else None]:
        small = thin(space)
        archs = [small.largest, small.smallest, *(small.sample(np.random.default_rng(seed)) for seed in range(4))]
        for policy in POLICIES:
            here, there = (evaluator_on(where, small, policy).evaluate(archs) for where in ("cpu", device))
            yield Row("counts", f"{name}, {policy}", *apart(here, there))


def evaluator_on(device: str, space: SearchSpace, policy: NormPolicy, images: int = 80) -> Evaluator:
    """An evaluator of a fresh supernet."""
    backend = get_backend("torch", device)
    network = backend.network(space, space.widest, 0)
    return Evaluator(backend, network, EvaluationSet.of(noise_dataset(space, validation=images), policy))


def apart(here: list[Counts], there: list[Counts]) -> tuple[str, bool]:
    """How far results are apart: right answers may differ where two classes are within rounding."""
    right = max(abs(a.top1 - b.top1) for a, b in zip(here, there, strict=True))
    loss = max(abs(a.loss - b.loss) / max(1.0, abs(a.loss)) for a, b in zip(here, there, strict=True))
    return f"right answers differ by {right} at most, losses by {loss:.0e}", right <= 1 and loss < SMALL


def steps(device: str, quick: bool) -> Iterator[Row]:
    """A step, and five more, of every method."""
    space = thin(get_space("resnet48-mini"), size=8)
    for method in EVERYWHERE[: 2 if quick else None]:
        pair = Pair(space, method, "fp32", sides=(("torch", "cpu"), ("torch", device)))
        first, more = pair.losses(), pair.steps()
        found = f"what a step logs differs by {first:.0e}, weights after five more by {more:.0e}"
        yield Row("steps", method, found, first < SMALL and more < 10 * SMALL)


def training(device: str, quick: bool) -> Iterator[Row]:
    """`supernet train` on the device: to its end, cut and resumed, and under torchrun."""
    changes = ["training.epochs=2", "training.warmup_epochs=1", f"device={device}"]
    changes += ["space=resnet48-mini", "data.source=digits"] if quick else []
    common = ["train", "demo", *(part for change in changes for part in ("--set", change))]
    with tempfile.TemporaryDirectory() as folder:
        whole, cut_short, spread = (Path(folder) / name for name in ("whole", "cut", "spread"))
        seconds = call([sys.executable, "-m", "toolkit", *common, "--out", str(whole)])
        yield Row("training", "two epochs of the demo", f"{seconds:.1f} s", fine=True)
        process = subprocess.Popen(
            [sys.executable, "-m", "toolkit", *common, "--quiet", "--out", str(cut_short)], stdout=subprocess.DEVNULL
        )
        while process.poll() is None and not any((cut_short / "checkpoints").glob("*")):
            time.sleep(0.05)
        process.kill()
        process.wait()
        call([sys.executable, "-m", "toolkit", "train", "--resume", "--out", str(cut_short)])
        yield Row("training", "killed and resumed", *same(whole, cut_short))
        torchrun = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "1")
        call([*torchrun, "-m", "toolkit", *common, "--out", str(spread)])
        yield Row("training", "torchrun, one process", *same(whole, spread))


def call(command: list[str]) -> float:
    """Seconds that a command took; what it said is the error if it fails."""
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"COLUMNS": "200"})
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[:6])} ...: {(done.stdout + done.stderr)[-400:]}")
    return time.perf_counter() - start


def same(first: Path, second: Path) -> tuple[str, bool]:
    """How far the last weights of two runs are apart; on a GPU sums need not come in the same order twice."""
    from toolkit.runs.checkpoint import load_checkpoint
    from toolkit.runs.folder import RunFolder

    a, b = (load_checkpoint(RunFolder.open(run).latest_checkpoint()).model for run in (first, second))
    most = max(float(np.abs(a[name] - b[name]).max()) for name in a)
    return f"weights differ by {most:.0e} at most", most < 0.1


def memory(device: str, quick: bool) -> Iterator[Row]:
    """Too little memory for all images at once: fewer pass, with the same results. On a CPU the limit is played."""
    space, policy = get_space("resnet20"), NormPolicy("calibrate", 40)
    if quick:
        space = space.for_images(3, 8, 10)
    images, archs = 256 if quick else 4096, [space.largest, space.smallest]
    whole = evaluator_on(device, space, policy, images).evaluate(archs)
    evaluator = evaluator_on(device, space, policy, images)
    evaluator._chunk = images  # what would be taken on a machine with more
    with little_memory(device, evaluator):
        less = evaluator.evaluate(archs)
    fewer, fine = apart(whole, less)
    halved = evaluator._chunk < images
    yield Row("memory", f"{evaluator._chunk} of {images} images at a time", fewer, fine and halved)


@contextmanager
def little_memory(device: str, evaluator: Evaluator) -> Iterator[None]:
    """200 MB more than are in use now; on a CPU an evaluator that gives up with more than 100 images."""
    if device == "cpu":
        chunks = evaluator._chunks

        def limited(size: int, start: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
            if size > 100:
                raise torch.OutOfMemoryError("as if")
            return chunks(size, start)

        evaluator._chunks = limited  # type: ignore[method-assign]
        yield
        return
    torch.cuda.empty_cache()
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_allocated() + 200e6) / total)
    try:
        yield
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)


def rates(device: str, quick: bool) -> Iterator[Row]:
    """Candidates per second beside a plain loop over resident images."""
    for name, size, images, calibration, count in (
        [("resnet20", 16, 64, 32, 8)]
        if quick
        else [("resnet20", 32, 10_000, 2560, 256), ("resnet48", 224, 512, 256, 32)]
    ):
        with tempfile.TemporaryDirectory() as folder:
            base = make_equipment(Path(folder), name, size, images, calibration, device=device)
            groups = cut(base.space, stage1_groups(base.space, all_codes(base.space, None, 5_000), count))
            chosen = [code for group in groups for code in group][: 8 * count]
            sample = random.Random(0).sample(chosen, min(4, len(chosen)))
            seconds, _ = plain(base, inherited(base, sample), device, 2, loader=False)
            yield Row("rates", f"{name}, plain loop, fp32", f"{1 / seconds:.1f} candidates/s")
            for precision in ("fp32",) if device == "cpu" else ("fp32", "tf32", "bf16"):
                equipment = make_equipment(
                    Path(folder) / precision, name, size, images, calibration, device=device, precision=precision
                )
                yield rate(equipment, groups, device, precision, 1 / seconds, images + calibration)


def rate(equipment, groups, device, precision, plain_rate, passes) -> Row:  # type: ignore[no-untyped-def]
    """Of the toolkit's own evaluation: candidates per second, and its share of the device's matrix rate."""
    space, worker = equipment.space, Worker(equipment)
    worker(groups[0][:2])  # warms up
    start = time.perf_counter()
    for group in groups:
        worker(group)
    seconds, number = time.perf_counter() - start, sum(map(len, groups))
    macs = sum(by_convolution(prefix_tree([(c, space.supernet_plans(space.parse(c))) for c in g])).macs for g in groups)
    share = macs * passes / seconds / 1e9 / matrix_rate(device, precision)
    each = number / seconds
    found = f"{each:.1f} candidates/s, {each / plain_rate:.2f}x the plain loop, {share:.0%} of a matrix product's rate"
    return Row("rates", f"{space.name}, {precision}, {passes:,} images, groups of {max(map(len, groups))}", found)


def epoch(device: str, quick: bool) -> Iterator[Row]:
    """Training steps of the recipe `resnet20-guided` on images of nothing, and what an epoch of 50,000 would take."""
    from tests.methods_made import begun, make_batch
    from toolkit.methods import METHODS
    from toolkit.runs.recipe import SHIPPED
    from toolkit.training.steps import read_pipeline

    recipe = read_pipeline(str(SHIPPED / "resnet20-guided.toml"), []).steps[-1].recipe
    space, size = get_space(recipe.space).for_images(3, 32, 100), 8 if quick else recipe.training.batch_size
    for precision in ("fp32",) if device == "cpu" else ("fp32", "tf32", "bf16"):
        backend = get_backend("torch", device, precision)  # type: ignore[arg-type]
        network = backend.network(space, space.widest, 0)
        method = begun(METHODS[recipe.method.name](space, recipe.method), backend, network)
        optimizer = backend.optimizer(network, SGD())
        images = backend.normalise(backend.place(some_images(space, size)), (0.5,) * 3, (0.25,) * 3)
        labels = backend.place(np.arange(size) % 100)

        def step(number: int) -> None:
            method.step(make_batch(method, network, images, labels, np.random.default_rng(number), 0.5, 0.01))  # noqa: B023
            optimizer.step(0.01)  # noqa: B023

        seconds = per_call(step, 1 if quick else 30, device)
        found = f"{1e3 * seconds:.1f} ms a step of {size} images; an epoch of 50,000 in {seconds * 50_000 / size:.0f} s"
        yield Row("epoch", f"resnet20-guided ({recipe.method.name}), {precision}", found)


def per_call(step: Callable[[int], None], times: int, device: str) -> float:
    """Seconds, after two calls that warm up."""
    wait = torch.cuda.synchronize if device != "cpu" else lambda: None
    for number in range(2):
        step(number)
    wait()
    start = time.perf_counter()
    for number in range(times):
        step(2 + number)
    wait()
    return (time.perf_counter() - start) / times


def graphs(device: str, _: bool) -> Iterator[Row]:
    """What a CUDA graph of one candidate's pass would save: the most that capturing could bring."""
    if device == "cpu":
        yield Row("graphs", "one candidate", "there are none on a CPU")
        return
    space = get_space("resnet20")
    backend = get_backend("torch", device)
    network = backend.network(space, space.widest, 0)
    plans = space.supernet_plans(space.sample(np.random.default_rng(0)))
    for images in (128, 1024, 8192):
        x = torch.randn(images, 3, 32, 32, device=device).to(memory_format=torch.channels_last)
        with network.inference():
            eager = per_call(lambda _: network.run(plans, x, network.stored_norm()), 20, device)  # noqa: B023
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):
                network.run(plans, x, network.stored_norm())
            replayed = per_call(lambda _: graph.replay(), 20, device)  # noqa: B023
        found = f"{1e3 * eager:.2f} ms eager, {1e3 * replayed:.2f} ms replayed: {eager / replayed:.2f}x"
        yield Row("graphs", f"one resnet20 candidate, {images:,} images", found)


PARTS = {
    "counts": counts,
    "steps": steps,
    "training": training,
    "memory": memory,
    "rates": rates,
    "epoch": epoch,
    "graphs": graphs,
}

if __name__ == "__main__":
    main()
