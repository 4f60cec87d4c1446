"""Whether interference is where the ranking is wrong: misjudged branches, beside what was measured of them."""

from typing import Literal

import numpy as np
import pandas as pd

from app.views.interference.readings import FloatArray, by_branch, margin, means
from app.views.ranking.estimates import RESAMPLES, estimates
from app.views.ranking.misjudged import branches
from app.views.ranking.subject import Subject
from toolkit.ranking.concordance import Copies
from toolkit.ranking.measure import Measure
from toolkit.ranking.metrics import FEW, MAIN
from toolkit.ranking.report import Estimate
from toolkit.ranking.uncertainty import Sampled, bootstrap
from toolkit.spaces.base import matrix

Per = Literal["branch", "decision"]

CLEAREST = 10
"""Branches that are listed; the download has all."""


def clearest(subject: Subject, count: int = CLEAREST) -> pd.DataFrame:
    """The branches whose mean shift is furthest from 0 in terms of its error, as a forest of one panel shows them.

    `estimator` (decision = option), `metric`, `value`, `low`, `high`; the most under-estimated first.
    """
    table = branches(subject).dropna(subset="low")
    table = table[(table["networks"] >= FEW) & (table["high"] > table["low"])]
    score = (table["shift"].abs() / (table["high"] - table["low"])).sort_values(ascending=False)
    table = table.loc[score.index[:count]].sort_values("shift", ascending=False)
    named = table["decision"] + " = " + table["option"] + "  (" + table["networks"].map("{:,}".format) + ")"
    return pd.DataFrame(
        {"estimator": named, "metric": "", "value": table["shift"], "low": table["low"], "high": table["high"]}
    )


def explained(subject: Subject) -> pd.DataFrame:
    """How much of the ranking error each decision explains: `decision`, `share` in percent.

    Epsilon squared of a one-way analysis of variance of the shifts of rank by the option chosen: the variance between
    the options less what chance alone puts there, so that it is about 0, and may be below, where there is nothing.
    """
    columns = ["decision", "share"]
    if subject.space is None:
        return pd.DataFrame(columns=columns)
    shifts, answers = subject.table["shift"].to_numpy(), matrix(subject.archs)
    rows = []
    for number, decision in enumerate(subject.space.decisions):
        there = answers[:, number] >= 0
        groups = [shifts[there & (answers[:, number] == answer)] for answer in range(len(decision.options))]
        groups = [group for group in groups if len(group)]
        rows.append((decision.name, 100 * _epsilon_squared(groups)))
    return pd.DataFrame(rows, columns=columns).dropna()


def points(subject: Subject, cells: pd.DataFrame, per: Per) -> pd.DataFrame:
    """Interference beside ranking error, where both are known.

    `name`, `decision`, `interference`, `interference_margin`, `error`, `error_margin` (half of a 95 % interval, NaN if
    unknown).
    The error of a branch is how far it is misjudged, in either direction, in percent of all ranks; that of a decision
    is `explained`. What stands in several blocks counts with its mean over them.

    Args:
        cells: of one measure.
    """
    on = ["decision", "branch"] if per == "branch" else ["decision"]
    measured = means(by_branch(cells), on)
    measured = measured[on].assign(interference=measured["value"], interference_margin=margin(measured))
    if per == "branch":
        table = branches(subject).rename(columns={"option": "branch"})
        table = table[table["networks"] >= FEW].assign(
            error=lambda t: t["shift"].abs(), error_margin=lambda t: (t["high"] - t["low"]) / 2
        )
    else:
        table = explained(subject).rename(columns={"share": "error"}).assign(error_margin=np.nan)
    both = measured.merge(table, on=on)
    name = both["decision"] + " = " + both["branch"] if per == "branch" else both["decision"]
    columns = ["name", "decision", "interference", "interference_margin", "error", "error_margin"]
    return both.assign(name=name)[columns].dropna(subset=["interference", "error"])


def correlation(points: pd.DataFrame) -> Estimate:
    """Kendall's tau between interference and error, with its 95 % interval from draws of decisions.

    Branches of one decision share networks, and where one is over-estimated another is under-estimated. So a decision
    is drawn with all its branches, or left out with all of them (a cluster bootstrap; Field and Welsh 2007). Fewer than
    ten decisions leave the interval open.
    """
    if len(points) < FEW:
        return Estimate(value=None, low=None, high=None)
    interference, error = (points[name].to_numpy(np.float64) for name in ("interference", "error"))
    measure, decisions = Measure(interference, error, (MAIN,)), pd.factorize(points["decision"])[0]
    count = int(decisions.max()) + 1

    def drawn(copies: Copies) -> FloatArray:
        return measure(copies.take(decisions, axis=1))

    (draws,) = bootstrap([drawn], count, RESAMPLES, seed=0)
    found = estimates(Sampled(measure.values, draws, drawn(1 - np.eye(count, dtype=np.int32))), (MAIN,))[MAIN]
    return found if count >= FEW else Estimate(value=found.value, low=None, high=None)


def _epsilon_squared(groups: list[FloatArray]) -> float:
    """NaN where there is nothing to compare."""
    everything = np.concatenate(groups) if groups else np.empty(0)
    freedom = len(everything) - len(groups)
    total = float(np.sum((everything - everything.mean()) ** 2)) if len(everything) else 0.0
    if len(groups) < 2 or freedom < 1 or total == 0:
        return np.nan
    inside = sum(float(np.sum((group - group.mean()) ** 2)) for group in groups)
    return 1 - (inside / freedom) / (total / (len(everything) - 1))
