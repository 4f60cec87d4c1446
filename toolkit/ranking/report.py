"""How good is this ranking? Every metric with its interval, beside what MACs and parameters reach for nothing."""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import Literal, TypeVar

import numpy as np
from pydantic import BaseModel, ConfigDict

from toolkit.ranking.metrics import METRICS, FloatArray, correlations
from toolkit.ranking.pairs import Pairs
from toolkit.ranking.uncertainty import bootstrap, interval

MAIN = "kendall"
"""The metric that verdicts rest on."""

FEW = 10
"""With fewer networks no verdict is given: a perfect order stays perfect in every draw, so intervals are too narrow."""

Verdict = Literal["better", "worse", "undecided"]
Network = TypeVar("Network", bound=Hashable)


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Estimate(_Record):
    """A number with its 95% interval; all None where it is undefined, as the correlation with a constant is."""

    value: float | None
    low: float | None
    high: float | None

    def show(self, sign: Literal["", "+"] = "") -> str:
        """Such as `0.72 [0.70, 0.74]`, with as many digits as the interval is worth; `sign="+"` for differences."""
        if self.value is None or self.low is None or self.high is None:
            return "undefined"
        digits = 2 if self.high - self.low >= 0.02 else 3
        return f"{self.value:{sign}.{digits}f} [{self.low:.{digits}f}, {self.high:.{digits}f}]"


class Ties(_Record):
    """How many different values a column has, and the share of its pairs that are equal."""

    distinct: int
    pairs: float


class Estimator(_Record):
    """How well one column of numbers ranks the networks; `metrics` has the names in `METRICS`."""

    name: str
    ties: Ties
    metrics: dict[str, Estimate]


class Prior(Estimator):
    """An estimator that costs nothing, to compare the score with.

    Attributes:
        difference: the score's metrics minus this prior's, on the same draws of networks.
        verdict: whether the score's Kendall tau is better, with 95% confidence.
    """

    difference: dict[str, Estimate]
    verdict: Verdict


class RankReport(_Record):
    """The whole answer.

    Attributes:
        summary: the answer in words.
        notes: what a reader should know before believing it.
        networks: how many networks it rests on.
        without_truth, without_score: how many others have a score only, or a truth only.
    """

    summary: str
    notes: tuple[str, ...]
    networks: int
    without_truth: int
    without_score: int
    truth: Ties
    score: Estimator
    priors: tuple[Prior, ...]
    resamples: int
    seed: int


def rank_report(
    pairs: Pairs[Network],
    priors: Mapping[str, FloatArray],
    *,
    resamples: int = 1000,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> RankReport:
    """Compare scores with the truth, and with what each prior would have scored.

    Args:
        priors: by name, values for `pairs.networks`, each of shape (networks,).
        progress: called with (done, total) after every resample.
    """
    columns = np.vstack([pairs.scores, *priors.values()])
    values = np.array([list(correlations(column, pairs.truth).values()) for column in columns])
    drawn = bootstrap(columns, pairs.truth, resamples, seed, progress)
    metrics = _estimates(
        np.vstack([values, values[0] - values[1:]]),
        np.concatenate([drawn, drawn[:, :1] - drawn[:, 1:]], axis=1),
    )
    score = Estimator(name="score", ties=_ties(pairs.scores), metrics=metrics[0])
    alone, differences = metrics[1 : len(columns)], metrics[len(columns) :]
    beside = tuple(
        Prior(
            name=name,
            ties=_ties(column),
            metrics=own,
            difference=difference,
            verdict=_verdict(difference[MAIN], len(pairs.networks)),
        )
        for (name, column), own, difference in zip(priors.items(), alone, differences, strict=True)
    )
    return RankReport(
        summary=_summary(len(pairs.networks), score, beside),
        notes=tuple(_notes(pairs, score, beside)),
        networks=len(pairs.networks),
        without_truth=pairs.without_truth,
        without_score=pairs.without_score,
        truth=_ties(pairs.truth),
        score=score,
        priors=beside,
        resamples=resamples,
        seed=seed,
    )


def _estimates(values: FloatArray, drawn: FloatArray) -> list[dict[str, Estimate]]:
    """For every estimator, every metric with its interval; shapes (estimators, metrics), (resamples, same)."""

    def estimate(*numbers: float) -> Estimate:
        value, low, high = (None if np.isnan(number) else float(number) for number in numbers)
        return Estimate(value=value, low=low, high=high)

    return [
        {name: estimate(*numbers) for name, *numbers in zip(METRICS, *columns, strict=True)}
        for columns in zip(values, *interval(drawn), strict=True)
    ]


def _ties(column: FloatArray) -> Ties:
    _, counts = np.unique(column, return_counts=True)
    every = len(column) * (len(column) - 1)
    return Ties(distinct=len(counts), pairs=float((counts * (counts - 1)).sum() / every))


def _verdict(difference: Estimate, networks: int) -> Verdict:
    if networks < FEW or difference.low is None or difference.high is None:
        return "undecided"
    if difference.low > 0:
        return "better"
    return "worse" if difference.high < 0 else "undecided"


def _summary(networks: int, score: Estimator, priors: Sequence[Prior]) -> str:
    alone = [f"{prior.name} alone {prior.metrics[MAIN].show()}" for prior in priors]
    answers = {"better": "yes", "worse": "no, worse", "undecided": f"cannot be told from {networks:,} networks"}
    sentences = [
        "; ".join([f"{METRICS[MAIN].label} {score.metrics[MAIN].show()} on {networks:,} networks", *alone]),
        *(
            f"Better than {prior.name}: {answers[prior.verdict]} (difference {prior.difference[MAIN].show('+')})"
            for prior in priors
        ),
    ]
    return ". ".join(sentences) + "."


def _notes(pairs: Pairs[Network], score: Estimator, priors: Sequence[Prior]) -> Iterator[str]:
    networks = len(pairs.networks)
    if networks < FEW:
        yield f"{networks} networks are too few: their intervals are too narrow, and no verdict is given below {FEW}."
    if pairs.without_score:
        yield f"{pairs.without_score:,} networks of the truth have no score and are left out."
    zeros = int(np.count_nonzero(pairs.scores == 0))
    if zeros and pairs.scores.min() == 0:
        yield f"{zeros:,} scores are exactly 0: if these were never filled in, everything above is wrong."
    high = score.metrics[MAIN].high
    if high is not None and high < 0:
        yield "The score ranks the networks backwards; if it is a loss, negate it."
    for prior in priors:
        if prior.ties.distinct == 1:
            yield f"All networks have the same {prior.name}: as a prior it says nothing."
