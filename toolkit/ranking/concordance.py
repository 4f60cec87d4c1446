"""How two columns order the networks, counted network by network, for draws that hold networks any number of times.

Intervals rest on this: the bootstrap draws some networks twice and others not at all, the jackknife leaves each out
once. scipy counts pairs as well, but sorts anew for every draw and tells the total only. Here the columns are sorted
once, and every count costs O(n log n) additions.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

FloatArray: TypeAlias = npt.NDArray[np.float64]
Array: TypeAlias = npt.NDArray[Any]
Copies: TypeAlias = npt.NDArray[np.int32]
Numbers: TypeAlias = npt.NDArray[np.floating[Any]] | npt.NDArray[np.integer[Any]]
_Indices: TypeAlias = npt.NDArray[np.intp]


class Concordance:
    """Two columns, sorted.

    Attributes:
        x, y: the columns less their means, of shape (networks,).
        by_x, by_y: the networks in the order of one column.
        by_xy, by_yx: in the order of one column, and of the other where that is tied.
    """

    def __init__(self, x: Numbers, y: Numbers) -> None:
        self.x, self.y = (column - np.mean(column) if len(column) else column.astype(float) for column in (x, y))
        self.by_x, self.by_y = Order(x), Order(y)
        ranks = self.by_x.ranks, self.by_y.ranks
        self.by_xy, self.by_yx = Order(*ranks), Order(*ranks[::-1])
        self.both_lower = BothLower(*ranks)

    def count(self, copies: Copies) -> "Standing":
        """Count where network i stands `copies[..., i]` times; shape (draws, networks)."""
        return Standing(self, copies)

    def once(self) -> "Standing":
        """Count where every network stands once: a single draw."""
        return self.count(np.ones((1, len(self.x)), dtype=np.int32))


@dataclass(frozen=True, slots=True)
class PairCounts:
    """Ordered pairs of different networks, so that each pair counts twice: one number for each of several samples.

    Attributes:
        networks: how many networks a sample has.
        different: pairs of different networks, however often a sample holds either: two copies of one are no pair.
        concordant: pairs that both columns order alike.
        agreement: concordant less discordant pairs.
        untied_x, untied_y: pairs with different values in one column.
        distinct: how many different values the column with fewer of them has, of all networks: a draw lacks a third of
            them, and so many values.
    """

    networks: Array
    different: Array
    concordant: Array
    agreement: Array
    untied_x: Array
    untied_y: Array
    distinct: Array


class Standing:
    """What each network, or rather one copy of it, sees of all the others; whole numbers of shape (draws, networks).

    Attributes:
        columns: what is counted.
        copies: how often each network stands there.
        networks: how many there are in all, of shape (draws, 1).
    """

    def __init__(self, columns: Concordance, copies: Copies) -> None:
        self.columns, self.copies = columns, copies
        self.networks = copies.sum(axis=1, keepdims=True, dtype=np.int32)

    @cached_property
    def by_x(self) -> "Place":
        """How many are below it and level with it, itself included, in the first column."""
        return self.columns.by_x.place(self.copies)

    @cached_property
    def by_y(self) -> "Place":
        """The same in the second column."""
        return self.columns.by_y.place(self.copies)

    @cached_property
    def by_xy(self) -> "Place":
        """The same in the order of the first column, and of the second where that is tied."""
        return self.columns.by_xy.place(self.copies)

    @cached_property
    def by_yx(self) -> "Place":
        """The same in the order of the second column, and of the first where that is tied."""
        return self.columns.by_yx.place(self.copies)

    @cached_property
    def both_lower(self) -> Copies:
        """How many are lower in both columns."""
        return self.columns.both_lower.count(self.copies)

    @cached_property
    def agreement(self) -> Array:
        """How many others both columns order with it alike, less how many they order contrarily."""
        # sign(a - b) is 2 h - 1 where h is 1 if a > b, 1/2 if a = b, else 0. First the sum of the products of h, times
        # four: a tie in one column counts 1/2, a tie in both 1/4. The sum of the products of signs follows.
        tied_once = self.by_xy.below - self.by_x.below + self.by_yx.below - self.by_y.below
        products: Array = 4 * self.both_lower + 2 * tied_once + self.by_xy.level
        return np.asarray(products - self.by_x.halves - self.by_y.halves + self.networks)

    def total(self, each: Array) -> Array:
        """The sum over all copies of what each network has; shape (draws,)."""
        kind = np.int64 if each.dtype.kind == "i" else np.float64
        return np.asarray((self.copies * each).sum(axis=1, dtype=kind))

    @cached_property
    def pairs(self) -> PairCounts:
        """What each draw has."""
        networks, concordant = self.networks[:, 0].astype(np.int64), 2 * self.total(self.both_lower)
        x, y, xy = (order.groups(self.copies) for order in (self.columns.by_x, self.columns.by_y, self.columns.by_xy))
        tied_x, tied_y, tied_both = ((groups**2).sum(axis=1) for groups in (x, y, xy))  # including with themselves
        distinct = min(len(self.columns.by_x), len(self.columns.by_y))
        return PairCounts(
            networks,
            different=networks**2 - self.total(self.copies),
            concordant=concordant,
            agreement=2 * concordant + tied_x + tied_y - tied_both - networks**2,
            untied_x=networks**2 - tied_x,
            untied_y=networks**2 - tied_y,
            distinct=np.full(len(networks), distinct),
        )

    @cached_property
    def pairs_without_each(self) -> PairCounts:
        """What is left of the first draw without one copy of a network, for each network."""
        draw, networks = self.pairs, self.networks[0].astype(np.int64)
        tied_x, tied_y, tied_both = (place.level[0] for place in (self.by_x, self.by_y, self.by_xy))
        agreement = self.agreement[0]
        concordant = (agreement + networks - tied_x - tied_y + tied_both) // 2
        distinct_x, distinct_y = (
            len(order) - (tied == 1) for order, tied in ((self.columns.by_x, tied_x), (self.columns.by_y, tied_y))
        )
        return PairCounts(
            networks - 1,
            (networks - 1) * (networks - 2),
            draw.concordant[0] - 2 * concordant,
            draw.agreement[0] - 2 * agreement,
            draw.untied_x[0] - 2 * (networks - tied_x),
            draw.untied_y[0] - 2 * (networks - tied_y),
            np.minimum(distinct_x, distinct_y),
        )


@dataclass(frozen=True, slots=True)
class Place:
    """How much lies below each network and level with it, itself included; both of shape (draws, networks)."""

    below: Array
    level: Array

    @property
    def halves(self) -> Array:
        """Twice what is below and once what is level: two ranks from 0, equals sharing the mean of theirs."""
        return 2 * self.below + self.level


class Order:
    """Networks sorted by one column, or by several in turn.

    Attributes:
        ranks: from 0, the lowest; equals share one, and none is left out. In as few bits as will do, for numpy sorts
            16 of them ten times as fast as 64. Shape (networks,).
    """

    def __init__(self, *columns: Numbers) -> None:
        self._sorted = np.lexsort(columns[::-1])
        in_order = [column[self._sorted] for column in columns]
        first = np.ones(len(self._sorted), dtype=bool)  # of the networks level with each other
        first[1:] = np.any([column[1:] != column[:-1] for column in in_order], axis=0)
        self._edges = np.append(np.flatnonzero(first), len(first))
        self.ranks = np.empty(len(first), dtype=np.min_scalar_type(len(self._edges)))
        self.ranks[self._sorted] = np.cumsum(first) - 1
        self._below, self._upto = self._edges[self.ranks], self._edges[self.ranks + 1]
        self._untied = len(self._edges) > len(first)

    def __len__(self) -> int:
        """How many different values there are."""
        return len(self._edges) - 1

    def place(self, values: Array) -> Place:
        """The sum of what stands below each network, and level with it; `values` has shape (draws, networks)."""
        sums = running_sums(values.take(self._sorted, axis=1))
        below = sums.take(self._below, axis=1)
        return Place(below, values if self._untied else sums.take(self._upto, axis=1) - below)

    def groups(self, copies: Copies) -> npt.NDArray[np.int64]:
        """How many stand level with each other, for each different value; shape (draws, values), in no known order."""
        if self._untied:
            return copies.astype(np.int64)
        sums = running_sums(copies.take(self._sorted, axis=1))
        return np.diff(sums.take(self._edges, axis=1), axis=1).astype(np.int64)


class BothLower:
    """Networks arranged so that those lower in both columns can be counted.

    The ranks of one column are read digit by digit, as binary numbers: a rank is lower than another if, after the same
    leading digits, it has a 0 where the other has a 1. So for each digit the networks with the same leading digits are
    put side by side, sorted by the other column, and a running sum over the zeros counts.
    """

    def __init__(self, x: Array, y: Array) -> None:
        """From `Order.ranks` of both columns."""
        if x.max(initial=0) < y.max(initial=0):
            x, y = y, x  # fewer different values have fewer digits
        most = y.max(initial=0)
        # Equals in x go from high to low in y: so nothing that is lower in y stands before its equal in x.
        order = np.lexsort((most - y, x))
        places = np.arange(len(order))
        self._digits: list[tuple[_Indices, _Indices, _Indices]] = []
        for digit in reversed(range(int(most).bit_length())):
            leading = y[order] >> digit
            zero = leading & 1 == 0
            zeros_before = np.append(0, np.cumsum(zero))
            group = leading >> 1  # of the networks with the same leading digits
            beginning = np.maximum.accumulate(np.where(np.diff(group, prepend=group[:1]) > 0, places, 0))
            start, end = np.zeros((2, len(order)), dtype=np.intp)  # of the zeros that count: none do for a zero
            start[order] = np.where(zero, 0, zeros_before[beginning])
            end[order] = np.where(zero, 0, zeros_before[:-1])
            self._digits.append((order[zero], start, end))
            order = order[np.argsort(leading, kind="stable")]

    def count(self, copies: Copies) -> Copies:
        """How many are lower in both columns, for each network; shape (draws, networks) like `copies`."""
        lower = np.zeros_like(copies)
        for zeros, start, end in self._digits:
            sums = running_sums(copies.take(zeros, axis=1))
            lower += sums.take(end, axis=1)
            lower -= sums.take(start, axis=1)
        return lower


def running_sums(values: Array) -> Array:
    """The sum of the first 0, 1, 2, ... values of each row."""
    sums = np.zeros((len(values), values.shape[1] + 1), dtype=values.dtype)
    np.cumsum(values, axis=1, out=sums[:, 1:])
    return sums
