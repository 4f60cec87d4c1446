"""How well predictions order networks whose labels they did not see."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from toolkit.predictors.model import FloatArray
from toolkit.ranking.metrics import MAIN
from toolkit.ranking.paired import interval, judge_together
from toolkit.ranking.uncertainty import combine

RESAMPLES = 1_000
MOST_RESAMPLED = 500
"""With more networks the jackknife gives the intervals: the bootstrap would take longer than the prediction."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """Kendall's tau_b of an estimate with labels, and its 95% interval over networks."""

    tau: float
    low: float
    high: float
    networks: int

    def __str__(self) -> str:
        return f"{self.tau:.3f} [{self.low:.3f}, {self.high:.3f}]"


@dataclass(frozen=True, slots=True)
class Gain:
    """By how much one estimate agrees better than another, with the 95% interval of the difference."""

    difference: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.difference:+.3f} [{self.low:+.3f}, {self.high:+.3f}]"


def agreements(estimates: Mapping[str, FloatArray], labels: FloatArray) -> dict[str, Agreement]:
    """Of several estimates with the same labels, all of shape (networks,)."""
    return judge(estimates, labels, next(iter(estimates), ""))[0] if estimates else {}


def judge(
    estimates: Mapping[str, FloatArray], labels: FloatArray, first: str
) -> tuple[dict[str, Agreement], dict[str, Gain]]:
    """Agreements, and what the estimate called `first` gains on each other one."""
    resamples = RESAMPLES if len(labels) <= MOST_RESAMPLED else 0
    sampled = dict(
        zip(estimates, judge_together(list(estimates.values()), labels, [MAIN], resamples=resamples), strict=True)
    )
    found, gains = {}, {}
    for name, each in sampled.items():
        (low,), (high,) = interval(each, bounded=True)
        found[name] = Agreement(float(each.values[0]), float(low), float(high), len(labels))
        if name != first:
            ahead = combine(np.subtract, sampled[first], each)
            (low,), (high,) = interval(ahead, bounded=False)
            gains[name] = Gain(float(ahead.values[0]), float(low), float(high))
    return found, gains
