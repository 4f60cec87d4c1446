"""What predictors learn from a few true labels on published tables, beside the figures that are to be reproduced.

Run it from the root of the checkout: python -m benchmarks.predictors --tables FOLDER [--draws 16]

FOLDER holds `truth/` and `truth-more/` with the tables as CSV (NAS-Bench-201, half of NATS-Bench size, NAS-Bench-Macro,
Accel-NASBench, 545 DARTS networks); none of them comes with this project. Every draw labels other networks, always by
their true value, and is judged on networks it did not see (at most 2,500). Printed are the mean Kendall tau over the
draws, its standard error, and the figure to be reproduced. The features of Accel-NASBench and DARTS, which are no
spaces of this toolkit, are made here. `--networks torch` (or paddle) has MLP, LSTM and Transformer instead.
"""

import argparse
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table
from scipy.stats import kendalltau

from toolkit.backends import BACKENDS, get_backend
from toolkit.cli.progress import progress_bars
from toolkit.predictors.columns import SCORES, Features
from toolkit.predictors.predictor import Options, fit
from toolkit.spaces import SPACES
from toolkit.spaces.features import Columns

JUDGED = 2_500


@dataclass(frozen=True)
class Case:
    """A way to predict a table, and what is expected of it.

    Attributes:
        expected: Kendall tau by number of labels.
    """

    name: str
    features: Features
    truth: np.ndarray
    options: Options
    expected: dict[int, float] = field(default_factory=dict)

    def tau(self, labels: int, draw: int) -> float:
        """Of one draw, on networks that it did not see."""
        order = np.random.default_rng((draw, labels)).permutation(len(self.truth))
        known, others = order[:labels], order[labels : labels + JUDGED]
        found = fit(self.features.take(known), self.truth[known], self.options).predict(self.features.take(others))
        return float(kendalltau(found.mean, self.truth[others]).statistic)


def main() -> None:
    parser = argparse.ArgumentParser(formatter_class=argparse.RawDescriptionHelpFormatter, description=__doc__)
    parser.add_argument("--tables", type=Path, required=True)
    parser.add_argument("--draws", type=int, default=16)
    parser.add_argument("--only", default="", help="cases whose name contains this")
    parser.add_argument("--networks", choices=BACKENDS, help="the framework to train networks on")
    options = parser.parse_args()
    made = (
        [networks(options.tables, options.networks)]
        if options.networks
        else [make(options.tables) for make in (nasbench201, nats_size, nasbench_macro, accel, darts)]
    )
    cases = [case for group in made for case in group if options.only in case.name]
    table = Table("table, features, model", box=None)
    for heading in ("labels", "tau", "se", "expected", "off"):
        table.add_column(heading, justify="right")
    with progress_bars() as progress:
        for number, case in enumerate(cases):
            progress("cases", number, len(cases))
            for labels, expected in case.expected.items():
                taus = [case.tau(labels, draw) for draw in range(options.draws)]
                mean, error = np.mean(taus), np.std(taus, ddof=1) / len(taus) ** 0.5
                off = mean - expected
                mark = "bold red" if abs(off) > 0.02 else ""
                table.add_row(
                    case.name, str(labels), f"{mean:.3f}", f"{error:.3f}", f"{expected:.3f}", f"{off:+.3f}", style=mark
                )
    Console(width=120).print(table)


def nasbench201(tables: Path) -> list[Case]:
    """CIFAR-10; labels below 80% count as 80%."""
    frame = pd.read_csv(tables / "truth" / "nasbench201.csv")
    space = SPACES["nasbench201"]
    archs = [space.parse(code) for code in frame["arch"]]
    truth = frame["c10_test200"].to_numpy(np.float64)
    score = {"one-shot": frame["supernet_oneshot"].to_numpy(np.float64)}
    gp = Options("gp", clip=0, floor=80.0)
    plain = Features.of(space, archs)
    return [
        Case(
            "NB201 one-hot, GP",
            Features.of(space, archs, ["one-hot"]),
            truth,
            gp,
            {20: 0.294, 50: 0.474, 100: 0.594, 200: 0.656},
        ),
        Case("NB201 live graph, GP", plain, truth, gp, {20: 0.639, 50: 0.691, 100: 0.719, 200: 0.759}),
        Case(
            "NB201 stacked, GP",
            Features(plain.kinds | {SCORES: score}, plain.networks),
            truth,
            gp,
            {20: 0.690, 50: 0.740, 100: 0.747, 200: 0.798},
        ),
    ]


def networks(tables: Path, backend: str) -> list[Case]:
    """On NAS-Bench-201 with labels as above; of the LSTM and the Transformer there is no figure to reproduce."""
    expected = {"mlp": (0.475, 0.569), "lstm": (np.nan, np.nan), "transformer": (np.nan, np.nan)}
    one_hot, *_ = nasbench201(tables)
    return [
        replace(
            one_hot,
            name=f"NB201 one-hot, {model}",
            options=replace(one_hot.options, model=model, backend=get_backend(backend, threads=1)),
            expected=dict(zip((50, 100), taus, strict=True)),
        )
        for model, taus in expected.items()
    ]


def nats_size(tables: Path) -> list[Case]:
    frame = pd.read_csv(tables / "truth" / "nats_size_cifar10_half.csv")
    space = SPACES["nats-size"]
    codes = frame[["c1", "c2", "c3", "c4", "c5"]].astype(str).agg(":".join, axis=1)
    features = Features.of(space, [space.parse(code) for code in codes])
    truth = frame["c10_test90"].to_numpy(np.float64)
    return [Case("NATS size log c, GP", features, truth, Options("gp"), {20: 0.813, 40: 0.841, 80: 0.854, 160: 0.859})]


def nasbench_macro(tables: Path) -> list[Case]:
    frame = pd.read_csv(tables / "truth" / "nasbench_macro_cifar10.csv", dtype={"arch": str})
    space = SPACES["nasbench-macro"]
    features = Features.of(space, [space.parse(code) for code in frame["arch"]])
    truth = frame["mean_acc"].to_numpy(np.float64)
    return [
        Case(
            "NB-Macro one-hot, costs, GP", features, truth, Options("gp"), {20: 0.717, 40: 0.80, 80: 0.846, 160: 0.873}
        )
    ]


def accel(tables: Path) -> list[Case]:
    """Seven stages with expansion, kernel, layers and squeeze-and-excitation each, one-hot, and their costs."""
    text = dict.fromkeys(("e", "k", "layers", "se"), str)
    frame = pd.read_csv(tables / "truth-more" / "accel_nasbench_imagenet.csv", dtype=text)
    columns: Columns = {}
    for what in text:
        for stage in range(7):
            digits = frame[what].str[stage]
            for digit in sorted(set(digits)):
                columns[f"{what}{stage}={digit}"] = (digits == digit).to_numpy(np.float64)
    costs = {f"log {name}": np.log(frame[name].to_numpy(np.float64)) for name in ("mmacs", "mparams")}
    features = Features({"one-hot": columns, "costs": costs}, len(frame))
    truth = frame["val_top1"].to_numpy(np.float64)
    ridge = {20: 0.543, 50: 0.752, 100: 0.834, 200: 0.851}
    gp = {20: 0.548, 50: 0.761, 100: 0.837, 200: 0.863}
    return [
        Case("Accel-NASBench one-hot, costs, ridge", features, truth, Options("ridge"), ridge),
        Case("Accel-NASBench one-hot, costs, GP", features, truth, Options("gp"), gp),
    ]


def darts(tables: Path) -> list[Case]:
    """Counts of each cell's operations and depths; labels below 85% count as 85%."""
    frame = pd.read_csv(tables / "truth-more" / "darts_cifar10_545_50ep.csv")
    rows = [_counts(code) for code in frame["code"]]
    columns = {name: np.array([row.get(name, 0.0) for row in rows]) for name in sorted(set().union(*rows))}
    costs = {f"log {name}": np.log(frame[name].to_numpy(np.float64)) for name in ("params", "macs")}
    features = Features({"counts": columns, "costs": costs}, len(frame))
    truth = frame["test_acc50"].to_numpy(np.float64)
    options = Options("gp", clip=0, floor=85.0)
    return [Case("DARTS-545 counts, costs, GP", features, truth, options, {25: 0.41, 50: 0.58, 100: 0.65, 200: 0.70})]


def _counts(code: str) -> dict[str, float]:
    found: Counter[str] = Counter()
    for cell, text in zip(("normal", "reduction"), code.split(" | "), strict=True):
        edges = [(operation, int(source)) for operation, source in (edge.split(":") for edge in text.split())]
        depths = [0.0, 0.0]
        for node in range(4):
            reached = 0.0
            for operation, source in edges[2 * node : 2 * node + 2]:
                found[f"{cell} {operation}"] += 1
                if source < 2:
                    found[f"{cell} {operation} on an input"] += 1
                    found[f"{cell} edges from input {source}"] += 1
                step = {"sep": 2.0, "dil": 1.0}.get(operation[:3], 0.0)
                if operation != "none":
                    reached = max(reached, depths[source] + step)
            depths.append(reached)
        found[f"{cell} longest depth"] = max(depths)
        found[f"{cell} mean depth"] = sum(depths[2:]) / 4
    return dict(found)


if __name__ == "__main__":
    main()
