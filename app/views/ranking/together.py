"""Several scores of the same networks side by side, and which of them is really better."""

import hashlib
import itertools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from app.views.ranking.estimates import DRAWN_UP_TO, RESAMPLES, SHOWN, estimates
from app.views.ranking.subject import TRUTH
from toolkit.ranking.concordance import FloatArray
from toolkit.ranking.formulas import TAU_B
from toolkit.ranking.metrics import MAIN
from toolkit.ranking.paired import judge_together
from toolkit.ranking.pairs import pair
from toolkit.ranking.report import Estimate, Verdict
from toolkit.ranking.uncertainty import combine
from toolkit.ranking.verdicts import verdicts


@dataclass(frozen=True, slots=True)
class Test:
    """A paired test of two scores: whether the first has the higher Kendall tau, on the same draws of networks.

    The verdict holds with 95% confidence in all tests together.
    """

    first: str
    second: str
    difference: Estimate
    verdict: Verdict


@dataclass(frozen=True)
class Together:
    """What several scores have in common.

    Attributes:
        networks: how many have every score and a truth.
        estimators: by name, then by metric.
        taus: Kendall's tau of every two of them and the truth, a square table.
        tests: every pair of scores, once.
    """

    networks: int
    estimators: Mapping[str, Mapping[str, Estimate]]
    taus: pd.DataFrame
    tests: tuple[Test, ...]


@dataclass(frozen=True)
class Scores:
    """Several scores by name, and the truth, each by network."""

    by_name: Mapping[str, Mapping[str, float]]
    truth: Mapping[str, float]

    @property
    def digest(self) -> str:
        """SHA-256 of all of it."""
        content = hashlib.sha256()
        for name, side in {**self.by_name, TRUTH: self.truth}.items():
            content.update("\n".join((name, str(len(side)), *side)).encode())
            content.update(np.fromiter(side.values(), np.float64, len(side)).tobytes())
        return content.hexdigest()


def together(everything: Scores) -> Together:
    """Compare scores.

    Raises:
        InputError: they have too few networks in common, or one is constant on those.
    """
    scores, truth = everything.by_name, everything.truth
    first, *others = scores
    pairs = pair(scores[first], truth, (first, "the truth"), rivals={name: scores[name] for name in others})
    columns: dict[str, FloatArray] = {first: pairs.scores, **pairs.rivals}
    networks = len(pairs.networks)
    resamples = RESAMPLES if networks <= DRAWN_UP_TO else 0
    found = dict(zip(columns, judge_together(list(columns.values()), pairs.truth, SHOWN, resamples), strict=True))
    both = list(itertools.combinations(columns, 2))
    less = [combine(np.subtract, found[one], found[other]) for one, other in both]
    ahead = [estimates(each, bounded=False)[MAIN] for each in less]
    judged = verdicts(ahead, [float(each.jackknife_error()[SHOWN.index(MAIN)]) for each in less], networks)
    tests = [Test(*names, each, verdict) for names, each, verdict in zip(both, ahead, judged, strict=True)]
    sides = {TRUTH: pairs.truth, **columns}
    taus = [[TAU_B.of_columns(x, y) for x in sides.values()] for y in sides.values()]
    return Together(
        networks,
        {name: estimates(sampled) for name, sampled in found.items()},
        pd.DataFrame(taus, index=list(sides), columns=list(sides)),
        tuple(tests),
    )
