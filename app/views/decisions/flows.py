"""Parallel coordinates of any number of networks: not a line each, but how many go from option to option.

What is drawn does not grow with the number of networks, nothing is left out, and a brush is a few array operations.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pandas as pd

from app.views.decisions.scored import Scored
from toolkit.spaces import ABSENT

SCORE = "score"
"""The last axis: fifths of the score, the best on top."""

FIFTHS = ("lowest", "low", "middle", "high", "highest")
NOT_THERE = "not there"

Brush = Mapping[str, Sequence[str]]
"""By axis, which of its options are wanted; axes that are not named want all."""


@dataclass(frozen=True)
class Axis:
    """An axis: what its places are called, from below, and where each network stands; shape (networks,)."""

    name: str
    options: tuple[str, ...]
    places: npt.NDArray[np.int64]


def axes(scored: Scored, decisions: Sequence[str]) -> list[Axis]:
    """Those of some decisions, in that order, and of the score."""
    known = [decision.name for decision in scored.space.decisions]
    found = []
    for name in decisions:
        column = scored.answers[:, known.index(name)].astype(np.int64)
        occurring, places = np.unique(column, return_inverse=True)
        options = scored.space.decisions[known.index(name)].options
        labels = tuple(NOT_THERE if each == ABSENT else str(options[each]) for each in occurring)
        found.append(Axis(name, labels, places))
    share = pd.Series(scored.score).rank(method="average", pct=True).to_numpy()
    fifth = np.clip(np.ceil(share * len(FIFTHS)).astype(np.int64) - 1, 0, len(FIFTHS) - 1)
    return [*found, Axis(SCORE, FIFTHS, fifth)]


def kept(drawn: Sequence[Axis], brush: Brush) -> npt.NDArray[np.bool_]:
    """Which networks a brush leaves. What it names and no axis has is passed over."""
    mask = np.ones(len(drawn[0].places), bool)
    for axis in drawn:
        wanted = [place for place, option in enumerate(axis.options) if option in brush.get(axis.name, ())]
        if wanted:
            mask &= np.isin(axis.places, wanted)
    return mask


def flows(drawn: Sequence[Axis], scored: Scored, mask: npt.NDArray[np.bool_]) -> pd.DataFrame:
    """How many networks go from each option to each of the next axis.

    One row per pair that occurs: `axis` (the number of the left one), `left`, `right` (places), `all`, `kept`
    (networks) and `level`, the mean rank of the kept ones by score: 0 the worst, 1 the best; NaN if there are none.
    """
    level = pd.Series(scored.score).rank(method="average", pct=True).to_numpy()
    rows = []
    for number, (left, right) in enumerate(pairwise(drawn)):
        cell = left.places * len(right.options) + right.places
        size = len(left.options) * len(right.options)
        everything, some = np.bincount(cell, minlength=size), np.bincount(cell[mask], minlength=size)
        total = np.bincount(cell[mask], level[mask], minlength=size)
        for each in np.flatnonzero(everything):
            mean = total[each] / some[each] if some[each] else np.nan
            rows.append((number, *divmod(int(each), len(right.options)), int(everything[each]), int(some[each]), mean))
    return pd.DataFrame(rows, columns=["axis", "left", "right", "all", "kept", "level"])


def best(scored: Scored, mask: npt.NDArray[np.bool_], count: int) -> pd.DataFrame:
    """The best of the kept networks: `rank` among all, `id`, `score`, `truth`, `code`."""
    ranks = pd.Series(-scored.score).rank(method="min").astype(int)
    rows = np.flatnonzero(mask)
    rows = rows[np.argsort(-scored.score[rows], kind="stable")][:count]
    return pd.DataFrame(
        {
            "rank": ranks.to_numpy()[rows],
            "id": [scored.ids[row] for row in rows],
            "score": scored.score[rows],
            "truth": scored.truth[rows],
            "code": [scored.codes[row] for row in rows],
        }
    )
