"""Progressive shrinking: smaller depths open first, then smaller widths (after OFA, arXiv 1908.09791)."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Literal

import numpy as np
from pydantic import AfterValidator, Field
from typing_extensions import override

from toolkit.sampling.base import Moment, Sampler, SamplerOptions, option_counts, underived
from toolkit.spaces import Arch, SearchSpace
from toolkit.spaces.cost import network_cost

EPOCHS = 70
"""Of PGONAS's run of progressive shrinking, from which the default phases are taken."""

DEPTHS, WIDTHS = (0, 20, 28), (34, 45, 50, 55, 60, 65)
"""The epochs in which its phases begin."""


def _ascending(shares: list[float]) -> list[float]:
    if any(later <= earlier for earlier, later in pairwise(shares)):
        raise ValueError("phases begin one after the other; write ascending shares")
    return shares


Phases = Annotated[list[Annotated[float, Field(ge=0, lt=1)]], Field(min_length=1), AfterValidator(_ascending)]


class ShrinkingOptions(SamplerOptions):
    """When smaller options open, as shares of the training."""

    name: Literal["shrinking"] = Field("shrinking", description="which sampler")
    depths: Phases | None = Field(None, description="beginnings of the depth phases; default: 0, 20, 28 of 70 epochs")
    widths: Phases | None = Field(
        None,
        description="beginnings of the phases of all else; default: 34, 45, 50, 55, 60, 65 of 70 epochs; in a space "
        "without depths the same from the beginning on, stretched",
    )


class Shrinking(Sampler):
    """Uniform over the options that are open; each phase opens the next smaller ones, so that the last opens all.

    A depth is a decision on whose answer it depends which others apply; every other decision counts as a width, and its
    options are ordered by the MACs of the path through the supernet that is else the largest. Of a decision with n
    options, each of m phases opens ceil((n - 1) / m), as long as there are any. Before its first phase a decision has
    the largest option alone. By default the first phase of depths begins with the training, as in PGONAS's schedule, so
    that the largest network is never trained alone. OFA trains it before: a step with the method `largest` does that,
    or a first phase that begins later.
    """

    name = "shrinking"
    summary = (
        "smaller depths open from the first epoch on, then smaller widths (progressive shrinking, arXiv 1908.09791)"
    )
    options_type = ShrinkingOptions

    def __init__(self, space: SearchSpace, options: ShrinkingOptions) -> None:
        super().__init__(space, options)
        whole = underived(space)
        is_depth = [_is_depth(whole, place) for place in range(len(space.decisions))]
        start = 0 if any(is_depth) else WIDTHS[0]
        depths = options.depths or [epoch / EPOCHS for epoch in DEPTHS]
        widths = options.widths or [(epoch - start) / (EPOCHS - start) for epoch in WIDTHS]
        self._phases: list[Sequence[float]] = [depths if depth else widths for depth in is_depth]
        self._orders = [_largest_first(whole, place) for place in range(len(space.decisions))]

    def open_options(self, progress: float) -> list[list[int]]:
        """For each decision the options that are open after this share of the training, largest first."""
        found = []
        for order, phases in zip(self._orders, self._phases, strict=True):
            begun = sum(start <= progress for start in phases)
            each = -(-(len(order) - 1) // len(phases))
            found.append(order[: 1 + begun * each])
        return found

    @override
    def draw(self, rng: np.random.Generator, count: int, moment: Moment) -> list[Arch]:
        options = self.open_options(moment.progress)
        counts = [len(choices) for choices in options]
        drawn = rng.integers(counts, size=(count, len(counts))).tolist()
        return [self.space.canonical([o[place] for o, place in zip(options, row, strict=True)]) for row in drawn]


def _variants(space: SearchSpace, place: int) -> list[list[int]]:
    """The largest architecture with each option of one decision, as answers."""
    largest = [max(answer, 0) for answer in space.largest]
    return [[*largest[:place], option, *largest[place + 1 :]] for option in range(option_counts(space)[place])]


def _is_depth(space: SearchSpace, place: int) -> bool:
    return len({tuple(space.active(answers)) for answers in _variants(space, place)}) > 1


def _largest_first(space: SearchSpace, place: int) -> list[int]:
    # The path through the supernet: in a stand-alone network a narrower layer can cost more, by a projection more.
    macs = [network_cost(space.supernet_plans(space.canonical(answers))).macs for answers in _variants(space, place)]
    return sorted(range(len(macs)), key=lambda option: (-macs[option], option != space.largest[place]))
