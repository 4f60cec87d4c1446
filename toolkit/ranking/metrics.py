"""Every number that says how well an estimate orders networks: a coefficient, of all networks or of some part of them.

Conventions: larger is better on both sides (negate a loss first); ties count as ties and are never broken.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from toolkit.ranking import formulas
from toolkit.ranking.concordance import Numbers
from toolkit.ranking.formulas import Formula

FEW = 10
"""With fewer networks nothing is claimed: a perfect order stays perfect in every draw, so intervals are too narrow."""

Indices = npt.NDArray[np.intp]
View = Callable[[Numbers, Numbers], tuple[Indices, Numbers, Numbers]]
"""From an estimate and the truth, of shape (networks,): which networks are looked at, and what of either is seen."""


def everything(estimate: Numbers, truth: Numbers) -> tuple[Indices, Numbers, Numbers]:
    """All networks, as they are."""
    return np.arange(len(truth)), estimate, truth


@dataclass(frozen=True, slots=True)
class TrueTop:
    """The networks whose truth is above the quantile 1 - `share`; ties with the quantile are out."""

    share: float

    def __call__(self, estimate: Numbers, truth: Numbers) -> tuple[Indices, Numbers, Numbers]:
        """The networks that are kept, and their numbers as they are."""
        kept = _above(truth, self.share)
        return kept, estimate[kept], truth[kept]


@dataclass(frozen=True, slots=True)
class PredictedTop:
    """The networks whose estimate is above the quantile 1 - `share`; ties with the quantile are out."""

    share: float

    def __call__(self, estimate: Numbers, truth: Numbers) -> tuple[Indices, Numbers, Numbers]:
        """The networks that are kept, and their numbers as they are."""
        kept = _above(estimate, self.share)
        return kept, estimate[kept], truth[kept]


def _above(values: Numbers, share: float) -> Indices:
    if share >= 1 or not len(values):
        return np.arange(len(values))
    return np.flatnonzero(values > np.quantile(values, 1 - share, method="lower"))


@dataclass(frozen=True, slots=True)
class Rounded:
    """The truth rounded to a multiple of `step`, so that differences below the noise of training count as ties."""

    step: float | None = None
    """None: a tenth of a percent, as in the literature; 0.001, or 0.1 where accuracies are percentages."""

    def __call__(self, estimate: Numbers, truth: Numbers) -> tuple[Indices, Numbers, Numbers]:
        """All networks, the truth in multiples of `step`."""
        return np.arange(len(truth)), estimate, np.round(truth / (self.step or _tenth_of_a_percent(truth)))


@dataclass(frozen=True, slots=True)
class Binned:
    """The other variant of the same idea, that of the code of landmark regularisation (CVPR 2021).

    The truth is cut down to a multiple of `step`; then these bins are compared with themselves, read in the order of
    the estimate (equals in the order of the networks). So the estimate is coarsened too, to ranks as wide as the bins.
    """

    step: float | None = None
    """As in `Rounded`."""

    def __call__(self, estimate: Numbers, truth: Numbers) -> tuple[Indices, Numbers, Numbers]:
        """All networks, both sides in bins."""
        steps = truth / (self.step or _tenth_of_a_percent(truth))
        bins = np.floor(steps + 1e-6)  # because 0.3 / 0.1 is less than 3
        seen = np.empty_like(bins)
        seen[np.argsort(estimate, kind="stable")] = np.sort(bins)
        return np.arange(len(truth)), seen, bins


def _tenth_of_a_percent(truth: Numbers) -> float:
    return 0.001 if np.max(truth, initial=0.0) <= 1 else 0.1


@dataclass(frozen=True, slots=True)
class Metric:
    """A coefficient of what a view shows.

    Attributes:
        label: what tables call it.
    """

    label: str
    formula: Formula
    view: View = everything

    def __call__(self, estimate: Numbers, truth: Numbers) -> float:
        """The value, for two columns of shape (networks,); NaN where it is undefined, as of a handful out of many."""
        kept, x, y = self.view(estimate, truth)
        return np.nan if len(kept) < min(FEW, len(truth)) else self.formula.of_columns(x, y)


METRICS = {
    "kendall": Metric("Kendall tau", formulas.TAU_B),
    "top_half": Metric("in the true top half", formulas.TAU_B, TrueTop(0.5)),
    "top_tenth": Metric("in the true top tenth", formulas.TAU_B, TrueTop(0.1)),
    "predicted_half": Metric("in the predicted top half", formulas.TAU_B, PredictedTop(0.5)),
    "predicted_tenth": Metric("in the predicted top tenth", formulas.TAU_B, PredictedTop(0.1)),
    "sparse": Metric("sparse (truth rounded to 0.1 %)", formulas.TAU_B, Rounded()),
    "sparse_binned": Metric("sparse (bins of 0.1 %, landmark)", formulas.TAU_B, Binned()),
    "tau_a": Metric("Kendall tau a", formulas.TAU_A),
    "tau_c": Metric("Kendall tau c", formulas.TAU_C),
    "weighted": Metric("weighted tau", formulas.WEIGHTED),
    "concordant": Metric("concordant pairs", formulas.CONCORDANT),
    "spearman": Metric("Spearman", formulas.SPEARMAN),
    "pearson": Metric("Pearson", formulas.PEARSON),
}

MAIN = "kendall"
"""The metric that verdicts rest on: tau_b."""

CORE = ("kendall", "spearman", "pearson")
"""Those that everybody reports."""


def correlations(estimate: npt.ArrayLike, truth: npt.ArrayLike) -> dict[str, float]:
    """Every metric, by name, of one estimate and the truth, both of shape (networks,); NaN where undefined."""
    x, y = np.asarray(estimate, dtype=np.float64), np.asarray(truth, dtype=np.float64)
    return {name: metric(x, y) for name, metric in METRICS.items()}
