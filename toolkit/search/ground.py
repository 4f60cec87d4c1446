"""Where a search goes: the architectures of a space that keep within limits, and steps from one to another."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from toolkit.errors import InputError
from toolkit.search.costs import Cost
from toolkit.spaces import ABSENT, Arch, SearchSpace

_TRIES = 10_000


@dataclass(frozen=True)
class Limit:
    """A cost and the most that it may be."""

    name: str
    cost: Cost
    most: float


@dataclass(frozen=True)
class Ground:
    """A space within limits.

    Attributes:
        law: how a random architecture is drawn; by default the space's own.
    """

    space: SearchSpace
    limits: tuple[Limit, ...] = ()
    law: Callable[[np.random.Generator], Arch] | None = None

    def allows(self, arch: Arch) -> bool:
        """Whether an architecture keeps within all limits."""
        return all(limit.cost(arch) <= limit.most for limit in self.limits)

    def draw(self, rng: np.random.Generator) -> Arch:
        """A random architecture within the limits: one that the law draws or, where it hardly ever does, one changed
        answer by answer until it keeps within them.

        Raises:
            InputError: none could be found.
        """
        law = self.law or self.space.sample
        for _ in range(_TRIES // 100):
            if self.allows(arch := law(rng)):
                return arch
        for _ in range(10):
            arch = law(rng)
            excess = self._excess(arch)
            for _ in range(_TRIES // 10):
                places = [place for place, answer in enumerate(arch) if answer != ABSENT]
                place = places[rng.integers(len(places))]
                option = int(rng.integers(len(self.space.decisions[place].options)))
                other = self.space.changed(arch, place, option, rng)
                if self.space.allows(other) and self._excess(other) <= excess:
                    arch, excess = other, self._excess(other)
                if self.allows(arch):
                    return arch
        words = ", ".join(f"{limit.name} {limit.most:g}" for limit in self.limits)
        raise InputError(f"none of {_TRIES:,} networks of space {self.space.name} keeps within {words}; allow more")

    def _excess(self, arch: Arch) -> float:
        """How many times the most that is allowed it costs, by the limit that it is furthest from."""
        return max((limit.cost(arch) / limit.most for limit in self.limits), default=0.0)

    def mutated(self, arch: Arch, rng: np.random.Generator) -> Arch:
        """With another answer to one decision that applies; drawn again until it is allowed, else a random one.

        Decisions that come to apply by it are answered at random.
        """
        decisions = self.space.decisions
        places = [p for p, answer in enumerate(arch) if answer != ABSENT and len(decisions[p].options) > 1]
        for _ in range(_TRIES // 100):
            place = places[rng.integers(len(places))]
            other = int(rng.integers(len(decisions[place].options) - 1))
            found = self.space.changed(arch, place, other + (other >= arch[place]), rng)
            if self.space.allows(found) and self.allows(found):
                return found
        return self.draw(rng)

    def neighbours(self, arch: Arch, rng: np.random.Generator) -> list[Arch]:
        """All that differ in one answer and are allowed, in random order."""
        found = [
            self.space.changed(arch, place, option, rng)
            for place, decision in enumerate(self.space.decisions)
            for option in range(len(decision.options))
            if arch[place] not in (ABSENT, option)
        ]
        found = [each for each in found if self.space.allows(each) and self.allows(each)]
        return [found[place] for place in rng.permutation(len(found))]
