"""How many scores of a file tell the others: Kendall tau with those that were left out, for several shares.

Run it from the root of the checkout: python -m benchmarks.partial FILE --space SPACE [--labels 900 2250 4500]

FILE is in the challenge's format; an `acc` of 0 is no score. Each draw takes so many scores at random as labels and is
judged on all others. `params` and `MACs` stand beside it. `leave-one-out` is what `supernet predict` reports without
knowing the others: the mean over the draws.
"""

import argparse
import time
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.stats import kendalltau

from toolkit.candidates import read_candidates
from toolkit.predictors.columns import Features
from toolkit.predictors.predictor import Options, fit
from toolkit.spaces import get_space


def main() -> None:
    parser = argparse.ArgumentParser(formatter_class=argparse.RawDescriptionHelpFormatter, description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--space", required=True)
    parser.add_argument("--labels", type=int, nargs="+", default=[900, 2250, 4500])
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--model", choices=["auto", "ridge", "gp"], default="auto")
    options = parser.parse_args()
    space = get_space(options.space)
    table = read_candidates(options.file, space)
    scored = {table[key]: acc for key, acc in table.accs.items() if acc}
    archs, truth = [space.parse(code) for code in scored], np.array(list(scored.values()))
    features = Features.of(space, archs, [*space.predicted_from, "pairs"])
    print(f"{options.file.name}: {len(truth):,} scores, {len(set(scored.values())):,} different")
    for name, column in space.feature_kinds["costs"](archs).items():
        print(f"{name.removeprefix('log ')}: {kendalltau(column, truth).statistic:.3f} on all")
    shown = Table("labels", box=None)
    for heading in ("held out", "tau", "sd of draws", "leave-one-out", "model", "s to fit and predict"):
        shown.add_column(heading, justify="right")
    for labels in options.labels:
        taus, left, models, seconds = [], [], set(), []
        for draw in range(options.draws):
            order = np.random.default_rng((draw, labels)).permutation(len(truth))
            known, others = order[:labels], order[labels:]
            started = time.perf_counter()
            predictor = fit(features.take(known), truth[known], Options(options.model))
            found = predictor.predict(features.take(others)).mean
            seconds.append(time.perf_counter() - started)
            taus.append(kendalltau(found, truth[others]).statistic)
            left.append(kendalltau(predictor.left_out().mean, truth[known]).statistic)
            models.add(predictor.name + (" with pairs" if "pairs" in predictor.kinds else ""))
        shown.add_row(
            f"{labels:,}",
            f"{len(truth) - labels:,}",
            f"{np.mean(taus):.3f}",
            f"{np.std(taus, ddof=1):.3f}",
            f"{np.mean(left):.3f}",
            ", ".join(sorted(models)),
            f"{np.mean(seconds):.2f}",
        )
    Console(width=120).print(shown)


if __name__ == "__main__":
    main()
