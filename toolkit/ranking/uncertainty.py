"""How far a number could have come out otherwise with other networks.

The bootstrap draws networks with replacement and computes everything anew, all estimators on the same draws, so that
the difference of two is judged with what they share taken out (a paired bootstrap). The jackknife leaves each network
out once. From both follow BCa intervals (bias-corrected and accelerated; Efron 1987), which hold the truth more often
where percentile intervals are lopsided: close to 1, and with few networks.
"""

import os
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import special

from toolkit.ranking.concordance import Copies, FloatArray

LEVEL = 0.95
"""How often an interval should hold the true value."""

Z = float(special.ndtri((1 + LEVEL) / 2))
"""Half the width of such an interval, in standard deviations of a normal distribution."""

IntervalKind = Literal["bca", "percentile"]

Progress = Callable[[int, int], None]
"""Told (done, total) now and then."""

Statistic = Callable[[Copies], FloatArray]
"""Some numbers for each draw, shape (draws, numbers), from how often it holds each network, shape (draws, networks)."""

_STREAM = 0x626F6F74  # sets these draws apart from all others made with the same seed
_BLOCK = 16_384  # networks that are worked on at a time, to stay in the processor's cache; but at least two draws


def draw(networks: int, seed: int, number: int) -> npt.NDArray[np.int64]:
    """The networks of one resample: `networks` indices, with replacement; each (seed, number) gives others."""
    return np.random.default_rng((seed, _STREAM, number)).integers(networks, size=networks)


def bootstrap(
    statistics: Sequence[Statistic],
    networks: int,
    resamples: int,
    seed: int,
    progress: Progress | None = None,
) -> list[FloatArray]:
    """All statistics on the same `resamples` draws; for each, shape (resamples, numbers)."""

    def compute(numbers: range) -> list[FloatArray]:
        copies = [np.bincount(draw(networks, seed, number), minlength=networks) for number in numbers]
        return [statistic(np.array(copies, dtype=np.int32)) for statistic in statistics]

    size = max(2, _BLOCK // networks)
    blocks = [range(start, min(start + size, resamples)) for start in range(0, resamples, size)]
    drawn: list[list[FloatArray]] = []
    pool = ThreadPoolExecutor(os.cpu_count())  # threads help because numpy does not hold the GIL for long
    try:
        for block, found in zip(blocks, pool.map(compute, blocks), strict=True):
            drawn.append(found)
            if progress:
                progress(block.stop, resamples)
    finally:
        pool.shutdown(cancel_futures=True)
    return [np.concatenate(parts) for parts in zip(*drawn, strict=True)]


@dataclass(frozen=True, slots=True)
class Sampled:
    """Some numbers, with what else they could have been.

    Attributes:
        values: shape (numbers,).
        drawn: on every draw, shape (resamples, numbers).
        left_out: with each network left out once, shape (networks, numbers); NaN where that is not known.
    """

    values: FloatArray
    drawn: FloatArray
    left_out: FloatArray

    def interval(self, kind: IntervalKind) -> tuple[FloatArray, FloatArray]:
        """Lower and upper ends, each of shape (numbers,); percentile where BCa cannot be had.

        Undefined draws do not count.
        """
        ends = np.array([self._ends(number, kind) for number in range(len(self.values))]).reshape(-1, 2)
        return ends[:, 0], ends[:, 1]

    def error(self) -> FloatArray:
        """Standard errors, of shape (numbers,)."""
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Degrees of freedom", RuntimeWarning)
            return np.asarray(np.nanstd(self.drawn, axis=0, ddof=1))

    def jackknife_error(self) -> FloatArray:
        """Standard errors from what leaving each out changes, of shape (numbers,); NaN where that is not known."""
        return np.array([jackknife_error(column) for column in self.left_out.T])

    def _ends(self, number: int, kind: IntervalKind) -> tuple[float, float]:
        drawn = self.drawn[:, number]
        drawn = drawn[np.isfinite(drawn)]  # undefined ones do not count
        if np.isnan(self.values[number]) or not len(drawn):
            return np.nan, np.nan
        ends = np.array([(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        if kind == "bca":
            ends = _corrected(ends, self.values[number], drawn, self.left_out[:, number])
        low, high = np.quantile(drawn, ends)
        return float(low), float(high)


def jackknife_error(left_out: FloatArray) -> float:
    """The standard error that follows from the values with each network left out, shape (networks,)."""
    return float(np.sqrt((len(left_out) - 1) * left_out.var()))


def combine(function: Callable[..., FloatArray], *sampled: Sampled) -> Sampled:
    """What follows from several numbers, such as their difference: draw by draw, and for each network left out."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return Sampled(
            function(*(each.values for each in sampled)),
            function(*(each.drawn for each in sampled)),
            function(*(each.left_out for each in sampled)),
        )


def _corrected(ends: FloatArray, value: float, drawn: FloatArray, left_out: FloatArray) -> FloatArray:
    """BCa: which quantiles of the draws to take in place of `ends`; these themselves where it has no answer."""
    rounding = 1e-12
    below = np.mean(drawn < value - rounding) + np.mean(np.abs(drawn - value) <= rounding) / 2
    shift = left_out.mean() - left_out
    spread = np.sum(shift**2)
    if not 0 < below < 1 or not spread > 0:
        return ends
    bias = special.ndtri(below)
    acceleration = np.sum(shift**3) / (6 * spread**1.5)
    normal = bias + special.ndtri(ends)
    corrected = special.ndtr(bias + normal / (1 - acceleration * normal))
    return np.asarray(corrected, dtype=np.float64)
