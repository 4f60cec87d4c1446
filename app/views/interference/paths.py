"""Whole paths against each other, and whether those that differ more disturb each other more."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from app.views.interference.matrix import Matrix, matrix

FEWEST = 5
"""Paths below which nothing is said of a relation: they can be exchanged in too few ways."""


@dataclass(frozen=True)
class Paths:
    """What a measure says of every pair of paths.

    Attributes:
        matrix: of the paths by code, neighbours as like each other as can be.
        distances: Hamming distance of each pair, in the matrix's order; shape (paths, paths).
        pairs: `first`, `second`, `distance`, `value`, `error`, one row per pair.
    """

    matrix: Matrix
    distances: "np.ndarray[tuple[int, int], np.dtype[np.int64]]"
    pairs: pd.DataFrame


def paths(table: pd.DataFrame, measure: str, *, symmetric: bool) -> Paths | None:
    """The measure's rows about paths through the whole network; None if there are none."""
    rows = table[(table["measure"] == measure) & (table["distance"] >= 0) & (table["block"] < 0)]
    rows = rows.dropna(subset="value")
    if rows.empty:
        return None
    codes = list(dict.fromkeys([*rows["first"], *rows["second"]]))
    order = _ordered(codes, rows)
    found = matrix(rows, order, symmetric=symmetric)
    shown = rows.loc[rows["first"] != rows["second"], ["first", "second", "distance", "value", "error", "n"]]
    return Paths(found, _distances(order, rows), shown.reset_index(drop=True))


def by_distance(pairs: pd.DataFrame) -> pd.DataFrame:
    """The mean at each distance: `distance`, `value`, `margin` (normal, over the pairs; NaN for one), `pairs`."""
    grouped = pairs.groupby("distance")["value"].agg(["mean", "std", "count"]).reset_index()
    grouped = grouped.assign(margin=1.96 * grouped["std"] / np.sqrt(grouped["count"]))
    return grouped.rename(columns={"mean": "value", "count": "pairs"})[["distance", "value", "margin", "pairs"]]


def falls(found: Paths, draws: int = 2000) -> tuple[float, float]:
    """Kendall's tau between distance and value over pairs of paths, and how often chance goes as far (Mantel's test).

    Pairs that share a path are not independent, so chance is: the same distances with the paths exchanged. NaN where
    there are too few paths, or pairs without a number.
    """
    from scipy import stats  # slow to load
    from scipy.spatial.distance import squareform

    values = (found.matrix.values + found.matrix.values.T) / 2
    upper = np.triu_indices(len(values), 1)
    ranks, apart = stats.rankdata(values[upper]), stats.rankdata(found.distances[upper])
    if len(values) < FEWEST or np.isnan(values[upper]).any() or np.ptp(apart) == 0 or np.ptp(ranks) == 0:
        return np.nan, np.nan
    square, rng = squareform(apart), np.random.default_rng(0)
    orders = (rng.permutation(len(values)) for _ in range(draws))
    centred = ranks - ranks.mean()  # so that products stand for correlations: exchanging leaves the spread as it is
    drawn = np.array([square[np.ix_(order, order)][upper] @ centred for order in orders])
    further = int(np.sum(np.abs(drawn) >= abs(apart @ centred) - 1e-9))
    return float(stats.kendalltau(apart, ranks).statistic), (further + 1) / (draws + 1)


def _distances(codes: list[str], rows: pd.DataFrame) -> "np.ndarray[tuple[int, int], np.dtype[np.int64]]":
    place = {code: number for number, code in enumerate(codes)}
    found = np.zeros((len(codes), len(codes)), dtype=np.int64)
    i, j = (rows[end].map(place).to_numpy(np.intp) for end in ("first", "second"))
    found[i, j] = found[j, i] = rows["distance"]
    return found


def _ordered(codes: list[str], rows: pd.DataFrame) -> list[str]:
    """Such that neighbours differ little: the leaves of a tree of mean distances, ordered optimally."""
    if len(codes) < 3:
        return codes
    from scipy.cluster.hierarchy import leaves_list, linkage  # slow to load
    from scipy.spatial.distance import squareform

    tree = linkage(squareform(_distances(codes, rows).astype(float)), "average", optimal_ordering=True)
    return [codes[leaf] for leaf in leaves_list(tree)]
