"""Strict fairness: every option of a decision is trained equally often (FairNAS, Chu et al., arXiv 1907.01845)."""

from collections.abc import Mapping
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field
from typing_extensions import override

from toolkit.sampling.base import Moment, Sampler, SamplerOptions, State, option_counts
from toolkit.sampling.decks import Decks
from toolkit.spaces import Arch, SearchSpace


class FairOptions(SamplerOptions):
    """None."""

    name: Literal["fair"] = Field("fair", description="which sampler")


class Fair(Sampler):
    """Each decision has a deck of its options, dealt path by path and over steps; a used-up deck is shuffled anew.

    A decision that does not apply to a path keeps its card for the next. So at any time the options of a decision were
    trained equally often, give or take one, and exactly so whenever it was dealt a multiple of its number of options.
    """

    name = "fair"
    summary = "every option of a decision equally often, dealt from a deck (strict fairness, arXiv 1907.01845)"
    options_type = FairOptions

    def __init__(self, space: SearchSpace, options: FairOptions) -> None:
        super().__init__(space, options)
        self._decks = Decks(option_counts(space))

    @override
    def draw(self, rng: np.random.Generator, count: int, moment: Moment) -> list[Arch]:
        return [self._deal(rng) for _ in range(count)]

    def _deal(self, rng: np.random.Generator) -> Arch:
        answers = [self._decks.top(decision, rng) for decision in range(len(self.space.decisions))]
        for decision, active in enumerate(self.space.active(answers)):
            if active:
                self._decks.take(decision)
        return self.space.canonical(answers)

    def state(self) -> State:
        """The decks."""
        return self._decks.state()

    @override
    def load_state(self, state: Mapping[str, npt.NDArray[np.int64]]) -> None:
        self._decks.load_state(state)
