"""How far the paths that a sampler draws are from the candidates that will be ranked.

Four of six teams of the 2022 challenge trained on another distribution than they were tested on. Here both are compared
decision by decision, and by MACs.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import pi, sqrt

import numpy as np

from toolkit.sampling.base import Moment, Sampler
from toolkit.spaces import ABSENT, Arch, SearchSpace

DRAWS = 5000
_PARTS = 100
"""The draws are spread over a training of so many steps."""


@dataclass(frozen=True, slots=True)
class Shift:
    """One decision's options, as drawn and as they stand in the candidates.

    Attributes:
        drawn, candidates: share of each option among all paths, as text; "absent" where the decision does not apply.
        distance: total variation distance of the two, half the sum of absolute differences: 0 equal, 1 disjoint.
        chance: what that would be on average for two samples of these sizes from one distribution, the pooled one.
    """

    decision: str
    drawn: dict[str, float]
    candidates: dict[str, float]
    distance: float
    chance: float


@dataclass(frozen=True, slots=True)
class Distribution:
    """What sets a sampler's draws apart from candidates.

    Attributes:
        sampler: its name; `draws` and `candidates` are the numbers of networks compared.
        before_loss: the sampler chooses by loss, which was left out for want of a network.
        shifts: one per decision that shapes a block, in the space's order.
        mean_distance, max_distance, mean_chance: over them.
        macs_drawn, macs_candidates: medians, of the stand-alone networks.
        macs_distance: Kolmogorov-Smirnov statistic of the two distributions of MACs; `macs_p` its p-value.
    """

    sampler: str
    draws: int
    candidates: int
    before_loss: bool
    shifts: tuple[Shift, ...]
    mean_distance: float
    max_distance: float
    mean_chance: float
    macs_drawn: float
    macs_candidates: float
    macs_distance: float
    macs_p: float

    def worst(self, count: int = 3) -> list[Shift]:
        """The decisions that differ most beyond chance, the worst first."""
        return sorted(self.shifts, key=lambda shift: shift.chance - shift.distance)[:count]


def compare(sampler: Sampler, candidates: Sequence[Arch], draws: int = DRAWS, seed: int = 0) -> Distribution:
    """Compare `draws` paths, drawn evenly over the whole training, with `candidates`.

    A sampler that chooses by loss is given equal losses: what remains is the law by which it draws what it compares.
    The sampler's memory is afterwards what it was.
    """
    from scipy.stats import ks_2samp  # slow to load

    space = sampler.space
    drawn = _draw(sampler, draws, seed)
    shifts = tuple(
        _shift(space, place, drawn, candidates) for place, decision in enumerate(space.decisions) if decision.blocks
    )
    macs, theirs = ([space.cost(arch).macs for arch in archs] for archs in (drawn, candidates))
    test = ks_2samp(macs, theirs)
    return Distribution(
        sampler=sampler.name,
        draws=draws,
        candidates=len(candidates),
        before_loss=sampler.needs_loss,
        shifts=shifts,
        mean_distance=float(np.mean([shift.distance for shift in shifts])),
        max_distance=max(shift.distance for shift in shifts),
        mean_chance=float(np.mean([shift.chance for shift in shifts])),
        macs_drawn=float(np.median(macs)),
        macs_candidates=float(np.median(theirs)),
        macs_distance=float(test.statistic),
        macs_p=float(test.pvalue),
    )


def _draw(sampler: Sampler, draws: int, seed: int) -> list[Arch]:
    before = sampler.state()
    drawn: list[Arch] = []
    for part in range(_PARTS):
        rng = np.random.default_rng((seed, part))
        count = draws * (part + 1) // _PARTS - draws * part // _PARTS
        drawn += sampler.draw(rng, count, Moment(part / _PARTS, loss=lambda _: 0.0))
    sampler.load_state(before)
    return drawn


def _shift(space: SearchSpace, place: int, drawn: Sequence[Arch], candidates: Sequence[Arch]) -> Shift:
    decision = space.decisions[place]
    names = {i: str(option) for i, option in enumerate(decision.options)}
    counts = [Counter(arch[place] for arch in archs) for archs in (drawn, candidates)]
    if any(ABSENT in count for count in counts):
        names[ABSENT] = "absent"
    n, m = len(drawn), len(candidates)
    ours, theirs = ({name: count[i] / count.total() for i, name in names.items()} for count in counts)
    # The mean of |x| for a normal x is sqrt(2 / pi) standard deviations.
    pooled = [(counts[0][i] + counts[1][i]) / (n + m) for i in names]
    chance = sum(sqrt(2 / pi * share * (1 - share) * (1 / n + 1 / m)) for share in pooled) / 2
    distance = sum(abs(ours[name] - theirs[name]) for name in ours) / 2
    return Shift(decision.name, ours, theirs, distance, chance)
