"""Converting weights and exporting candidates: how long it takes, and what onnxruntime gains over torch.

Run it from the root of the checkout: python -m benchmarks.export [--space S] [--threads N]

Weights are random. Conversion is timed without the comparison of logits; export with onnx.checker, but without writing.
The last rows run one candidate on one image, in turns.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
from rich.console import Console
from rich.table import Table

from converters.logits import largest_difference, run_plans
from converters.onnx import OPSET, build_model
from converters.onnx.latency import open_session
from converters.weights import Ask, convert
from toolkit.backends import get_backend
from toolkit.data.base import ImageSpec
from toolkit.runs.checkpoint import Facts, save_checkpoint
from toolkit.spaces import get_space


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--space", default="resnet48")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads of torch and of onnxruntime")
    parser.add_argument("--turns", type=int, default=30)
    options = parser.parse_args()
    space = get_space(options.space)
    backend = get_backend("torch", "cpu", threads=options.threads)
    network = backend.network(space, space.widest, 0)
    weights = network.weights()
    threads = "1 thread" if options.threads == 1 else f"{options.threads} threads"
    table = Table("what", "milliseconds", title=f"{space.name}, {space.size} pixels, {threads}, opset {OPSET}")

    with tempfile.TemporaryDirectory() as folder:
        checkpoint = Path(folder) / "w.safetensors"
        facts = Facts(space.name, space.channels, space.size, space.classes, 0, "")
        save_checkpoint(checkpoint, facts, weights)
        for source, suffix in ((checkpoint, ".pdparams"), (checkpoint, ".pth"), (Path(folder) / "w.pdparams", ".pth")):
            target = Path(folder) / f"w{suffix}"
            ask = Ask(space=space.name)
            seconds = timed(lambda: convert(source, target, ask, candidates=0, overwrite=True))  # noqa: B023
            table.add_row(f"convert {source.suffix} to {suffix}", f"{1e3 * seconds:,.0f}")

    spec = ImageSpec(space.channels, space.size, space.classes, (0.5,) * space.channels, (0.25,) * space.channels)
    plans = space.supernet_plans(space.sample(np.random.default_rng(0)))

    def export() -> bytes:
        model = build_model(plans, weights, spec, {})
        onnx.checker.check_model(model, full_check=True)
        content: bytes = model.SerializeToString()
        return content

    table.add_row("export a candidate", f"{1e3 * statistics.median(timed(export) for _ in range(5)):,.1f}")
    session = open_session(export(), options.threads)
    pixels = np.random.default_rng(0).integers(0, 256, (1, space.channels, space.size, space.size), dtype=np.uint8)
    images = backend.normalise(backend.place(pixels), spec.mean, spec.std)
    feed = {"images": np.ascontiguousarray(np.asarray(images))}
    norm = network.stored_norm()
    works: dict[str, Callable[[], np.ndarray]] = {
        "torch, one image": lambda: run_plans(network, plans, images, norm),
        "onnxruntime, one image": lambda: session.run(None, feed)[0],
    }
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(options.turns):
        for name, work in works.items():
            times[name].append(timed(work))
    for name, seconds_ in times.items():
        table.add_row(name, f"{1e3 * statistics.median(seconds_):,.2f}")
    torch_times, onnx_times = times.values()
    ratio = statistics.median(one / other for one, other in zip(torch_times, onnx_times, strict=True))
    table.add_row("torch / onnxruntime", f"{ratio:.2f} times")
    console = Console()
    console.print(table)
    difference = largest_difference(*(work() for work in works.values()))
    console.print(f"logits of the two differ by {difference:.1e} of the largest")


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
