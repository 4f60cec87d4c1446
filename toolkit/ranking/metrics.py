"""Rank correlations between estimates of some networks' accuracy and the truth.

Conventions: larger is better on both sides (negate a loss first); ties count as ties and are never broken. A column in
which all values are equal has no correlation with anything: NaN. All cost O(n log n) for n networks.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from scipy import stats

FloatArray = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.floating[Any]] | npt.NDArray[np.integer[Any]]


def kendall(estimates: Numbers, truth: Numbers) -> FloatArray:
    """Kendall's tau_b, which corrects for ties on either side: what the field and both challenges call Kendall tau."""
    return np.array([stats.kendalltau(estimate, truth, variant="b").statistic for estimate in estimates])


def spearman(estimates: Numbers, truth: Numbers) -> FloatArray:
    """Spearman's rho: Pearson's r of the ranks, equal values sharing the mean of theirs."""
    return pearson(stats.rankdata(estimates, axis=1), stats.rankdata(truth))


def pearson(estimates: Numbers, truth: Numbers) -> FloatArray:
    """Pearson's r: how nearly linear the relation is. One outlier can decide it.

    By numpy, because `scipy.stats.pearsonr` takes several times as long to find the same.
    """
    columns = np.vstack([estimates, truth]).astype(np.float64)
    columns -= columns[:, :1]  # makes a constant column exactly 0, hence undefined, whatever rounding its mean suffers
    with np.errstate(divide="ignore", invalid="ignore"):
        matrix = cast(FloatArray, np.corrcoef(columns))
    return matrix[-1, :-1]


@dataclass(frozen=True, slots=True)
class Metric:
    """A rank correlation.

    Attributes:
        label: what tables call it.
        compute: from estimates of shape (estimators, networks) and the truth (networks,), one value per estimator.
        ordinal: it depends on the order alone, so that ranks may stand for the values.
    """

    label: str
    compute: Callable[[Numbers, Numbers], FloatArray]
    ordinal: bool


METRICS = {
    "kendall": Metric("Kendall tau", kendall, ordinal=True),
    "spearman": Metric("Spearman", spearman, ordinal=True),
    "pearson": Metric("Pearson", pearson, ordinal=False),
}


def correlations(estimate: npt.ArrayLike, truth: npt.ArrayLike) -> dict[str, float]:
    """Every metric, by name, of one estimate and the truth, both of shape (networks,); NaN where undefined."""
    estimates = np.asarray(estimate, dtype=np.float64)[None]
    return {name: float(metric.compute(estimates, np.asarray(truth))[0]) for name, metric in METRICS.items()}
