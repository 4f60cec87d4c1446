"""A second path that has nothing in common with a first: another option everywhere (Pi-NAS, arXiv 2108.09671)."""

import numpy as np

from toolkit.errors import InputError
from toolkit.spaces import Arch, SearchSpace

_TRIES = 1000


def disjoint(rng: np.random.Generator, space: SearchSpace, arch: Arch) -> Arch:
    """A random connected architecture that answers no decision as `arch` does, of those that apply to both.

    In a space of candidates beside each other, the two share no weights but those outside of its decisions.

    Raises:
        InputError: next to none is one of the space.
    """
    counts = [len(decision.options) for decision in space.decisions]
    for _ in range(_TRIES):
        steps = rng.integers(1, counts)
        answers = [(answer + step) % count for answer, step, count in zip(arch, steps.tolist(), counts, strict=True)]
        other = space.canonical(answers)
        if space.allows(other) and space.connected(other):
            return other
    raise InputError(f"space {space.name}: {_TRIES:,} draws gave no path that has nothing in common with a first one")
