"""Priors that cost nothing while training: costs in closed form, or scores from a file."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import AfterValidator

from toolkit.candidates import capped, name, read_candidates
from toolkit.errors import InputError
from toolkit.names import did_you_mean
from toolkit.spaces import Arch, Cost, SearchSpace

FILE = "file:"

_CLOSED: dict[str, Callable[[Cost], int]] = {"macs": lambda cost: cost.macs, "parameters": lambda cost: cost.params}


def _known(spec: str) -> str:
    if spec not in _CLOSED and not spec.startswith(FILE):
        raise ValueError(f"unknown prior{did_you_mean(spec, (*_CLOSED, FILE + 'PATH'))}")
    if spec == FILE:
        raise ValueError("names no file; write file:PATH")
    return spec


PriorName = Annotated[str, AfterValidator(_known)]
"""The type of an option that names a prior: macs, parameters or file:PATH."""


@dataclass(frozen=True)
class Prior:
    """A number for every architecture of `pool`, or of the whole `space` where that is None; more is better."""

    space: SearchSpace
    score: Callable[[Arch], float]
    pool: tuple[Arch, ...] | None = None

    def __call__(self, arch: Arch) -> float:
        """The score of `arch`; raises InputError if the prior has none."""
        return self.score(arch)

    def sample(self, rng: np.random.Generator) -> Arch:
        """Draw an architecture that has a score: from the pool, each equally likely, or from the space."""
        return self.space.sample(rng) if self.pool is None else self.pool[rng.integers(len(self.pool))]


def prior_of(spec: str, space: SearchSpace) -> Prior:
    """The prior that `spec` names: `macs` or `parameters` of the stand-alone network, or `file:PATH`.

    A file has the shape of candidates files, with the score as `acc`, as `supernet prior --out` writes it.

    Raises:
        InputError: unknown, or the file cannot be used; lists all problems.
    """
    try:
        _known(spec)
    except ValueError as error:
        raise InputError(f"prior {spec!r}: {error}") from error
    if spec in _CLOSED:
        cost = _CLOSED[spec]
        return Prior(space, lambda arch: float(cost(space.cost(arch))))
    return _from_file(spec.removeprefix(FILE), space)


def _from_file(path: str, space: SearchSpace) -> Prior:
    candidates = read_candidates(Path(path), space)
    scores: dict[Arch, float] = {}
    problems = []
    for key, code in candidates.items():
        acc = float(candidates.accs[key])
        if scores.setdefault(space.parse(code), acc) != acc:
            problems.append(f"{path}: {name(key)} has the code of an earlier entry but another score; keep one of them")
    if problems:
        raise InputError(capped(problems))

    def score(arch: Arch) -> float:
        if arch not in scores:
            raise InputError(f"{path}: has no score of {space.format(arch)}; add it by `supernet prior`")
        return scores[arch]

    return Prior(space, score, tuple(scores))
