"""How well a score ranks, beside what costs nothing: correlations with intervals, and paired differences."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from pydantic import ConfigDict, TypeAdapter

from app.store import kept_table
from app.views.ranking.subject import SCORE, Subject
from toolkit.ranking.concordance import FloatArray
from toolkit.ranking.metrics import CORE, MAIN, METRICS
from toolkit.ranking.paired import interval, judge_together
from toolkit.ranking.priors import MACS
from toolkit.ranking.report import Estimate, Verdict
from toolkit.ranking.uncertainty import Sampled, combine
from toolkit.ranking.verdicts import verdicts

TOPS = ("top_half", "top_tenth")
SHOWN = (*CORE, *TOPS)
"""The metrics that every estimator gets."""

DRAWN_UP_TO = 1000
"""So many networks are resampled; with more the jackknife serves, which says the same in a fraction of a second."""

RESAMPLES = 1000


@dataclass(frozen=True)
class Judgement:
    """Several estimators of the same networks, the score first.

    Attributes:
        estimators: by name, then by metric.
        differences: the score's metrics less those of each other estimator.
        errors: of the differences of Kendall tau, the standard error.
        given_macs: the score's correlations if MACs are held fixed; empty where they are not known, or all equal.
        networks: how many it rests on.
        drawn: intervals come from the bootstrap, not from the jackknife.
    """

    estimators: Mapping[str, Mapping[str, Estimate]]
    differences: Mapping[str, Mapping[str, Estimate]]
    errors: Mapping[str, float]
    given_macs: Mapping[str, Estimate]
    networks: int
    drawn: bool

    __pydantic_config__ = ConfigDict(ser_json_inf_nan="constants")

    @property
    def tau(self) -> Estimate:
        """The score's Kendall tau."""
        return self.estimators[SCORE][MAIN]

    @cached_property
    def verdicts(self) -> dict[str, Verdict]:
        """By other estimator, whether the score's Kendall tau is better, with 95% confidence in all together."""
        ahead = [found[MAIN] for found in self.differences.values()]
        judged = verdicts(ahead, [self.errors[name] for name in self.differences], self.networks)
        return dict(zip(self.differences, judged, strict=True))


_AS_JSON = TypeAdapter(Judgement)


def judge(subject: Subject) -> Judgement:
    """Everything that intervals are needed for. The most expensive view by far, so it is kept for the next server."""

    def judged() -> pd.DataFrame:
        return pd.DataFrame({"judgement": [_AS_JSON.dump_json(_judge(subject))]})

    kept = kept_table("judgement", [subject.digest.encode()], judged)
    return _AS_JSON.validate_json(kept["judgement"].iloc[0])


def _judge(subject: Subject) -> Judgement:
    columns = {SCORE: subject.pairs.scores, **subject.beside}
    truth, networks = subject.pairs.truth, len(subject)
    resamples = RESAMPLES if networks <= DRAWN_UP_TO else 0
    found = dict(zip(columns, judge_together(list(columns.values()), truth, SHOWN, resamples), strict=True))
    ahead = {name: combine(np.subtract, found[SCORE], other) for name, other in found.items() if name != SCORE}
    given = {}
    if MACS in columns:
        (between,) = judge_together([columns[SCORE]], columns[MACS], CORE, resamples)
        given = estimates(combine(_partial, found[SCORE], found[MACS], between), CORE)
    return Judgement(
        {name: estimates(sampled) for name, sampled in found.items()},
        {name: estimates(sampled, bounded=False) for name, sampled in ahead.items()},
        {name: float(sampled.jackknife_error()[SHOWN.index(MAIN)]) for name, sampled in ahead.items()},
        given,
        networks,
        drawn=resamples > 0,
    )


def estimates(sampled: Sampled, metrics: tuple[str, ...] = SHOWN, *, bounded: bool = True) -> dict[str, Estimate]:
    """Numbers with their intervals, by metric."""
    ends = interval(sampled, bounded=bounded)
    return {
        name: Estimate(**dict(zip(("value", "low", "high"), map(_known, numbers), strict=True)))
        for name, *numbers in zip(metrics, sampled.values.tolist(), *(end.tolist() for end in ends), strict=True)
    }


def table(named: Mapping[str, Mapping[str, Estimate]]) -> pd.DataFrame:
    """One row per estimator and metric: `estimator`, `metric` (its label), `value`, `low`, `high`; NaN: undefined."""
    return pd.DataFrame(_rows(named), columns=["estimator", "metric", "value", "low", "high"]).astype(
        {"value": float, "low": float, "high": float}
    )


def every_metric(subject: Subject, *, beside: bool) -> pd.DataFrame:
    """Every metric of the score, without intervals: `metric`, then a column for each estimator.

    Args:
        beside: of all that stands beside it too.
    """
    columns = {SCORE: subject.pairs.scores, **(subject.beside if beside else {})}
    table = {
        name: [metric(column, subject.pairs.truth) for metric in METRICS.values()] for name, column in columns.items()
    }
    return pd.DataFrame({"metric": [metric.label for metric in METRICS.values()], **table})


def _rows(
    named: Mapping[str, Mapping[str, Estimate]],
) -> Iterator[tuple[str, str, float | None, float | None, float | None]]:
    for name, metrics in named.items():
        for metric, estimate in metrics.items():
            yield name, METRICS[metric].label, estimate.value, estimate.low, estimate.high


def _known(number: float) -> float | None:
    return None if np.isnan(number) else number


def _partial(score: FloatArray, macs: FloatArray, between: FloatArray) -> FloatArray:
    """The score's correlations with the truth, MACs held fixed; from either's with the truth, and those between them.

    The first two arrays hold `SHOWN`, the last holds `CORE`.
    """
    xy, zy = score[..., : len(CORE)], macs[..., : len(CORE)]
    return np.asarray((xy - between * zy) / np.sqrt((1 - between**2) * (1 - zy**2)))
