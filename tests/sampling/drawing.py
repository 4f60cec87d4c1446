"""Drawing paths as a training does: a fresh generator for each step."""

from collections.abc import Callable
from itertools import chain
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from toolkit.sampling import Moment, Sampler, SamplingOptions, make_sampler
from toolkit.spaces import ABSENT, Arch, SearchSpace

_OPTIONS: TypeAdapter[Any] = TypeAdapter(SamplingOptions)


def sampler(space: SearchSpace, name: str, **options: object) -> Sampler:
    """As a recipe with these options makes it."""
    return make_sampler(_OPTIONS.validate_python({"name": name, **options}), space, has_loss=True)


def draw_steps(
    source: Sampler, steps: range, paths: int = 4, total: int = 100, loss: Callable[[Arch], float] | None = None
) -> list[Arch]:
    """The paths of some steps out of `total`; the loss is a function of the path that means nothing."""
    loss = loss or (lambda arch: float(np.random.default_rng([answer + 1 for answer in arch]).random()))
    drawn = (source.draw(np.random.default_rng((7, step)), paths, Moment(step / total, loss)) for step in steps)
    return list(chain.from_iterable(drawn))


def option_counts(space: SearchSpace, archs: list[Arch]) -> list[list[int]]:
    """How often each option of each decision was drawn where it applies."""
    return [
        [column.count(option) for option in range(len(decision.options))]
        for decision, column in zip(space.decisions, zip(*archs, strict=True), strict=True)
    ]


def absent(archs: list[Arch]) -> bool:
    """Whether a decision does not apply to some of them."""
    return any(ABSENT in arch for arch in archs)
