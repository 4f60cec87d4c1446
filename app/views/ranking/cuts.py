"""What is left of a ranking among the best: Kendall's tau as the range is cut from the top."""

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from app.views.ranking.estimates import estimates
from app.views.ranking.subject import SCORE, Subject
from toolkit.ranking.figures import CUTS
from toolkit.ranking.formulas import TAU_B
from toolkit.ranking.metrics import FEW, MAIN, Indices, PredictedTop, TrueTop
from toolkit.ranking.paired import judge_together
from toolkit.ranking.report import Estimate

By = Literal["truth", "score"]
"""By which side the best are chosen."""


@dataclass(frozen=True)
class Cut:
    """The best share of the networks.

    Attributes:
        networks: how many there are in it.
        tau: of the score, with its interval; None without ten networks.
        others: Kendall's tau of every other estimator.
    """

    share: float
    networks: int
    tau: Estimate | None
    others: Mapping[str, float]


def kept(subject: Subject, share: float, by: By) -> Indices:
    """The rows of `subject.table` that are left."""
    view = TrueTop(share) if by == "truth" else PredictedTop(share)
    return view(subject.pairs.scores, subject.pairs.truth)[0]


def cut(subject: Subject, share: float, by: By) -> Cut:
    """One cut."""
    rows = kept(subject, share, by)
    if len(rows) < FEW:
        return Cut(share, len(rows), None, {})
    truth = subject.pairs.truth[rows]
    (sampled,) = judge_together([subject.pairs.scores[rows]], truth, (MAIN,))
    others = {name: TAU_B.of_columns(column[rows], truth) for name, column in subject.beside.items()}
    return Cut(share, len(rows), estimates(sampled, (MAIN,))[MAIN], others)


def curve(subject: Subject, by: By) -> list[Cut]:
    """Many cuts, from all networks to the best."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # threads help because numpy does not hold the GIL for long
        return list(pool.map(lambda share: cut(subject, share, by), CUTS))


def table(cuts: Sequence[Cut]) -> pd.DataFrame:
    """One row per cut and estimator: `share`, `networks`, `estimator`, `tau`; `low` and `high`, of the score alone."""
    rows = []
    for found in cuts:
        if found.tau is not None:
            rows.append((found.share, found.networks, SCORE, found.tau.value, found.tau.low, found.tau.high))
            rows += [(found.share, found.networks, name, tau, None, None) for name, tau in found.others.items()]
    return pd.DataFrame(rows, columns=["share", "networks", "estimator", "tau", "low", "high"]).astype(
        {"tau": float, "low": float, "high": float}
    )
