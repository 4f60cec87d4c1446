"""Uniform over some of the options: what a phase of progressive shrinking trains (once-for-all, arXiv 1908.09791)."""

from typing import Annotated, Literal

import numpy as np
from pydantic import Field
from typing_extensions import override

from toolkit.errors import InputError
from toolkit.names import did_you_mean
from toolkit.sampling.base import Moment, Sampler, SamplerOptions, require_free
from toolkit.spaces import Arch, Decision, SearchSpace

Options = Annotated[list[int | str], Field(min_length=1)]


class WithinOptions(SamplerOptions):
    """Which options are drawn."""

    name: Literal["within"] = Field("within", description="which sampler")
    open: dict[str, Options] = Field(
        default_factory=dict,
        description="by decision, or by the beginning of several decisions' names: the options drawn; of others all",
    )


class Within(Sampler):
    """Every decision uniform and independent over the options that are open to it; the longest name given counts."""

    name = "within"
    summary = "uniform over the options that are named (a phase of progressive shrinking, arXiv 1908.09791)"
    options_type = WithinOptions

    def __init__(self, space: SearchSpace, options: WithinOptions) -> None:
        super().__init__(space, options)
        require_free(space, self.name)
        names = [decision.name for decision in space.decisions]
        problems = [
            f"method.sampling.open.{name}: no decision is called so or begins so{did_you_mean(name, names)}"
            for name in options.open
            if not any(decision.startswith(name) for decision in names)
        ]
        self._open: list[list[int]] = []
        for decision in space.decisions:
            given = [name for name in options.open if decision.name.startswith(name)]
            allowed = options.open[max(given, key=len)] if given else list(decision.options)
            problems += _unknown(decision, allowed)
            self._open.append([place for place, option in enumerate(decision.options) if option in allowed])
        if problems:
            raise InputError(dict.fromkeys(problems))

    @override
    def draw(self, rng: np.random.Generator, count: int, moment: Moment) -> list[Arch]:
        drawn = rng.integers([len(options) for options in self._open], size=(count, len(self._open))).tolist()
        return [
            self.space.canonical([options[place] for options, place in zip(self._open, row, strict=True)])
            for row in drawn
        ]


def _unknown(decision: Decision, allowed: list[int | str]) -> list[str]:
    return [
        f"method.sampling.open: {decision.name} has no option {option!r}; it has "
        f"{', '.join(map(str, decision.options))}"
        for option in allowed
        if option not in decision.options
    ]
