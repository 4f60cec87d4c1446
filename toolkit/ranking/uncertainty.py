"""How far a correlation could have come out otherwise with other networks: the bootstrap over networks.

Networks are drawn with replacement and everything is computed anew; all estimators on the same draws, so that the
difference of two is judged with what they share taken out (a paired bootstrap).
"""

import os
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt
from scipy import stats

from toolkit.ranking.metrics import METRICS, FloatArray

LEVEL = 0.95
"""How often an interval should hold the true value."""

_STREAM = 0x626F6F74  # sets these draws apart from all others made with the same seed


def draw(networks: int, seed: int, number: int) -> npt.NDArray[np.int64]:
    """The networks of one resample: `networks` indices, with replacement; each (seed, number) gives others."""
    return np.random.default_rng((seed, _STREAM, number)).integers(networks, size=networks)


def bootstrap(
    estimates: FloatArray,
    truth: FloatArray,
    resamples: int,
    seed: int,
    progress: Callable[[int, int], None] | None = None,
) -> FloatArray:
    """Every metric on `resamples` draws of networks.

    Args:
        estimates: shape (estimators, networks).
        truth: shape (networks,).
        progress: called with (done, total) after every draw.

    Returns:
        Shape (resamples, estimators, metrics), metrics in the order of `METRICS`. NaN where a draw happened to hold
        equal values only.
    """
    values = np.vstack([estimates, truth])
    ranks = stats.rankdata(values, method="dense", axis=1)
    # The metrics' time is sorting, which for integers of 16 bits is several times faster.
    ranks = ranks.astype(np.min_scalar_type(int(ranks.max())))
    drawn = np.empty((resamples, len(estimates), len(METRICS)))

    def resample(number: int) -> None:
        chosen = draw(len(truth), seed, number)
        by_value, by_rank = values.take(chosen, axis=1), ranks.take(chosen, axis=1)
        for j, metric in enumerate(METRICS.values()):
            columns = by_rank if metric.ordinal else by_value
            drawn[number, :, j] = metric.compute(columns[:-1], columns[-1])

    pool = ThreadPoolExecutor(os.cpu_count())  # threads help because sorting, most of the work, does not hold the GIL
    try:
        for done, _ in enumerate(pool.map(resample, range(resamples)), start=1):
            if progress:
                progress(done, resamples)
    finally:
        pool.shutdown(cancel_futures=True)
    return drawn


def interval(drawn: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The percentile interval over the first axis: lower and upper ends. Undefined draws count for nothing."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "All-NaN slice", RuntimeWarning)
        low, high = np.nanquantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return low, high
