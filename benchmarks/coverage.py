"""How often the intervals of the rank report hold what they should: a simulation over every metric and P@K.

Truths are Gaussian accuracies, and so are scores, with a correlation of 0.6 or as asked. An interval should hold the
mean of the metric over all samples of so many networks, which 4,000 others tell. `ties` rounds the truth to half a
percent and the score to one, which leaves a dozen different values and eight.

Run it from the root of the checkout: python -m benchmarks.coverage [samples] [draws] [correlation]
"""

import sys
from collections.abc import Callable

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from toolkit.ranking.assembly import rank_report
from toolkit.ranking.concordance import FloatArray
from toolkit.ranking.metrics import MAIN, METRICS
from toolkit.ranking.pairs import Pairs
from toolkit.ranking.selection import SHARES, selections, sizes
from toolkit.ranking.uncertainty import LEVEL

NETWORKS = (30, 100, 500)
OTHERS = 4000
DIFFERENCE = "Kendall tau less that of a score as good"
ROUNDING = 1e-9

Sample = tuple[FloatArray, FloatArray, FloatArray]
"""A score, another as good, and the truth; of shape (networks,)."""


Make = Callable[[int, tuple[int, ...], float], Sample]
"""From a number of networks, a seed and the correlation of scores and truths."""


def continuous(networks: int, seed: tuple[int, ...], correlation: float) -> Sample:
    """Without ties."""
    truth, *noise = np.random.default_rng(seed).normal(size=(3, networks))
    score, rival = (correlation * truth + np.sqrt(1 - correlation**2) * each for each in noise)
    return 0.6 + 0.02 * score, 0.6 + 0.02 * rival, 0.7 + 0.012 * truth


def tied(networks: int, seed: tuple[int, ...], correlation: float) -> Sample:
    """With many."""
    score, rival, truth = continuous(networks, seed, correlation)
    return score.round(2), rival.round(2), np.round(truth * 200) / 200


def values(score: FloatArray, truth: FloatArray) -> FloatArray:
    """Every metric, then P@top of every size."""
    picks = selections(score, truth, sizes(len(truth)))
    return np.array([*(metric(score, truth) for metric in METRICS.values()), *(pick.top for pick in picks)])


def names(networks: int) -> list[str]:
    """Of the rows."""
    overlaps = [f"P@top {size / networks:.0%}" if size / networks in SHARES else "" for size in sizes(networks)]
    return [*(metric.label for metric in METRICS.values()), *overlaps, DIFFERENCE]


def coverage(make: Make, networks: int, samples: int, draws: int, correlation: float) -> FloatArray:
    """Of every number: how often its interval held, how often it lay below or above, and how often there was none.

    The last is the difference of two Kendall taus. Shape (numbers, 4), as shares.
    """
    others = [make(networks, (1, networks, seed), correlation) for seed in range(OTHERS)]
    wanted = np.append(_mean([values(score, truth) for score, _, truth in others]), 0.0)
    found = np.zeros((len(wanted), 4))
    for seed in track(range(samples), f"{networks} networks, {make.__name__}", transient=True):
        score, rival, truth = make(networks, (0, networks, seed), correlation)
        pairs = Pairs(tuple(range(networks)), score, truth, 0, 0, rivals={"rival": rival})
        report = rank_report(pairs, {}, resamples=draws, seed=seed)
        told = [*report.score.metrics.values(), *(pick.top for pick in report.score.picks)]
        told.append(report.rivals[0].difference[MAIN])
        ends = np.array([(each.low, each.high) for each in told], dtype=np.float64)  # NaN: no interval
        below, above = ends[:, 1] < wanted - ROUNDING, ends[:, 0] > wanted + ROUNDING
        none = np.isnan(ends[:, 0])
        found += np.stack([~(below | above | none), below, above, none], axis=1)
    return found / samples


def _mean(rows: list[FloatArray]) -> FloatArray:
    """Of every column what is defined; NaN where nothing is, as in the top tenth of 30."""
    known = ~np.isnan(rows)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.nansum(rows, axis=0) / known.sum(axis=0))


def main() -> None:
    given = sys.argv[1:] + ["500", "1000", "0.6"][len(sys.argv) - 1 :]
    samples, draws, correlation = int(given[0]), int(given[1]), float(given[2])
    title = f"Of {samples:,} intervals at {LEVEL:.0%}, {draws:,} draws each: % that hold the true value (below, above)"
    table = Table("", title=title)
    columns: list[dict[str, str]] = []
    for make in (continuous, tied):
        for networks in NETWORKS:
            table.add_column(f"{networks:,}{' ties' if make is tied else ''}", justify="right")
            found = coverage(make, networks, samples, draws, correlation)
            columns.append(dict(zip(names(networks), map(_cell, found), strict=True)))
    for name in dict.fromkeys(name for column in columns for name in column if name):
        table.add_row(name, *(column.get(name, "") for column in columns))
    Console(width=150).print(table)
    Console(width=150).print("*: where there was an interval; in some samples it was undefined, or not given.")


def _cell(shares: FloatArray) -> str:
    held, below, above, none = shares
    if none == 1:
        return "-"
    known = 1 - none
    gaps = "*" if none > 0.01 else ""
    return f"{100 * held / known:.1f} ({100 * below / known:.1f}, {100 * above / known:.1f}){gaps}"


if __name__ == "__main__":
    main()
