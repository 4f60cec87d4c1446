"""Ways to search, each a generator: it yields networks to be scored together and is sent their scores; more is better.

All of them are short textbook loops. A score is asked for once: whoever drives them remembers it.
"""

from collections import deque
from collections.abc import Callable, Generator

import numpy as np

from toolkit.search.ascent import Ascent
from toolkit.search.costs import Cost
from toolkit.search.ground import Ground
from toolkit.search.policy import Policy
from toolkit.spaces import Arch

Rounds = Generator[list[Arch], list[float], None]

POPULATION, TOURNAMENT = 50, 10
"""Of regularised evolution: networks that are alive, and those among which a parent is the best."""

LR, DECAY = 0.05, 0.9
"""Of the policy's Adam, and of its moving average of rewards."""


def random(ground: Ground, rng: np.random.Generator, size: int) -> Rounds:
    """Draws that learn nothing: what every other way has to beat."""
    while True:
        yield [ground.draw(rng) for _ in range(size)]


def evolution(ground: Ground, rng: np.random.Generator, size: int) -> Rounds:
    """Regularised evolution (Real et al., arXiv 1802.01548): mutate the best of a few, and let the oldest die.

    `size` children at a time have parents of the same population, as with so many workers in the paper.
    """
    first = [ground.draw(rng) for _ in range(POPULATION)]
    alive = deque(zip((yield first), first, strict=True), maxlen=POPULATION)
    while True:
        children = []
        for _ in range(size):
            rivals = [alive[place] for place in rng.integers(len(alive), size=TOURNAMENT)]
            children.append(ground.mutated(max(rivals)[1], rng))
        alive.extend(zip((yield children), children, strict=True))


def local(ground: Ground, rng: np.random.Generator, size: int) -> Rounds:
    """Go to a better neighbour, the best of each `size` that are looked at; from a summit begin anew."""
    while True:
        starts = [ground.draw(rng) for _ in range(size)]
        best, here = max(zip((yield starts), starts, strict=True))
        while True:
            around = ground.neighbours(here, rng)
            for start in range(0, len(around), size):
                part = around[start : start + size]
                found, there = max(zip((yield part), part, strict=True))
                if found > best:
                    best, here = found, there
                    break
            else:
                break


def front(ground: Ground, rng: np.random.Generator, size: int, cost: Cost) -> Rounds:
    """Evolution whose parents are drawn from the Pareto front of all that was scored: score against cost."""
    archs = [ground.draw(rng) for _ in range(POPULATION)]
    seen: dict[Arch, float] = {}
    while True:
        seen |= zip(archs, (yield archs), strict=True)
        members = pareto(list(seen), [*seen.values()], [cost(arch) for arch in seen])
        archs = [ground.mutated(members[rng.integers(len(members))], rng) for _ in range(size)]


class ByPolicy:
    """A policy gradient (REINFORCE) with a moving average as baseline, on a factorised policy without a supernet's
    training; rewards are in units of the standard deviation of all so far. Draws beyond the limits are not scored and
    count as the worst so far.

    Attributes:
        policy: as it is by now.
    """

    def __init__(self, ground: Ground, rng: np.random.Generator, size: int, lr: float = LR) -> None:
        self._ascent = Ascent(Policy(ground.space), lr=lr)
        self._ground, self._rng, self._size = ground, rng, size

    @property
    def policy(self) -> Policy:
        """As it is by now."""
        return self._ascent.policy

    def rounds(self) -> Rounds:
        """The search."""
        usual, seen = 0.0, list[float]()
        while True:
            drawn = self.policy.sample(self._rng, self._size)
            within = [arch for arch in drawn if self._ground.allows(arch)]
            if not within:
                within = [self._ground.draw(self._rng)]
                drawn += within
            scores = dict(zip(within, (yield within), strict=True))
            seen += scores.values()
            rewards = np.array([scores.get(arch, min(seen)) for arch in drawn])
            before = usual if len(seen) > len(scores) else float(rewards.mean())
            usual = DECAY * before + (1 - DECAY) * float(rewards.mean())
            advantages = (rewards - before) / (float(np.std(seen)) or 1.0) / len(drawn)
            self._ascent.step(self.policy.gradient(drawn, advantages.tolist()))


def pareto(archs: list[Arch], scores: list[float], costs: list[float]) -> list[Arch]:
    """Those that no other beats in both, cheapest first; of equal ones the first."""
    found, best = [], -np.inf
    for place in sorted(range(len(archs)), key=lambda place: (costs[place], -scores[place])):
        if scores[place] > best:
            best = scores[place]
            found.append(archs[place])
    return found


PLAIN: dict[str, Callable[[Ground, np.random.Generator, int], Rounds]] = {
    "random": random,
    "evolution": evolution,
    "local": local,
}
"""Those that need nothing else."""
