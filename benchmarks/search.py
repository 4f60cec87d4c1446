"""Search with rewards from published tables and the noise of one batch: what finds better networks, and what does not.

Run it from the root of the checkout: python -m benchmarks.search --tables FOLDER [--seeds 10] [--steps 500]

FOLDER holds `truth/` and `truth-more/` with the tables as CSV (NAS-Bench-201, NAS-Bench-Macro, latencies of HELP); none
of them comes with this project. No supernet is trained. The direct accuracy of a network is

- on NAS-Bench-201 the estimate of a real one-shot supernet (its authors' file), plus noise;
- on NAS-Bench-Macro the true accuracy plus noise, for no supernet's estimates are published: easier than life.

The noise is normal with a standard deviation of 2 points, about that of one batch of 512 images, drawn anew at every
evaluation and for every network: on one batch part of it would be common and cancel. Labels are true accuracies of 50
networks drawn at random, other ones for each seed. A policy step evaluates 4 samples and the greedy network, or 5
samples without it; random choice and evolution get as many evaluations in all. Printed is the true accuracy of what is
found: mean, standard deviation over seeds, and the worst. "best of predicted 10" takes the ten highest predictions and
trains all of them, so it costs ten more trainings and its figure is the best of ten truths.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from rich.console import Console
from rich.table import Table

from toolkit.backends.base import Network
from toolkit.candidates import write_entries
from toolkit.cli.progress import progress_bars
from toolkit.methods import Batch
from toolkit.methods.few_shot import FewShot
from toolkit.methods.wpnas import WPNAS, WPNASOptions
from toolkit.sampling.policy import PolicyOptions
from toolkit.search.costs import latency_of
from toolkit.search.drive import drive
from toolkit.search.ground import Ground
from toolkit.search.ways import evolution
from toolkit.spaces import SPACES, Arch, SearchSpace

NOISE, LABELS, LR, DEVICE = 2.0, 50, 0.05, "pixel3"
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Bench:
    """A table: true accuracies in percent, and what a supernet says of the same networks."""

    space: SearchSpace
    truth: dict[Arch, float]
    estimate: dict[Arch, float]
    floor: float | None

    def noisy(self, archs: Sequence[Arch], rng: np.random.Generator) -> Floats:
        """Direct accuracies on one batch."""
        return np.array([self.estimate[arch] for arch in archs]) + rng.normal(0, NOISE, len(archs))


class OnTable(WPNAS):
    """WPNAS whose direct accuracies come from a table, and which trains nothing."""

    bench: Bench

    def direct(self, batch: Batch, archs: Sequence[Arch]) -> Floats:
        found = dict(zip(distinct := list(dict.fromkeys(archs)), self.bench.noisy(distinct, batch.rng), strict=True))
        return np.array([found[arch] for arch in archs])


def by_policy(bench: Bench, labels: Path, seed: int, steps: int, **options: Any) -> Arch:
    """The greedy network after so many policy steps."""
    samples = 4 if options.get("baseline", "greedy") == "greedy" else 5
    given = WPNASOptions(
        name="wpnas",
        labels=str(labels),
        floor=bench.floor,
        samples=samples,
        sampling=PolicyOptions(lr=LR, seed=seed),
        **options,
    )
    method = OnTable(bench.space, given)
    method.bench = bench
    net: Network = None  # type: ignore[assignment]
    for step in range(steps):
        method._learn(Batch(net, None, None, np.random.default_rng((seed, step)), step / steps))
    return method._policy.policy.argmax()


def by_random(bench: Bench, _: Path, seed: int, steps: int) -> Arch:
    """The best of as many random draws, each evaluated once."""
    rng = np.random.default_rng(seed)
    archs = [bench.space.sample(rng) for _ in range(5 * steps)]
    return archs[int(np.argmax(bench.noisy(archs, rng)))]


def by_evolution(bench: Bench, _: Path, seed: int, steps: int) -> Arch:
    """The best that regularised evolution has seen."""
    rng, noise = np.random.default_rng(seed), np.random.default_rng((seed, 1))
    known = drive(evolution(Ground(bench.space), rng, 5), lambda a: bench.noisy(a, noise).tolist(), 5 * steps)
    return max(known, key=lambda arch: known[arch])


def by_predictor(bench: Bench, labels: Path, seed: int, steps: int, among: int) -> Arch:  # noqa: ARG001
    """The truly best of those that are predicted highest."""
    archs = list(bench.truth)
    found = FewShot(str(labels), bench.space, bench.floor).predict(archs)
    best = [archs[place] for place in np.argsort(-found)[:among]]
    return max(best, key=lambda arch: bench.truth[arch])


def nasbench201(tables: Path) -> Bench:
    frame = pd.read_csv(tables / "truth" / "nasbench201.csv")
    space = SPACES["nasbench201"]
    archs = [space.parse(code) for code in frame["arch"]]
    return Bench(
        space,
        dict(zip(archs, frame["c10_test200"].astype(float), strict=True)),
        dict(zip(archs, frame["supernet_oneshot"].astype(float), strict=True)),
        80.0,
    )


def nasbench_macro(tables: Path) -> Bench:
    frame = pd.read_csv(tables / "truth" / "nasbench_macro_cifar10.csv", dtype={"arch": str})
    space = SPACES["nasbench-macro"]
    truth = dict(zip(map(space.parse, frame["arch"]), frame["mean_acc"].astype(float), strict=True))
    return Bench(space, truth, truth, None)


def ways(bench: Bench, tables: Path) -> dict[str, Callable[..., Arch]]:
    """What is compared, by name."""
    found: dict[str, Callable[..., Arch]] = {
        "random, best by direct": by_random,
        "evolution, best by direct": by_evolution,
        "best predicted": partial(by_predictor, among=1),
        "best of predicted 10": partial(by_predictor, among=10),
    }
    for reward in ("direct", "stacked"):
        for baseline in ("greedy", "average", "zero"):
            found[f"policy, {reward}, {baseline}"] = partial(by_policy, reward=reward, baseline=baseline)
    for reward in ("predictor", "sum", "trust"):
        found[f"policy, {reward}, greedy"] = partial(by_policy, reward=reward)
    if bench.space.name == "nasbench201":
        latency = tables / "truth-more" / "nasbench201_latency_help.csv"
        paid = {"cost": "latency", "latency": str(latency), "latency_column": DEVICE, "cost_target": 10.0}
        for form in ("hinge", "power"):
            found[f"policy, stacked, greedy, {form}"] = partial(by_policy, reward="stacked", cost_form=form, **paid)
    return found


def write_labels(path: Path, bench: Bench, seed: int) -> None:
    """True accuracies of networks drawn at random."""
    archs = list(bench.truth)
    chosen = np.random.default_rng((seed, LABELS)).choice(len(archs), LABELS, replace=False)
    codes = {f"arch{place}": bench.space.format(archs[place]) for place in chosen}
    write_entries(path, codes, {f"arch{place}": bench.truth[archs[place]] for place in chosen})


def main() -> None:
    parser = argparse.ArgumentParser(formatter_class=argparse.RawDescriptionHelpFormatter, description=__doc__)
    parser.add_argument("--tables", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--steps", type=int, default=500, help="policy steps, of 5 evaluations each")
    parser.add_argument("--only", default="", help="ways whose name contains this")
    options = parser.parse_args()
    console = Console(width=120)
    for make in (nasbench201, nasbench_macro):
        bench = make(options.tables)
        latency = None
        if bench.space.name == "nasbench201":
            path = options.tables / "truth-more" / "nasbench201_latency_help.csv"
            latency = latency_of(path, bench.space, DEVICE)
        table = Table(f"{bench.space.name}, best of all {max(bench.truth.values()):.2f}", box=None)
        for heading in ("mean", "sd", "worst", *([DEVICE] if latency else [])):
            table.add_column(heading, justify="right")
        with TemporaryDirectory() as folder, progress_bars() as progress:
            files = [Path(folder) / f"{seed}.json" for seed in range(options.seeds)]
            for seed, file in enumerate(files):
                write_labels(file, bench, seed)
            chosen = {name: way for name, way in ways(bench, options.tables).items() if options.only in name}
            for number, (name, way) in enumerate(chosen.items()):
                progress("ways", number, len(chosen))
                found = [way(bench, file, seed, options.steps) for seed, file in enumerate(files)]
                accs = np.array([bench.truth[arch] for arch in found])
                times = [f"{np.mean([latency(arch) for arch in found]):.1f}"] if latency else []
                table.add_row(name, f"{accs.mean():.2f}", f"{accs.std(ddof=1):.2f}", f"{accs.min():.2f}", *times)
        console.print(table)


if __name__ == "__main__":
    main()
