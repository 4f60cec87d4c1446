"""Coefficients of rank correlation: of two columns, of draws of networks, and with each network left out once.

The value of two columns comes from scipy wherever scipy has it. Those of draws, and with networks left out, come from
one count of pairs (`toolkit.ranking.concordance`) without sorting again; tests hold that both say the same, but for one
thing: a network that a draw holds twice is no pair with itself. Taken for a tie it would lower tau a, tau c and the
share of concordant pairs in every draw, by about a thirtieth with 30 networks.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy

from toolkit.ranking.concordance import Array, Concordance, FloatArray, Numbers, PairCounts, Place, Standing


class Formula(ABC):
    """A coefficient of two columns. A constant column has no correlation with anything: NaN."""

    def of_columns(self, x: Numbers, y: Numbers) -> float:
        """The value for two columns of shape (networks,)."""
        if len(x) < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
            return float("nan")
        return self._of_columns(x, y)

    def of_draws(self, drawn: Standing) -> FloatArray:
        """The values for draws of networks, of shape (draws,)."""
        defined = (drawn.pairs.untied_x > 0) & (drawn.pairs.untied_y > 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(defined, self._of_draws(drawn), np.nan)

    def without_each(self, once: Standing) -> FloatArray | None:
        """The exact values when each network in turn is left out, shape (networks,); None if no closed form is known.

        Args:
            once: a single draw that holds every network once.
        """
        pairs = once.pairs_without_each
        defined = (pairs.untied_x > 0) & (pairs.untied_y > 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            values = self._without_each(once)
            return None if values is None else np.where(defined, values, np.nan)

    @abstractmethod
    def _of_columns(self, x: Numbers, y: Numbers) -> float: ...

    @abstractmethod
    def _of_draws(self, drawn: Standing) -> Array: ...

    @abstractmethod
    def _without_each(self, once: Standing) -> Array | None: ...


@dataclass(frozen=True)
class PairFormula(Formula):
    """One that follows from numbers of pairs.

    Attributes:
        coefficient: from the numbers to the value.
        scipy: the same for two columns, where scipy has it.
    """

    coefficient: Callable[[PairCounts], Array]
    scipy: Callable[[Numbers, Numbers], float] | None = None

    def _of_columns(self, x: Numbers, y: Numbers) -> float:
        return self.scipy(x, y) if self.scipy else float(self._of_draws(Concordance(x, y).once())[0])

    def _of_draws(self, drawn: Standing) -> Array:
        return self.coefficient(drawn.pairs)

    def _without_each(self, once: Standing) -> Array:
        return self.coefficient(once.pairs_without_each)


TAU_A = PairFormula(lambda p: p.agreement / p.different)
"""Kendall's tau_a: concordant less discordant pairs, as a share of all pairs, tied ones too."""

TAU_B = PairFormula(
    lambda p: p.agreement / np.sqrt(p.untied_x) / np.sqrt(p.untied_y),
    scipy=lambda x, y: float(scipy.stats.kendalltau(x, y, variant="b").statistic),
)
"""Kendall's tau_b, which corrects for ties on either side: what the field and both challenges call Kendall tau."""

TAU_C = PairFormula(
    lambda p: p.agreement / p.different * (1 - 1 / p.networks) * p.distinct / (p.distinct - 1),
    scipy=lambda x, y: float(scipy.stats.kendalltau(x, y, variant="c").statistic),
)
"""Stuart's tau_c, for columns with different numbers of values."""

CONCORDANT = PairFormula(lambda p: p.concordant / p.different)
"""CPR: the share of pairs that both columns order alike, of all pairs; exact, not sampled."""


class WeightedTau(Formula):
    """Vigna's weighted tau (2015), hyperbolic and additive as is scipy's default: the best networks count most.

    A pair counts 1/(1+r) + 1/(1+s), r and s being the ranks of its networks from 0, the best. It is the mean of two
    values, with ranks by either column, ties broken by the other.
    """

    def _of_columns(self, x: Numbers, y: Numbers) -> float:
        return float(scipy.stats.weightedtau(x, y).statistic)

    def _of_draws(self, drawn: Standing) -> Array:
        most = int(drawn.networks.max(initial=0))
        harmonic = np.append(0.0, np.cumsum(1.0 / np.arange(1, most + 1)))  # the sum of the first 1/(1+r)

        def ranked(place: Place) -> Array:
            above = drawn.networks - place.below - place.level
            of_level = harmonic.take(above + place.level) - harmonic.take(above)
            weight = of_level * (drawn.copies / np.maximum(place.level, 1))
            agreement, untied_x, untied_y = (
                (weight * each).sum(axis=1)
                for each in (drawn.agreement, drawn.networks - drawn.by_x.level, drawn.networks - drawn.by_y.level)
            )
            return np.asarray(agreement / np.sqrt(untied_x) / np.sqrt(untied_y))

        return (ranked(drawn.by_xy) + ranked(drawn.by_yx)) / 2

    def _without_each(self, once: Standing) -> None:
        """None is known: every rank below the network changes its weight."""


class Spearman(Formula):
    """Spearman's rho: Pearson's r of the ranks, equal values sharing the mean of theirs.

    A rank stands here as the number of networks below less the number above: twice the usual rank, less n + 1.
    """

    def _of_columns(self, x: Numbers, y: Numbers) -> float:
        return float(scipy.stats.spearmanr(x, y).statistic)

    def _of_draws(self, drawn: Standing) -> Array:
        x, y = _ranks(drawn)
        return _correlation(drawn.total(x * y), drawn.total(x * x), drawn.total(y * y))

    def _without_each(self, once: Standing) -> Array:
        """The rank of each other network loses the sign of its difference to the one that goes."""
        x, y = _ranks(once)
        by_x, by_y = once.columns.by_x, once.columns.by_y
        xy: Array = once.total(x * y) - x * y + by_y.place(x).halves + by_x.place(y).halves + once.agreement
        xx = once.total(x * x) - x * x + 2 * by_x.place(x).halves + once.networks - once.by_x.level
        yy = once.total(y * y) - y * y + 2 * by_y.place(y).halves + once.networks - once.by_y.level
        return _correlation(xy[0], xx[0], yy[0])


def _ranks(standing: Standing) -> tuple[Array, Array]:
    x, y = (place.halves - standing.networks for place in (standing.by_x, standing.by_y))
    return x.astype(np.int64), y.astype(np.int64)


class Pearson(Formula):
    """Pearson's r: how nearly linear the relation is. One outlier can decide it."""

    def _of_columns(self, x: Numbers, y: Numbers) -> float:
        return float(scipy.stats.pearsonr(x, y).statistic)

    def _of_draws(self, drawn: Standing) -> Array:
        x, y = drawn.columns.x, drawn.columns.y

        def covariance(a: Array, b: Array) -> Array:
            return np.asarray(drawn.total(a * b) - drawn.total(a) * drawn.total(b) / drawn.networks[:, 0])

        return _correlation(covariance(x, y), covariance(x, x), covariance(y, y))

    def _without_each(self, once: Standing) -> Array:
        """The means of all are 0, which makes it short."""
        x, y = once.columns.x, once.columns.y
        share = len(x) / (len(x) - 1)
        xy, xx, yy = ((a * b).sum() - share * a * b for a, b in ((x, y), (x, x), (y, y)))
        return _correlation(xy, xx, yy)


def _correlation(xy: Array, xx: Array, yy: Array) -> Array:
    """From a covariance and two variances, up to a common factor."""
    return np.asarray(xy / np.sqrt(xx) / np.sqrt(yy))


WEIGHTED, SPEARMAN, PEARSON = WeightedTau(), Spearman(), Pearson()
