"""Scores and truths of the same networks, side by side."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from toolkit.errors import InputError
from toolkit.ranking.metrics import FloatArray

FEWEST = 3
"""With fewer networks no correlation says anything: two are always in perfect order, one way or the other."""

Network = TypeVar("Network", bound=Hashable)


@dataclass(frozen=True)
class Pairs(Generic[Network]):
    """What is known on both sides.

    Attributes:
        networks: the networks that have both, in the order of the truth.
        scores, truth: their values, each of shape (networks,).
        without_truth: how many networks have a score only.
        without_score: how many have a truth only.
    """

    networks: tuple[Network, ...]
    scores: FloatArray
    truth: FloatArray
    without_truth: int
    without_score: int


def pair(
    scores: Mapping[Network, float], truth: Mapping[Network, float], names: tuple[str, str] = ("scores", "truth")
) -> Pairs[Network]:
    """Bring the two together by network.

    Args:
        names: what messages call the two; their files, where there are any.

    Raises:
        InputError: fewer than three networks have both; or on one side all these have the same value, or one that is
            not finite.
    """
    networks = tuple(network for network in truth if network in scores)
    if len(networks) < FEWEST:
        raise InputError(
            f"{names[0]} ({len(scores):,} networks) and {names[1]} ({len(truth):,}) have {len(networks)} networks in "
            f"common; at least {FEWEST} are needed: check that both are about the same candidates"
        )
    x, y = (np.array([side[network] for network in networks], np.float64) for side in (scores, truth))
    problems = []
    for name, values in zip(names, (x, y), strict=True):
        if broken := np.count_nonzero(~np.isfinite(values)):
            problems.append(f"{name}: {broken:,} of {len(values):,} values are not finite numbers; leave these out")
        elif np.ptp(values) == 0:
            problems.append(
                f"{name}: all {len(values):,} networks in common have the value {values[0]:g}, which ranks nothing; "
                "was it never filled in?"
            )
    if problems:
        raise InputError(problems)
    return Pairs(networks, x, y, without_truth=len(scores) - len(networks), without_score=len(truth) - len(networks))
