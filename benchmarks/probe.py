"""What a probe costs: whole, its parts, against one pass a cell, and as a share of a training.

Run it from the root of the checkout: python -m benchmarks.probe [--help]

"A pass" is a forward and a backward pass of one path. For a cell of a branch matrix, two networks are compared; the
plain way runs both for each cell. Ours runs each branch once for all of its cells, the network of the draw once for all
decisions, and equal networks once. Both find the same numbers, which is checked. Seconds are those of the CPU, which on
a busy machine are reliable where the clock is not; with --threads 1, for threads that wait count too.
"""

import argparse
import tempfile
import time
from itertools import combinations
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from toolkit.backends import get_backend
from toolkit.backends.base import Backend, Network
from toolkit.backends.shapes import used
from toolkit.cli.progress import progress_bars
from toolkit.data import open_dataset
from toolkit.interference import watch
from toolkit.interference.branches import Branches
from toolkit.interference.draws import draw_answers, draw_batches, generator
from toolkit.interference.gradients import gradient, products
from toolkit.interference.probe import BRANCHES, FEATURES, LOOKAHEAD, PATHS, Probe, Settings
from toolkit.interference.table import read_interference
from toolkit.runs.recipe import read_recipe
from toolkit.spaces import get_space
from toolkit.training.trainer import prepare_run, train


def main() -> None:
    parser = argparse.ArgumentParser(formatter_class=argparse.RawDescriptionHelpFormatter, description=__doc__)
    parser.add_argument("--space", default="resnet48-mini")
    parser.add_argument("--backend", default="torch")
    parser.add_argument("--threads", type=int, help="CPU threads; the framework's choice by default")
    parser.add_argument("--paths", type=int, default=8)
    parser.add_argument("--batches", type=int, default=4)
    parser.add_argument(
        "--decisions", type=int, help="of how many the cells are also computed one by one; default: all"
    )
    parser.add_argument(
        "--epochs", type=int, default=10, help="of the demo recipe, with a probe at the middle and the end"
    )
    options = parser.parse_args()
    console = Console()
    backend = get_backend(options.backend, "cpu", threads=options.threads)
    data = open_dataset("digits")
    space = get_space(options.space).for_images(data.spec.channels, data.spec.size, data.spec.classes)
    network = backend.network(space, space.widest, 0)

    parts = Table("probe", "passes", "s of CPU", "ms a pass", box=None)
    total = 0.0
    for name, measures in {"paths": PATHS, "features": FEATURES, "branches": BRANCHES, "look-ahead": LOOKAHEAD}.items():
        # The branches' conflict rate is also the paths': named by what only one of them has.
        own = tuple(measure for measure in measures if measure != "conflict_rate")
        probe = Probe(backend, network, data, Settings(options.paths, options.batches, measures=own))
        started = time.process_time()
        probe.measure()
        backend.synchronise()
        seconds = time.process_time() - started
        total += seconds
        parts.add_row(name, f"{probe.passes:.0f}", f"{seconds:.2f}", f"{1000 * seconds / probe.passes:.1f}")
    parts.add_row("whole", "", f"{total:.2f}", "")
    console.print(f"{options.space}, {options.paths} paths, {options.batches} batches of 64 images\n")
    console.print(parts)

    console.print("\nOne draw of all cells\n")
    console.print(cells(backend, network, options.decisions))

    if options.epochs:
        recipe = read_recipe(
            "demo", [f"training.epochs={options.epochs}", f"probe.every_epochs={max(1, options.epochs // 2)}"]
        )
        with tempfile.TemporaryDirectory() as folder, progress_bars() as progress:
            recipe, run = prepare_run(recipe, Path(folder) / "run", resume=False)
            train(recipe, run, progress, progress.note, watching=watch)
            table = read_interference(run.interference)
        console.print(f"\nWhile training the demo for {options.epochs} epochs, by default\n")
        for row in table[table["measure"] == "probe_cost"].itertuples():
            console.print(f"step {row.step}: {row.n} passes, {row.value:.1%} of the training time")


def cells(backend: Backend, network: Network, limit: int | None) -> Table:
    """One draw, shared and cell by cell."""
    space, data = network.space, open_dataset("digits")
    (batch,) = draw_batches(backend, data, 1, 64, 0)
    (answers,) = draw_answers(space, 1, generator(0, "branches", 0))
    decisions = [number for number, each in enumerate(space.decisions) if each.blocks][:limit]
    decisions = [number for number in decisions if space.active(answers)[number]]
    started = time.process_time()
    branches = Branches(network)
    shared_passes = sum(branches.draw(answers, batch, decisions))
    shared_seconds = time.process_time() - started
    found = {
        (row.decision, row.first, row.second): row.value for row in branches.rows() if row.measure == "gradient_cosine"
    }
    plain_passes, worst, started = 0, 0.0, time.process_time()
    for number in decisions:
        decision = space.decisions[number]
        for i, j in combinations(range(len(decision.options)), 2):
            archs = [space.canonical([*answers[:number], option, *answers[number + 1 :]]) for option in (i, j)]
            gradients = [gradient(network, arch, batch)[0] for arch in archs]
            plans = [network.space.supernet_plans(arch) for arch in archs]
            alike, _ = products(gradients, [used(each) for each in plans], len(plans[0]))
            plain_passes += 2
            value = found[decision.name, str(decision.options[i]), str(decision.options[j])]
            worst = max(worst, float(np.abs(alike.together()[0, 1] - value)))
    plain_seconds = time.process_time() - started
    table = Table("", "passes", "s of CPU", box=None)
    table.add_row("two passes a cell", f"{plain_passes}", f"{plain_seconds:.2f}")
    table.add_row("shared", f"{shared_passes}", f"{shared_seconds:.2f}")
    table.add_row("ratio", f"{plain_passes / shared_passes:.2f}", f"{plain_seconds / shared_seconds:.2f}")
    table.caption = f"largest difference of a cosine: {worst:.1e}"
    return table


if __name__ == "__main__":
    main()
