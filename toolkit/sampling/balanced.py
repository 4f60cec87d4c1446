"""Balanced sampling: of a few drawn paths, the one to train is chosen by a prior (PGONAS, arXiv 2206.13329)."""

from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field
from typing_extensions import override

from toolkit.errors import InputError
from toolkit.sampling.base import Moment, Sampler, SamplerOptions
from toolkit.sampling.prior import PriorName, prior_of
from toolkit.spaces import Arch, SearchSpace

Choose = Literal["proportional", "softmax", "argmax"]
Floats = npt.NDArray[np.float64]


class BalancedOptions(SamplerOptions):
    """How many are drawn, and how one of them is chosen."""

    name: Literal["balanced"] = Field("balanced", description="which sampler")
    prior: PriorName = Field("macs", description="macs, parameters, or file:PATH, whose networks are then drawn")
    among: int = Field(3, ge=2, description="networks drawn for each path")
    choose: Choose = Field(
        "proportional",
        description="with probability prior/sum, by the softmax of the prior scaled to 0..1, or always the highest",
    )


class Balanced(Sampler):
    """Draw `among` architectures and keep one; `proportional`: the i-th with probability k_i / sum k for priors k."""

    name = "balanced"
    summary = "of three drawn, one chosen by a prior such as MACs (PGONAS, arXiv 2206.13329)"
    options_type = BalancedOptions

    def __init__(self, space: SearchSpace, options: BalancedOptions) -> None:
        super().__init__(space, options)
        self._prior = prior_of(options.prior, space)
        self._among, self._choose = options.among, options.choose
        if options.choose == "proportional" and self._prior.pool and min(map(self._prior, self._prior.pool)) <= 0:
            raise InputError(
                f"method.sampling.prior: {options.prior} has scores of 0 or less, which cannot be proportions; "
                "choose by 'softmax' or 'argmax'"
            )

    @override
    def draw(self, rng: np.random.Generator, count: int, moment: Moment) -> list[Arch]:
        return [self._draw(rng) for _ in range(count)]

    def _draw(self, rng: np.random.Generator) -> Arch:
        archs = [self._prior.sample(rng) for _ in range(self._among)]
        scores = np.array([self._prior(arch) for arch in archs])
        if self._choose == "argmax":
            return archs[int(scores.argmax())]
        weights = scores if self._choose == "proportional" else np.exp(scaled(scores))
        return archs[rng.choice(self._among, p=weights / weights.sum())]


def scaled(scores: Floats) -> Floats:
    """(x - min) / (max - min), or 0 where all are equal."""
    low, high = scores.min(), scores.max()
    return (scores - low) / (high - low) if high > low else np.zeros_like(scores)
