"""Two runs' scores of the same candidates: how far they agree, and who has another place in the other."""

import hashlib
from dataclasses import dataclass

import numpy as np
import pandas as pd

from app.text import printable
from app.views.candidates import Score
from toolkit.predictors.agreement import Agreement, agreements

SHARE = 10
"""The best: one in so many."""

FEWEST = 3


@dataclass(frozen=True)
class Both:
    """Candidates that have a score in two runs.

    Attributes:
        table: one row per candidate: the columns of `views.candidates.joined`, `other` (the score in the other run),
            `rank`, `other_rank` (1 is the best; equal scores share the mean of their ranks) and `moved`: by how many
            places it is better in the other run.
        tau: Kendall's tau_b of the two scores, with its 95 % interval over candidates.
        best: how many the best tenth are.
        kept: how many of them are among the other run's best tenth; chance would have kept a tenth of them.
    """

    table: pd.DataFrame
    tau: Agreement
    best: int
    kept: int


@dataclass(frozen=True)
class Two:
    """What two runs say of the same candidates.

    Attributes:
        frame: `views.candidates.joined` of the one.
        results: `views.candidates.results` of the other, by code.
    """

    frame: pd.DataFrame
    results: pd.DataFrame
    score: Score

    @property
    def digest(self) -> str:
        """SHA-256 of what `both` needs."""
        content = hashlib.sha256(repr((self.score, len(self.frame))).encode())
        for codes, values in ((self.frame["code"], self.frame), (self.results.index, self.results)):
            content.update("\n".join(codes).encode())
            content.update(values[self.score.column].to_numpy(float).tobytes())
        return content.hexdigest()


def both(two: Two) -> Both | None:
    """Set them side by side; None if the two share too few candidates."""
    frame, score = two.frame, two.score
    theirs = frame["code"].map(two.results[score.column])
    table = frame.assign(other=theirs).dropna(subset=[score.column, "other"])
    if len(table) < FEWEST:
        return None
    sign = 1 if score.higher_is_better else -1
    own_values, their_values = sign * table[score.column].to_numpy(float), sign * table["other"].to_numpy(float)
    own, their = (pd.Series(-values, table.index).rank() for values in (own_values, their_values))
    best = max(1, len(table) // SHARE)
    tau = agreements({"": their_values}, own_values)[""]
    kept = int(np.isin(own.nsmallest(best).index, their.nsmallest(best).index).sum())
    return Both(table.assign(rank=own, other_rank=their, moved=own - their), tau, best, kept)


def movers(found: Both, count: int) -> pd.DataFrame:
    """Those whose place differs most, `count` each way, the furthest first."""
    ordered = found.table.sort_values("moved", kind="stable")
    ends = pd.concat([ordered[ordered["moved"] < 0].head(count), ordered[ordered["moved"] > 0].tail(count)])
    return ends.loc[ends["moved"].abs().sort_values(ascending=False, kind="stable").index]


def words(found: Both, name: str, other: str) -> str:
    """The agreement in a sentence."""
    name, other = printable(name), printable(other)
    return (
        f"{name} and {other} agree with Kendall tau {found.tau.tau:.2f} [{found.tau.low:.2f}, {found.tau.high:.2f}] on "
        f"{len(found.table):,} networks; {found.kept:,} of the best {found.best:,} of {name} are among the best "
        f"{found.best:,} of {other}, where chance would leave {found.best**2 / len(found.table):,.0f}."
    )
