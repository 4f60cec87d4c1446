"""What one gets who trusts the estimate: the networks that it puts first, looked at with the truth.

Equal values keep the order of the networks, on either side. So the caller decides about ties by that order; everything
in this package sorts networks by their codes first (`toolkit.ranking.pairs`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from toolkit.ranking.concordance import Copies, FloatArray, Numbers, running_sums

COUNTS = (1, 5, 10, 20, 50)
"""How many one might pick: the K of N@K (GATES)."""

SHARES = (0.001, 0.005, 0.01, 0.05, 0.1, 0.2, 0.5)
"""The same as shares of all networks: the K of P@K, BR@K, WR@K (aw_nas)."""


def sizes(networks: int) -> tuple[int, ...]:
    """How many are picked of so many, in increasing order: `COUNTS` and `SHARES`, rounded down, where that is some."""
    wanted = {*COUNTS, *(int(share * networks) for share in SHARES)}
    return tuple(sorted(size for size in wanted if 0 < size < networks))


def best_first(values: Numbers) -> npt.NDArray[np.intp]:
    """The networks from the best to the worst; equals keep their order."""
    return np.argsort(-values, kind="stable")


@dataclass(frozen=True, slots=True)
class Selection:
    """The `size` networks that the estimate puts first.

    Attributes:
        size: K of N@K; the share of all is that of the other metrics.
        top: P@top K: the share of them that belong to the truly best `size`.
        bottom: P@bottom K: the same of the last.
        best_rank: N@K: the true rank of the truly best among them, from 1; as a share of all, BR@K.
        worst_rank: the true rank of the truly worst among them; as a share of all, WR@K.
        best: its true value.
        regret: what the truly best network of all has more.
    """

    size: int
    top: float
    bottom: float
    best_rank: int
    worst_rank: int
    best: float
    regret: float


def select(estimate: Numbers, truth: Numbers, size: int) -> Selection:
    """Pick the first `size` networks; both columns have shape (networks,)."""
    return selections(estimate, truth, [size])[0]


def selections(estimate: Numbers, truth: Numbers, sizes: Iterable[int]) -> tuple[Selection, ...]:
    """Pick the first networks, so many and so many; the columns, of shape (networks,), are sorted once."""
    true = best_first(truth)
    rank = np.empty(len(true), dtype=np.intp)
    rank[true] = np.arange(1, len(true) + 1)
    ranks, values = rank[best_first(estimate)], truth[true]
    return tuple(_selection(ranks, values, size) for size in sizes)


def _selection(ranks: npt.NDArray[np.intp], values: Numbers, size: int) -> Selection:
    """From true ranks in the order of the estimate, and truths from the best."""
    picked, last = ranks[:size], ranks[-size:]
    best = float(values[picked.min() - 1])
    return Selection(
        size,
        top=np.count_nonzero(picked <= size) / size,
        bottom=np.count_nonzero(last > len(ranks) - size) / size,
        best_rank=int(picked.min()),
        worst_rank=int(picked.max()),
        best=best,
        regret=float(values[0]) - best,
    )


class Overlaps:
    """P@top and P@bottom of several sizes; a `Statistic` for `toolkit.ranking.uncertainty.bootstrap`.

    The numbers of a draw are first all of the top, then all of the bottom.
    """

    def __init__(self, estimate: FloatArray, truth: FloatArray, sizes: Sequence[int]) -> None:
        predicted, true = best_first(estimate), best_first(truth)
        self._sizes = tuple(sizes)
        self._ends = (_End(predicted, true), _End(predicted[::-1], true[::-1]))

    def __call__(self, copies: Copies) -> FloatArray:
        """Shape (draws, 2 x sizes) from (draws, networks). Copies of a network may be parted: some in, some out."""
        return np.concatenate([end.shares(copies, self._sizes) for end in self._ends], axis=1)


class _End:
    """The networks in two orders, of which the first ones are compared."""

    def __init__(self, predicted: npt.NDArray[np.intp], true: npt.NDArray[np.intp]) -> None:
        self._predicted, self._true = predicted, true
        place = np.empty_like(true)
        place[true] = np.arange(len(true))
        self._place = place[predicted]

    def shares(self, copies: Copies, sizes: Sequence[int]) -> FloatArray:
        """How much of the first `size` both orders have in common; shape (draws, sizes)."""
        predicted, true = (running_sums(copies.take(order, axis=1)) for order in (self._predicted, self._true))
        shares = np.empty((len(copies), len(sizes)))
        reached = np.max([row.searchsorted(sizes) for row in predicted], axis=0)
        for number, (size, last) in enumerate(zip(sizes, reached, strict=True)):
            here, place = np.minimum(predicted[:, : last + 1], size), self._place[:last]
            there = np.minimum(true.take(place + 1, axis=1), size) - np.minimum(true.take(place, axis=1), size)
            shares[:, number] = np.minimum(np.diff(here, axis=1), there).sum(axis=1) / size
        return shares
