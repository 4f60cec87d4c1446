"""Neighbours: pairs that differ in one decision, so that what sets them apart on a batch is that decision alone."""

from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np
from pydantic import Field
from typing_extensions import override

from toolkit.errors import InputError
from toolkit.names import did_you_mean
from toolkit.sampling.base import Moment, Sampler, SamplerOptions
from toolkit.spaces import ABSENT, Arch, SearchSpace

_TRIES = 1000

Names = Annotated[tuple[str, ...], Field(strict=False)]
"""The type of an option that names decisions: each by its name, or several by the beginning of theirs."""


class NeighboursOptions(SamplerOptions):
    """In which decisions pairs differ."""

    name: Literal["neighbours"] = Field("neighbours", description="which sampler")
    decisions: Names = Field(
        (), description="decisions, or beginnings of their names, of which a pair differs in one; default: any"
    )


class Neighbours(Sampler):
    """Paths 0 and 1, 2 and 3, ... of a draw differ in one decision; of an odd count the last is alone."""

    name = "neighbours"
    summary = "pairs that differ in one decision (the opposite of PGONAS's distant pairs, arXiv 2206.13329)"
    options_type = NeighboursOptions

    def __init__(self, space: SearchSpace, options: NeighboursOptions) -> None:
        super().__init__(space, options)
        self._places = decisions_called("method.sampling.decisions", space, options.decisions)

    @override
    def draw(self, rng: np.random.Generator, count: int, moment: Moment) -> list[Arch]:
        paths = [path for _ in range(count // 2) for path in neighbours(rng, self.space, self._places)]
        return paths if count % 2 == 0 else [*paths, self.space.sample(rng)]


def decisions_called(option: str, space: SearchSpace, names: Sequence[str]) -> tuple[int, ...]:
    """The places of the decisions with these names or beginnings of names; without names, of all.

    Decisions that shape no block or have one option only are left out, for in these no two paths differ.

    Raises:
        InputError: a name fits none, said of the `option` that has it.
    """
    places = {
        place: decision.name
        for place, decision in enumerate(space.decisions)
        if decision.blocks and len(decision.options) > 1
    }
    called = tuple(place for place, name in places.items() if not names or name.startswith(tuple(names)))
    if unknown := [each for each in names if not any(name.startswith(each) for name in places.values())]:
        raise InputError(
            f"{option}: no decision that paths can differ in is called {each!r} or begins so"
            f"{did_you_mean(each, list(places.values()))}"
            for each in unknown
        )
    return called


def neighbours(rng: np.random.Generator, space: SearchSpace, places: Sequence[int]) -> tuple[Arch, Arch]:
    """Draw a by the space's law, and b, which answers one decision of `places` otherwise.

    Each decision of `places` that applies to a is equally likely. Decisions that come to apply by it are answered at
    random.

    Raises:
        InputError: no path that was drawn has such a neighbour.
    """
    for _ in range(_TRIES):
        first = space.sample(rng)
        for place in rng.permutation([place for place in places if first[place] != ABSENT]).tolist():
            options = [option for option in range(len(space.decisions[place].options)) if option != first[place]]
            for option in rng.permutation(options).tolist():
                second = space.changed(first, place, option, rng)
                if space.allows(second) and space.connected(second):
                    return first, second
    names = ", ".join(space.decisions[place].name for place in places)
    raise InputError(f"space {space.name}: {_TRIES:,} draws gave no two paths that differ in one of {names} only")
