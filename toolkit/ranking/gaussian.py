"""Kendall's tau of pairs of Gaussian variables: what it has to do with Pearson's r, and how surely n pairs tell it.

Real accuracies are no Gaussians. But tau sees the order alone, so what follows needs the pairs to be Gaussian only
after some monotone change of either scale.
"""

import math

from toolkit.ranking.uncertainty import Z


def tau_of(r: float) -> float:
    """Kendall's tau of Gaussian pairs whose Pearson's r is `r` (Greiner 1909)."""
    return 2 / math.pi * math.asin(r)


def r_of(tau: float) -> float:
    """Pearson's r of Gaussian pairs whose Kendall's tau is `tau`."""
    return math.sin(math.pi * tau / 2)


def _terms(tau: float) -> tuple[float, float]:
    """a and b of the variance 2 (a + 2 (n - 2) b) / (n (n - 1)) of tau measured on n pairs (Esscher 1924)."""
    return 1 - tau**2, 1 / 9 - tau_of(r_of(tau) / 2) ** 2


def sampling_error(tau: float, networks: int) -> float:
    """The standard deviation of tau measured on so many pairs; for tau = 0 that is sqrt(2 (2n + 5) / (9 n (n - 1)))."""
    a, b = _terms(tau)
    return math.sqrt(2 * (a + 2 * (networks - 2) * b) / (networks * (networks - 1)))


def networks_for(tau: float, half_width: float) -> int:
    """How many pairs make the 95% interval of tau as narrow as +- `half_width`."""
    a, b = _terms(tau)
    variance = (half_width / Z) ** 2
    # variance n (n - 1) = 2 a + 4 (n - 2) b, solved for n
    p = 1 + 4 * b / variance
    q = (2 * a - 8 * b) / variance
    return math.ceil(p / 2 + math.sqrt(p * p / 4 + q))
