"""The ceiling: the Kendall tau that a perfect score would reach, since truths and scores are measured with noise.

The reliability of a column is the share of its variance that is not noise; correlations shrink with its root (Spearman
1904). Tau is translated to Pearson's r and back as for Gaussian pairs (`toolkit.ranking.gaussian`). On the three seeds
of NAS-Bench-201 and of NAS-Bench-Macro that predicts the tau between one seed and the mean of two to within 0.003.
"""

import itertools
import math

import numpy as np

from toolkit.ranking.concordance import FloatArray
from toolkit.ranking.gaussian import r_of, tau_of
from toolkit.ranking.metrics import METRICS, correlations


def between_seeds(seeds: FloatArray, fewest: int) -> dict[str, float]:
    """Every metric of one training as a score for another of the same networks, the mean over all pairs of seeds.

    Args:
        seeds: shape (seeds, networks); NaN where a network was not trained with that seed.
        fewest: how many networks two seeds must have in common to be compared.

    Returns:
        By name, as in `METRICS`; empty if no two seeds can be compared.
    """
    found = []
    for one, other in itertools.permutations(seeds, 2):
        both = ~np.isnan(one) & ~np.isnan(other)
        if np.count_nonzero(both) >= fewest:
            found.append(correlations(one[both], other[both]))
    return {name: float(np.mean([each[name] for each in found])) for name in METRICS} if found else {}


def trainings(seeds: FloatArray) -> float:
    """How many trainings a truth rests on, the harmonic mean over the networks; noise shrinks with it."""
    return float(1 / np.mean(1 / np.count_nonzero(~np.isnan(seeds), axis=0)))


def seeds_reliability(tau: float, number: float) -> float:
    """The reliability of the mean of `number` trainings (Spearman-Brown), given Kendall's tau of one with another."""
    one = max(r_of(tau), 0.0)
    return number * one / (1 + (number - 1) * one)


def image_variance(accuracies: FloatArray, correlation: float = 0.0) -> float:
    """The variance of what a single validation image says about an accuracy, as far as it differs between networks.

    Args:
        accuracies: fractions, of any shape; the mean over them is taken.
        correlation: how alike two networks err, as the correlation of right and wrong on the same image: when all see
            the same images, the hard ones among these shift all accuracies alike, which does no harm to their order. 0
            when every network sees other images.
    """
    return float(np.mean(accuracies * (1 - accuracies))) * (1 - correlation)


def images_reliability(images: float, even: float) -> float:
    """The reliability of accuracies measured on so many images.

    Args:
        even: how many images make the noise as large as the spread of the true accuracies: `image_variance` over the
            variance of these.
    """
    return 1 / (1 + even / images)


def images_for(tau: float, loss: float, even: float) -> int:
    """How many images take no more than `loss` from the `tau` of endlessly many; see `images_reliability`."""
    kept = (r_of(max(tau - loss, 0.0)) / r_of(tau)) ** 2
    return max(1, math.ceil(even * kept / (1 - kept)))


def ceiling(*reliabilities: float) -> float:
    """The Kendall tau that remains of a perfect one."""
    return tau_of(math.sqrt(math.prod(reliabilities)))
