"""Scores and truths of the same networks, side by side."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from toolkit.errors import InputError
from toolkit.ranking.concordance import FloatArray

FEWEST = 3
"""With fewer networks no correlation says anything: two are always in perfect order, one way or the other."""


class Sortable(Protocol):
    """What can stand for a network: a code, for one."""

    def __lt__(self, other: Any, /) -> bool: ...

    def __hash__(self) -> int: ...


Network = TypeVar("Network", bound=Sortable)


@dataclass(frozen=True)
class Pairs(Generic[Network]):
    """What is known on all sides.

    Attributes:
        networks: the networks that have everything, sorted: where a metric has to put one of two equals first, it takes
            this order, whatever the order of the files.
        scores, truth: their values, each of shape (networks,).
        without_truth: how many networks have scores only.
        without_score: how many have a truth, but not all scores.
        rivals: other scores of the same networks, by name.
        seeds: the trainings that the truth is the mean of, shape (seeds, networks), NaN where there is none; None if
            they are not known apart.
    """

    networks: tuple[Network, ...]
    scores: FloatArray
    truth: FloatArray
    without_truth: int
    without_score: int
    rivals: Mapping[str, FloatArray] = field(default_factory=dict)
    seeds: FloatArray | None = None


def pair(
    scores: Mapping[Network, float],
    truth: Mapping[Network, float],
    names: tuple[str, str] = ("scores", "truth"),
    *,
    rivals: Mapping[str, Mapping[Network, float]] | None = None,
    seeds: Mapping[Network, Sequence[float]] | None = None,
) -> Pairs[Network]:
    """Bring all sides together by network.

    Args:
        names: what messages call scores and truth; their files, where there are any.
        rivals: other scores, by what messages and reports call them.
        seeds: of at least the networks of `truth`, if they are known apart; NaN where one is missing.

    Raises:
        InputError: fewer than three networks have everything; or on one side all these have the same value, or one that
            is not finite.
    """
    beside = rivals or {}
    scored = [network for network in scores if all(network in rival for rival in beside.values())]
    networks = tuple(sorted(network for network in scored if network in truth))
    if len(networks) < FEWEST:
        sizes = [f"{name} ({len(side):,})" for name, side in {**beside, names[1]: truth}.items()]
        raise InputError(
            f"{names[0]} ({len(scores):,} networks), {' and '.join(sizes)} have {len(networks)} networks in common; "
            f"at least {FEWEST} are needed: check that all are about the same candidates"
        )
    columns = [
        np.array([side[network] for network in networks], np.float64) for side in (scores, truth, *beside.values())
    ]
    problems = [
        problem for name, column in zip((*names, *beside), columns, strict=True) for problem in _problems(name, column)
    ]
    if problems:
        raise InputError(problems)
    x, y, *others = columns
    return Pairs(
        networks,
        x,
        y,
        without_truth=len(scored) - len(networks),
        without_score=len(truth) - len(networks),
        rivals=dict(zip(beside, others, strict=True)),
        seeds=None if seeds is None else np.array([seeds[network] for network in networks], np.float64).T,
    )


def _problems(name: str, values: FloatArray) -> Iterator[str]:
    if broken := np.count_nonzero(~np.isfinite(values)):
        yield f"{name}: {broken:,} of {len(values):,} values are not finite numbers; leave these out"
    elif np.ptp(values) == 0:
        yield (
            f"{name}: all {len(values):,} networks in common have the value {values[0]:g}, which ranks nothing; "
            "was it never filled in?"
        )
