"""Zen-score: how strongly an untrained network reacts to a small change of its input (arXiv 2102.01063)."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from toolkit.backends.base import Backend
from toolkit.priors.base import Drawn, ImageSource, Prior, draw_weights, generator, run
from toolkit.spaces import Arch, Plan, Plans, SearchSpace
from toolkit.spaces.plans import BasicBlock, Choice, ConvNorm, Head, InvertedResidual, Reduction, shrink

MOMENTUM = 0.1
"""Share of the newest batch in running statistics."""


class ZenOptions(Drawn):
    """Options of the Zen-score; the defaults are those of PGONAS (arXiv 2206.13329)."""

    repeats: int = Field(32, ge=1, description="draws of weights and images; the score is their mean")
    batch: int = Field(16, ge=2, description="images, all noise")
    mixture: float = Field(0.01, gt=0, description="size of the change")
    residual: bool = Field(False, description="keep residual additions")
    variance: Literal["running", "batch"] = Field(
        "running", description="what batch norms tracked so far, as the published code; or that of the batch, the paper"
    )


class Zen(Prior):
    """Log of the change of the last feature map, plus what batch norm took away from it.

    With f the network without residual additions and without its head, all its weights from N(0, 1), images x and e of
    pure noise N(0, 1):

        log mean_images sum_{c,h,w} |f(x) - f(x + 0.01 e)|  +  sum_{batch norms} log sqrt(mean_c variance_c)

    The sums of a cell's nodes are what its space searches, not residual additions, and stay.
    """

    name = "zen"
    summary = "Zen-score: reaction of random weights to a small change of the input (arXiv 2102.01063, 2206.13329)"
    options_type = ZenOptions
    options: ZenOptions

    def score(self, backend: Backend, space: SearchSpace, arch: Arch, images: ImageSource) -> float:  # noqa: ARG002
        """See `Prior`."""
        options = self.options
        network = backend.build(space, features(space.plans(arch), residual=options.residual), seed=0)
        shape = (options.batch, space.channels, space.size, space.size)
        tracked: list[npt.NDArray[np.float64]] = []
        fresh, scores = network.weights(), []
        for repeat in range(options.repeats):
            rng = generator(options, repeat)
            x, change = (backend.place(rng.standard_normal(shape, np.float32)) for _ in range(2))
            network.load_weights(draw_weights(fresh, rng, gain=None))
            norms = [network.calibrating_norm(options.batch) for _ in range(2)]
            with network.inference():
                before, after = (
                    run(network, arch, seen, norm)
                    for seen, norm in zip((x, x + options.mixture * change), norms, strict=True)
                )
                reaction = float((before - after).abs().sum()) / options.batch
            statistics = [network.statistics(norm) for norm in norms]
            for seen in statistics:
                unbiased = [s.variance.astype(np.float64) * (s.count / (s.count - 1)) for s in seen]
                tracked = tracked or [np.ones_like(variance) for variance in unbiased]
                tracked = [(1 - MOMENTUM) * old + MOMENTUM * new for old, new in zip(tracked, unbiased, strict=True)]
            variances = tracked if options.variance == "running" else [s.variance for s in statistics[0]]
            scores.append(_log(reaction) + sum(_log(float(variance.mean())) / 2 for variance in variances))
        return math.fsum(scores) / len(scores)


def features(plans: Plans, *, residual: bool = False) -> Plans:
    """The blocks up to the last feature map, without residual additions unless these are to stay."""
    kept = [plan for plan in plans if plan is not None and not isinstance(plan, Head)]
    return tuple(kept) if residual else tuple(part for plan in kept for part in _without_shortcut(plan))


@dataclass(frozen=True, slots=True)
class _Unbranched(InvertedResidual):
    """An inverted residual block that never adds its input."""

    @property
    def shortcut(self) -> bool:
        """Never."""
        return False


def _without_shortcut(plan: Plan) -> tuple[Plan, ...]:
    """The main branch of a block, as blocks."""
    match plan:
        case BasicBlock(before, middle, after, stride, _, size):
            return (
                ConvNorm(before, middle, 3, stride, "after", size),
                ConvNorm(middle, after, 3, 1, "after", shrink(size, stride)),
            )
        case Reduction(before, after, size):
            return (
                ConvNorm(before, after, 3, 2, "before", size),
                ConvNorm(after, after, 3, 1, "before", shrink(size, 2)),
            )
        case InvertedResidual(before, middle, after, kernel, stride, size):
            return (_Unbranched(before, middle, after, kernel, stride, size),)
        case Choice(branches=((_, branch),)):
            return _without_shortcut(branch)
        case _:
            return (plan,)


def _log(value: float) -> float:
    return math.log(value) if value > 0 else -math.inf
