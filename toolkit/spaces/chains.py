"""Spaces that choose one of several blocks for each position, which may run as a weighted sum of them."""

from dataclasses import replace
from functools import cached_property, lru_cache
from typing import ClassVar

import numpy as np

from toolkit.errors import InputError
from toolkit.spaces.base import Arch, Decision
from toolkit.spaces.mixtures import POSITIONS, Active, Floats, Mixable, MixedEdge, weighed
from toolkit.spaces.plans import Choice, Identity, Plan, Plans
from toolkit.spaces.primitives import Map
from toolkit.spaces.wiring import wired


class Chain(Mixable):
    """A space each of whose decisions says which block stands at one position; `widest` has a `Choice` of them there.

    An option that is no branch of that choice is an absent block, the identity. To methods a position is a cell of its
    own, whose one edge leads from its input to its output.
    """

    pooled: ClassVar[str | None] = POSITIONS

    @cached_property
    def edges(self) -> tuple[MixedEdge, ...]:
        """One for each decision.

        Raises:
            InputError: a decision is no such choice, or what its options put out differs in shape.
        """
        return tuple(
            MixedEdge(decision.name, 0, 1, output=True, options=tuple(dict(choice.branches)), blocks=decision.blocks)
            for decision, choice in zip(self.decisions, self._choices, strict=True)
        )

    def mixture(self, active: Active, *, shared: bool = False) -> Plans:  # noqa: ARG002 (one edge has nothing to share)
        """The network in which every position is a weighted sum.

        Raises:
            ValueError: a position has no active option, so that nothing of the images would get through.
        """
        return _mixture(self, active)

    def derived(self, strengths: Floats) -> Arch:
        """The strongest option of each position; of equals the first."""
        return tuple(np.argmax(np.where(self.offered, strengths, -np.inf), axis=1).tolist())

    def operations_of(self, arch: Arch) -> list[tuple[str, str]]:
        """One for each position."""
        return [(edge.cell, edge.options[answer]) for edge, answer in zip(self.edges, arch, strict=True)]

    @cached_property
    def _choices(self) -> tuple[Choice, ...]:
        """Of each decision: what the supernet has at its position, and an identity where that is an option."""
        return tuple(_choice(self, decision) for decision in self.decisions)


def _choice(space: Chain, decision: Decision) -> Choice:
    held = space.widest[decision.blocks[0]] if len(decision.blocks) == 1 else None
    remedy = "it cannot run as a weighted sum; take a method that draws paths, such as spos"
    if not isinstance(held, Choice):
        raise InputError(f"space {space.name}: {decision.name} chooses no block of one position, so {remedy}")
    branches, (first, *others) = dict(held.branches), map(str, decision.options)
    whole = {name: branches.get(name, Identity()) for name in (first, *others)}
    shapes = {name: _output(plan, held.inputs) for name, plan in whole.items()}
    for name in others:
        if shapes[name] != shapes[first]:
            told = " and ".join(f"{each} {shapes[each].channels} x {shapes[each].size}^2" for each in (first, name))
            raise InputError(f"space {space.name}: at {decision.name} options differ in shape ({told}), so {remedy}")
    return replace(held, branches=tuple(whole.items()))


def _output(plan: Plan, inputs: tuple[Map, ...]) -> Map:
    made = wired(plan, inputs)
    return made.map(made.output)


@lru_cache(maxsize=256)
def _mixture(space: Chain, active: Active) -> Plans:
    """See `Chain.mixture`."""
    plans = [*space.widest]
    for row, (edge, choice, there) in enumerate(zip(space.edges, space._choices, active, strict=True)):
        branches = tuple(branch for branch, on in zip(choice.branches, there, strict=False) if on)
        if not branches:
            raise ValueError(f"nothing is active at {edge.cell}")
        plans[edge.blocks[0]] = weighed(replace(choice, branches=branches), row, edge.options)
    return tuple(plans)
