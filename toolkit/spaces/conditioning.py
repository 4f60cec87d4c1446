"""Weakly weight sharing: shared weights that a HyperNet conditions on the architecture, a little.

That there is a HyperNet which weakens sharing is all that is known of WPNAS (arXiv 2203.02086, abstract) [A]; forms,
codes and constants are ours [R]. A condition is part of the plans of a path, so equal blocks of different networks are
no longer equal, and nothing is shared that should not be. Candidates alone have no HyperNet.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Literal

import numpy as np

from toolkit.spaces.base import ABSENT, Arch, SearchSpace
from toolkit.spaces.derived import DerivedSpace
from toolkit.spaces.hyper import Form, Hyper
from toolkit.spaces.plans import Plan, Plans
from toolkit.spaces.wiring import by_structure, graph

Sees = Literal["whole", "local"]
"""What a block's HyperNet knows of: all decisions, or those that shape the block and its neighbours."""

Control = Literal["shuffled", "constant"]
"""Codes that tell nothing of the architecture, to see what only parameters do: another architecture's, always the same
one for each; or one for all."""

_STREAM = 0x77656B  # sets the draws of wrong codes apart from all others


@dataclass(frozen=True)
class ConditionedSpace(DerivedSpace):
    """`base`, whose supernet shares weights weakly.

    Attributes:
        form, rho, hidden, terms: as `Hyper` has them.
        sees: what a block is conditioned on.
        control: a wrong code in place of the right one.
        warmup: share of a training over which what the HyperNet says comes to count, linearly from nothing.
        dropout: probability that a step does not tell the HyperNet an answer, lest it know architectures by heart.
    """

    form: Form
    rho: float
    hidden: int
    terms: int = 0
    sees: Sees = "whole"
    control: Control | None = None
    warmup: float = 0.0
    dropout: float = 0.0

    def supernet_plans(self, arch: Arch) -> Plans:
        """The base's, conditioned."""
        return self._conditioned(self.base.supernet_plans(arch), arch)

    def trunk_plans(self, arch: Arch) -> Plans:
        """The base's, conditioned."""
        return self._conditioned(self.base.trunk_plans(arch), arch)

    def in_training(self, plans: Plans, progress: float, rng: np.random.Generator | None = None) -> Plans:
        """With the strength that a HyperNet has by then, and what a step learns from, without some answers."""
        strength = min(1.0, progress / self.warmup) if self.warmup else 1.0
        untold = np.zeros(len(self.decisions), bool)
        if rng is not None and self.dropout:
            untold = rng.spawn(1)[0].random(len(untold)) < self.dropout  # `rng` goes on as if nothing were left out
        if strength == 1.0 and not untold.any():
            return plans

        def told(position: int, plan: Plan) -> tuple[int, ...]:
            pairs = zip(self._known[position], plan.answers, strict=True)
            return tuple(ABSENT if untold[number] else answer for number, answer in pairs)

        return tuple(
            replace(plan, answers=told(position, plan), strength=strength) if plan and plan.answers else plan
            for position, plan in enumerate(plans)
        )

    @cached_property
    def widest(self) -> Plans:
        """The base's, with a HyperNet at every position that has something to modulate."""
        return tuple(
            plan if plan is None or (hyper := self._hyper(position)) is None else weakened(plan, hyper)
            for position, plan in enumerate(self.base.widest)
        )

    def known(self, position: int) -> tuple[int, ...]:
        """The decisions, by number, that the block at a position is conditioned on."""
        near = {position - 1, position, position + 1}
        return tuple(
            number
            for number, decision in enumerate(self.decisions)
            if decision.blocks and (self.sees == "whole" or near & {*decision.blocks})
        )

    def _conditioned(self, plans: Plans, arch: Arch) -> Plans:
        return tuple(
            plan
            if plan is None or held is None or held.hyper is None
            else weakened(plan, held.hyper, self._answers(position, arch))
            for position, (plan, held) in enumerate(zip(plans, self.widest, strict=True))
        )

    def _hyper(self, position: int) -> Hyper | None:
        options = tuple(len(self.decisions[number].options) for number in self._known[position])
        return Hyper(self.form, self.rho, self.hidden, self.terms, options) if options else None

    @cached_property
    def _known(self) -> tuple[tuple[int, ...], ...]:
        return tuple(map(self.known, range(len(self.base.widest))))

    def _answers(self, position: int, arch: Arch) -> tuple[int, ...]:
        known = self._known[position]
        if self.control == "constant":
            arch = self.largest
        answers = tuple(arch[number] for number in known)
        return answers if self.control != "shuffled" else _another(self, known, answers)


def weakened(plan: Plan, hyper: Hyper, answers: tuple[int, ...] = ()) -> Plan:
    """`plan` with a HyperNet, conditioned on `answers`; as it is if there is nothing to modulate."""
    return replace(plan, hyper=hyper, answers=answers) if _modulated(plan, hyper) else plan


@by_structure
def _modulated(plan: Plan, hyper: Hyper) -> bool:
    return any(step.hyper is not None for step in graph(replace(plan, hyper=hyper)).steps)


@lru_cache(maxsize=1 << 16)
def _another(space: ConditionedSpace, known: Sequence[int], answers: tuple[int, ...]) -> tuple[int, ...]:
    """The answers of an architecture drawn for these ones: the same whenever they are the same, and unrelated."""
    rng = np.random.default_rng([_STREAM, *(answer - ABSENT for answer in answers)])
    drawn = space.sample(rng)
    return tuple(drawn[number] for number in known)


def conditioning_problems(space: SearchSpace, form: Form) -> list[str]:
    """Why a space's supernet cannot share its weights so; empty if it can."""
    made = ConditionedSpace(space, form, rho=1.0, hidden=1, terms=2)
    if any(plan is not None and plan.hyper is not None for plan in made.widest):
        return []
    return [f"space {space.name} has no convolutions that could depend on decisions about its blocks"]
