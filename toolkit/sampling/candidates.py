"""Paths drawn from a candidates file: training on the very distribution that will be tested."""

from collections.abc import Mapping
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field
from typing_extensions import override

from toolkit.candidates import read_candidates
from toolkit.sampling.base import Moment, Sampler, SamplerOptions, State
from toolkit.sampling.decks import Decks
from toolkit.spaces import Arch, SearchSpace


class CandidatesOptions(SamplerOptions):
    """Which file, and whether an entry may come again before all others came."""

    name: Literal["candidates"] = Field("candidates", description="which sampler")
    file: str = Field(min_length=1, description="a candidates file; its numbers are not looked at")
    replacement: bool = Field(False, description="draw each path from all entries, not only from those still to come")


class Candidates(Sampler):
    """Entries of a file in random order, each once in a pass; or each draw from all of them, with `replacement`."""

    name = "candidates"
    summary = "drawn from a candidates file (second place of CVPR 2022 track 1, from its NSAS phase on)"
    options_type = CandidatesOptions

    def __init__(self, space: SearchSpace, options: CandidatesOptions) -> None:
        super().__init__(space, options)
        self._archs = [space.parse(code) for code in read_candidates(options.file, space).values()]
        self._deck = None if options.replacement else Decks([len(self._archs)])

    @override
    def draw(self, rng: np.random.Generator, count: int, moment: Moment) -> list[Arch]:
        if self._deck is None:
            return [self._archs[place] for place in rng.integers(len(self._archs), size=count)]
        paths = []
        for _ in range(count):
            paths.append(self._archs[self._deck.top(0, rng)])
            self._deck.take(0)
        return paths

    def state(self) -> State:
        """How far the pass has come; nothing with replacement."""
        return {} if self._deck is None else self._deck.state()

    @override
    def load_state(self, state: Mapping[str, npt.NDArray[np.int64]]) -> None:
        if self._deck is not None:
            self._deck.load_state(state)
