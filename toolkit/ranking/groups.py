"""Who is under-estimated? Differences of rank by how large, or how deep, the networks are."""

from dataclasses import dataclass

import numpy as np
import scipy

from toolkit.ranking.concordance import FloatArray
from toolkit.ranking.uncertainty import LEVEL

PARTS = 5
"""Quintiles."""


@dataclass(frozen=True, slots=True)
class Group:
    """Networks of about the same size.

    Attributes:
        low, high: the smallest and the largest of what they are sorted by.
        networks: how many there are.
        shift: true less predicted rank, the mean; ranks run from the worst to the best, as shares of all networks. So
            it is positive if the group is under-estimated.
        error: its standard error; NaN for a single network.
        under: the same where negative differences count as 0: the rank difference RD.
    """

    low: float
    high: float
    networks: int
    shift: float
    error: float
    under: float

    @property
    def margin(self) -> float:
        """Half the width of the 95% interval of `shift`, by Student's t: groups can be small. NaN for one network."""
        return (
            float(scipy.special.stdtrit(self.networks - 1, (1 + LEVEL) / 2) * self.error)
            if self.networks > 1
            else np.nan
        )


def rank_differences(estimate: FloatArray, truth: FloatArray) -> FloatArray:
    """True less predicted rank of each network, as shares of all; equals share the mean of their ranks."""
    return np.asarray((scipy.stats.rankdata(truth) - scipy.stats.rankdata(estimate)) / len(truth), dtype=np.float64)


def under_estimation(differences: FloatArray) -> float:
    """The rank difference RD: the mean of the positive differences, others counting as 0."""
    return float(np.mean(np.maximum(differences, 0)))


def by_size(differences: FloatArray, size: FloatArray) -> tuple[Group, ...]:
    """Quintiles of `size`, from the smallest; fewer where its equals cannot be parted. All of shape (networks,)."""
    edges = np.unique(np.quantile(size, np.arange(1, PARTS) / PARTS))
    groups = np.searchsorted(edges, size)
    return tuple(_group(differences[groups == number], size[groups == number]) for number in np.unique(groups))


def _group(differences: FloatArray, size: FloatArray) -> Group:
    networks = len(differences)
    error = float(differences.std(ddof=1) / np.sqrt(networks)) if networks > 1 else np.nan
    return Group(
        float(size.min()), float(size.max()), networks, float(differences.mean()), error, under_estimation(differences)
    )
