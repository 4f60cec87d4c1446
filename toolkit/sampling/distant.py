"""Distant pairs: nearby paths differ by less than a prior can tell (PGONAS, arXiv 2206.13329)."""

from collections.abc import Callable
from typing import Literal

import numpy as np
from pydantic import Field
from typing_extensions import override

from toolkit.errors import InputError
from toolkit.sampling.base import Moment, Sampler, SamplerOptions
from toolkit.sampling.distance import distance_of
from toolkit.spaces import Arch, SearchSpace
from toolkit.spaces.distances import Distance

TRIES = 1000
"""How often a pair's second path is drawn before giving up."""

_PROBE = 20
"""Pairs drawn before a training, to see whether there are any."""

Sample = Callable[[np.random.Generator], Arch]
"""Draws one architecture."""


class DistantOptions(SamplerOptions):
    """How far apart two paths are."""

    name: Literal["distant"] = Field("distant", description="which sampler")
    distance: str | None = Field(
        None, description="one of the space's; default: digits in the resnet48 family, decisions elsewhere"
    )
    minimum: float | None = Field(
        None, gt=0, description="default: 33 of 47 digits, that share of decisions, adaptive 6.7"
    )
    tries: int = Field(TRIES, ge=1, description="draws of a pair's second path before giving up")


class Distant(Sampler):
    """Paths 0 and 1, 2 and 3, ... of a draw are pairs at least `minimum` apart; of an odd count the last is alone."""

    name = "distant"
    summary = "pairs of uniformly drawn paths at least so far apart (PGONAS, arXiv 2206.13329)"
    options_type = DistantOptions

    def __init__(self, space: SearchSpace, options: DistantOptions) -> None:
        super().__init__(space, options)
        self._distance = distance_of(options.distance, space)
        self._minimum = self._distance.far if options.minimum is None else options.minimum
        self._tries = options.tries
        require_pairs("method.sampling.minimum", space.sample, self._distance, self._minimum, self._tries)

    @override
    def draw(self, rng: np.random.Generator, count: int, moment: Moment) -> list[Arch]:
        paths = [path for _ in range(count // 2) for path in self._pair(rng)]
        return paths if count % 2 == 0 else [*paths, self.space.sample(rng)]

    def _pair(self, rng: np.random.Generator) -> tuple[Arch, Arch]:
        return distant_pair(rng, self.space.sample, self._distance, self._minimum, self._tries)


def distant_pair(
    rng: np.random.Generator, sample: Sample, distance: Distance, minimum: float, tries: int = TRIES
) -> tuple[Arch, Arch]:
    """Draw a and b; draw b again until it is at least `minimum` from a.

    Raises:
        InputError: none of `tries` was far enough.
    """
    first = sample(rng)
    farthest = 0.0
    for _ in range(tries):
        second = sample(rng)
        apart = distance(first, second)
        if apart >= minimum:
            return first, second
        farthest = max(farthest, apart)
    raise InputError(
        f"none of {tries:,} drawn paths was {minimum:g} or more from another, the farthest {farthest:g}; ask for less, "
        "or for more tries"
    )


def require_pairs(option: str, sample: Sample, distance: Distance, minimum: float, tries: int = TRIES) -> None:
    """See before a training whether there are such pairs at all, by drawing a few.

    Raises:
        InputError: there are none, or hardly any; names the `option` that asked for them.
    """
    if minimum > distance.most:
        raise InputError(
            f"{option}: {minimum:g} is more than any two networks are apart, at most {distance.most:g}; ask for less"
        )
    rng = np.random.default_rng(0)
    try:
        for _ in range(_PROBE):
            distant_pair(rng, sample, distance, minimum, tries)
    except InputError as error:
        raise InputError(f"{option}: {error}") from error
