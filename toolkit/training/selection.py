"""Which candidates to train alone: trainings are expensive, so only a few can be done."""

from collections.abc import Callable, Mapping
from itertools import islice, pairwise

import numpy as np

from toolkit.predictors.columns import Features
from toolkit.predictors.design import d_optimal
from toolkit.spaces import SearchSpace

Codes = Mapping[str, str]
"""Codes by id."""

_STREAM = 0x616C6F6E  # sets these draws apart from all others made with the same seed


def spread(space: SearchSpace, candidates: Codes, count: int, seed: int = 0) -> dict[str, str]:  # noqa: ARG001
    """The middle of each of `count` equal parts by MACs: a few networks that represent all."""
    return {part[len(part) // 2]: candidates[part[len(part) // 2]] for part in _parts(space, candidates, count)}


def stratified(space: SearchSpace, candidates: Codes, count: int, seed: int = 0) -> dict[str, str]:
    """One drawn from each of `count` equal parts by MACs: random, but covering the whole range."""
    rng = np.random.default_rng((seed, _STREAM))
    chosen = [part[rng.integers(len(part))] for part in _parts(space, candidates, count)]
    return {name: candidates[name] for name in chosen}


def sampled(space: SearchSpace, candidates: Codes, count: int, seed: int = 0) -> dict[str, str]:  # noqa: ARG001
    """`count` drawn at random, each candidate as likely as any other."""
    rng = np.random.default_rng((seed, _STREAM))
    chosen = rng.choice(len(candidates), min(count, len(candidates)), replace=False)
    names = list(candidates)
    return {names[place]: candidates[names[place]] for place in sorted(chosen)}


def designed(space: SearchSpace, candidates: Codes, count: int, seed: int = 0) -> dict[str, str]:  # noqa: ARG001
    """Those whose labels tell a predictor of this space most (`toolkit.predictors.design`)."""
    features = Features.of(space, [space.parse(code) for code in candidates.values()])
    names = list(candidates)
    chosen = d_optimal(features.matrix(space.predicted_from), count)
    return {names[place]: candidates[names[place]] for place in chosen}


def first(space: SearchSpace, candidates: Codes, count: int, seed: int = 0) -> dict[str, str]:  # noqa: ARG001
    """The first `count` of the file: the best, of one that a search wrote."""
    return dict(islice(candidates.items(), count))


SELECTIONS: dict[str, Callable[[SearchSpace, Codes, int, int], dict[str, str]]] = {
    "spread": spread,
    "stratified": stratified,
    "sampled": sampled,
    "d-optimal": designed,
    "first": first,
}
"""Ways to choose `count` candidates (all, if there are no more) with a seed."""


def _parts(space: SearchSpace, candidates: Codes, count: int) -> list[list[str]]:
    """Ids sorted by MACs and cut into `count` parts, whose sizes differ by one at most."""
    ranked = sorted(candidates, key=lambda name: space.cost(space.parse(candidates[name])).macs)
    count = min(count, len(ranked))
    edges = [i * len(ranked) // count for i in range(count + 1)]
    return [ranked[start:stop] for start, stop in pairwise(edges)]
