"""Landmark regularisation: a few paths are kept in their true order (Yu et al., CVPR 2021, arXiv 2104.05309)."""

import math
from itertools import combinations, pairwise
from typing import ClassVar, Literal, cast

import numpy as np
from pydantic import Field
from typing_extensions import override

from toolkit.backends.base import Tensor
from toolkit.errors import InputError
from toolkit.methods.base import Batch, Options
from toolkit.methods.losses import hinge
from toolkit.methods.rank_loss import Form, rank_loss
from toolkit.methods.spos import SPOS, SPOSOptions
from toolkit.sampling.prior import FILE, Prior, prior_of
from toolkit.spaces import Arch, SearchSpace

Schedule = Literal["constant", "step", "cosine"]

_STEPS = ((1 / 2, 1.0), (3 / 8, 0.1), (1 / 4, 0.01))
"""From which share of the training on `step` has which weight: the authors' epochs 200, 150 and 100 of 400."""


class LandmarkOptions(SPOSOptions):
    """Options of landmark regularisation. Defaults are the authors' recommendation and their script's."""

    truth: str = Field(
        min_length=1, description="file of stand-alone accuracies in the candidates format, such as RUN/standalone.json"
    )
    landmarks: int = Field(50, ge=2, description="how many of its networks at most, spread from the best to the worst")
    pairs: Literal["random", "adjacent", "all"] = Field(
        "random", description="ordered in each step: one random pair, all neighbours in rank, or all pairs"
    )
    form: Form = Field("relu", description="of the rank loss")
    beta: float = Field(5.0, gt=0.0, description="sharpness of form softplus")
    weight: float = Field(10.0, ge=0.0, description="of the rank loss, times warm-up and schedule")
    warmup: float = Field(0.0, ge=0.0, lt=1.0, description="share of the training over which the weight rises from 0")
    schedule: Schedule = Field("constant", description="the rank loss's weight over the training")


class Landmark(SPOS):
    """Single path one-shot, and pairs of landmarks whose losses must be in the order of their true accuracies."""

    name = "landmark"
    summary = "single path one-shot, a few paths kept in their true order (landmark regularisation, arXiv 2104.05309)"
    options_type: ClassVar[type[Options]] = LandmarkOptions

    def __init__(self, space: SearchSpace, options: Options) -> None:
        super().__init__(space, options)
        given = cast(LandmarkOptions, options)
        try:
            self._truth = prior_of(FILE + given.truth, space)
        except InputError as error:
            raise InputError(f"method.truth: {problem}" for problem in error.problems) from error
        landmarks = spread(self._truth, given.landmarks)
        pairs = pairwise(landmarks) if given.pairs == "adjacent" else combinations(landmarks, 2)
        self._pairs = [(better, worse) for better, worse in pairs if self._truth(better) > self._truth(worse)]
        if not self._pairs:
            raise InputError(
                f"method.truth: {given.truth}: has no two networks with different accuracies, so there is no order to "
                "keep; train more candidates alone by `supernet standalone`"
            )

    @override
    def step(self, batch: Batch) -> dict[str, Tensor]:
        """Every landmark of the step's pairs is run once; all are held until the backward pass."""
        options, net = cast(LandmarkOptions, self.options), batch.net
        values = super().step(batch)
        factor = options.weight * schedule(options.schedule, batch.progress, options.warmup)
        if factor == 0:
            return values
        pairs = self._pairs
        if options.pairs == "random":
            pairs = [pairs[batch.rng.integers(len(pairs))]]
        losses = {
            arch: net.ops.cross_entropy(self.run(batch, arch), batch.labels)
            for arch in dict.fromkeys(arch for pair in pairs for arch in pair)
        }
        excesses = [losses[better] - losses[worse] for better, worse in pairs]
        terms = [
            rank_loss(net.ops, options.form, excess, beta=options.beta, gap=self._truth(better) - self._truth(worse))
            for excess, (better, worse) in zip(excesses, pairs, strict=True)
        ]
        net.ops.backward(factor / len(pairs) * sum(terms))
        return values | {"rank_loss": sum(hinge(net.ops.detach(excess)) for excess in excesses) / len(pairs)}


def spread(truth: Prior, count: int) -> list[Arch]:
    """At most `count` of the networks with a truth, the best first: the best, the worst, and evenly many between."""
    ranked = sorted(truth.pool or (), key=truth, reverse=True)
    places = np.linspace(0, len(ranked) - 1, min(count, len(ranked))).round().astype(int)
    return [ranked[place] for place in places]


def schedule(name: Schedule, progress: float, warmup: float = 0.0) -> float:
    """The rank loss's weight when a share t of the training is done; during the warm-up it is also multiplied by
    t / `warmup`.

    constant 1; step 0, from a quarter on 0.01, from three eighths 0.1, from a half 1; cosine (1 + cos(pi (t + 1))) / 2.
    """
    factor = min(1.0, progress / warmup) if warmup else 1.0
    match name:
        case "constant":
            return factor
        case "step":
            return factor * next((weight for start, weight in _STEPS if progress >= start), 0.0)
        case "cosine":
            return factor * (1 + math.cos(math.pi * (progress + 1))) / 2
