"""The space's own distribution (single path one-shot, Guo et al., arXiv 1904.00420)."""

from typing import Literal

import numpy as np
from pydantic import Field
from typing_extensions import override

from toolkit.sampling.base import Moment, Sampler, SamplerOptions
from toolkit.spaces import Arch


class UniformOptions(SamplerOptions):
    """None."""

    name: Literal["uniform"] = Field("uniform", description="which sampler")


class Uniform(Sampler):
    """Every decision uniform and independent, inactive ones dropped afterwards."""

    name = "uniform"
    summary = "every option of every decision equally likely (single path one-shot, arXiv 1904.00420)"
    options_type = UniformOptions

    @override
    def draw(self, rng: np.random.Generator, count: int, moment: Moment) -> list[Arch]:
        return [self.space.sample(rng) for _ in range(count)]
