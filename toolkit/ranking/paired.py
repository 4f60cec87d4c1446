"""Several estimates of the same networks, judged together: differences of two are surer than either alone.

Up to some thousand networks the bootstrap gives their intervals. With tens of thousands it takes a minute, while the
jackknife (each network left out once) takes a fraction of a second and agrees with it; so it serves where people wait.
"""

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from toolkit.ranking.concordance import FloatArray
from toolkit.ranking.measure import Measure
from toolkit.ranking.uncertainty import Sampled, Z, bootstrap


def judge_together(
    columns: Sequence[FloatArray], truth: FloatArray, metrics: Iterable[str], resamples: int = 0, seed: int = 0
) -> list[Sampled]:
    """Some metrics of every column, on the same draws of networks.

    Args:
        columns: estimates of shape (networks,).
        metrics: names in `METRICS`.
        resamples: draws of the bootstrap; 0 for none, which leaves intervals to the jackknife.
    """
    chosen = tuple(metrics)
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # threads help because numpy does not hold the GIL for long
        measures = list(pool.map(lambda column: Measure(column, truth, chosen), columns))
        left_out = list(pool.map(Measure.without_each, measures))
    drawn = bootstrap(measures, len(truth), resamples, seed) if resamples else len(measures) * [_none(len(chosen))]
    return [
        Sampled(measure.values, draws, without)
        for measure, draws, without in zip(measures, drawn, left_out, strict=True)
    ]


def interval(sampled: Sampled, *, bounded: bool) -> tuple[FloatArray, FloatArray]:
    """Lower and upper ends at 95%, each of shape (numbers,): BCa where there are draws, else by the jackknife.

    Args:
        bounded: the numbers are correlations, whose errors are even on Fisher's scale, artanh, so that the ends stay
            between -1 and 1. Differences of correlations are taken as they are.
    """
    if len(sampled.drawn):
        return sampled.interval("bca")
    errors = sampled.jackknife_error()
    if not bounded:
        return sampled.values - Z * errors, sampled.values + Z * errors
    with np.errstate(divide="ignore", invalid="ignore"):
        middle, half = np.arctanh(sampled.values), Z * errors / (1 - sampled.values**2)
        low, high = np.tanh(middle - half), np.tanh(middle + half)
    unknown = np.isnan(errors)
    return np.where(unknown, np.nan, low), np.where(unknown, np.nan, high)


def _none(numbers: int) -> FloatArray:
    return np.empty((0, numbers))
