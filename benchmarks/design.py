"""Is a D-optimal choice of the networks to label worth more labels? Kendall tau on the others, beside random choices.

Run it from the root of the checkout: python -m benchmarks.design --tables FOLDER

FOLDER as for `benchmarks.predictors`, with `truth/resnet20_cifar100_first500.json` too. Each draw chooses among half of
the networks of a table (2,000 at most) and is judged on the other half. `--noise` adds Gaussian noise to labels, in
standard deviations of the truth.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.stats import kendalltau

from benchmarks.predictors import nasbench_macro, nats_size
from toolkit.candidates import read_candidates
from toolkit.predictors.columns import Features
from toolkit.predictors.design import d_optimal
from toolkit.predictors.predictor import Options, fit
from toolkit.spaces import SPACES


def tables(folder: Path) -> Iterator[tuple[str, Features, np.ndarray]]:
    space = SPACES["resnet20"]
    truth = read_candidates(folder / "truth" / "resnet20_cifar100_first500.json", space)
    archs = [space.parse(code) for code in truth.values()]
    yield "resnet20", Features.of(space, archs), np.array(list(truth.accs.values()))
    for case in (*nats_size(folder), *nasbench_macro(folder)):
        yield case.name, case.features, case.truth


def main() -> None:
    parser = argparse.ArgumentParser(formatter_class=argparse.RawDescriptionHelpFormatter, description=__doc__)
    parser.add_argument("--tables", type=Path, required=True)
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--labels", type=int, nargs="+", default=[40, 80, 160])
    parser.add_argument("--noise", type=float, nargs="+", default=[0.0, 0.5])
    options = parser.parse_args()
    shown = Table("table", "noise", "labels", "random", "D-optimal", "difference (se over draws)", box=None)
    for name, features, truth in tables(options.tables):
        for noise in options.noise:
            for labels in options.labels:
                taus = np.array(
                    [draw(features, truth, labels, noise * truth.std(), seed) for seed in range(options.draws)]
                )
                ahead = taus[:, 1] - taus[:, 0]
                error = ahead.std(ddof=1) / len(ahead) ** 0.5
                means = (f"{value:.3f}" for value in taus.mean(axis=0))
                shown.add_row(name, f"{noise:g}", str(labels), *means, f"{ahead.mean():+.3f} ({error:.3f})")
    Console(width=120).print(shown)


def draw(features: Features, truth: np.ndarray, labels: int, noise: float, seed: int) -> tuple[float, float]:
    """Kendall tau of a random and of a D-optimal choice."""
    rng = np.random.default_rng((seed, labels))
    order = rng.permutation(len(truth))[:4_000]
    pool, others = order[: len(order) // 2], order[len(order) // 2 :]
    matrix = features.take(pool).matrix(list(features.kinds))
    noisy = truth + rng.normal(size=len(truth)) * noise
    found = []
    for chosen in (pool[:labels], pool[d_optimal(matrix, labels)]):
        predictor = fit(features.take(chosen), noisy[chosen], Options())
        found.append(float(kendalltau(predictor.predict(features.take(others)).mean, truth[others]).statistic))
    return found[0], found[1]


if __name__ == "__main__":
    main()
