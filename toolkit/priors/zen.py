"""Zen-score: how strongly an untrained network reacts to a small change of its input (arXiv 2102.01063)."""

import math
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field
from typing_extensions import override

from toolkit.backends.base import Backend
from toolkit.priors.base import Drawn, ImageSource, Prior, draw_weights, generator
from toolkit.spaces import Arch, Plan, Plans, SearchSpace
from toolkit.spaces.plans import Block
from toolkit.spaces.primitives import Add, Convolution, Linear, Map
from toolkit.spaces.wiring import Step, Value, Wiring, graph

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

    @override
    def score(self, backend: Backend, space: SearchSpace, arch: Arch, images: ImageSource) -> float:
        options = self.options
        plans = features(space.plans(arch), residual=options.residual)
        network = backend.network(space, plans, seed=0)
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
                    network.run(plans, seen, norm)
                    for seen, norm in zip((x, x + options.mixture * change), norms, strict=True)
                )
                reaction = float(backend.ops.sum(abs(before - after))) / options.batch
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
    kept = [plan for plan in plans if plan is not None and not _classifies(plan)]
    return tuple(kept) if residual else tuple(part for plan in kept for part in _main_branch(plan))


def _classifies(plan: Plan) -> bool:
    return any(isinstance(step.op, Linear) for step in graph(plan).steps)


def _main_branch(plan: Plan) -> tuple[Plan, ...]:
    """A block without its shortcuts, cut before every spatial convolution but the first; others stay whole."""
    if not any(_is_residual(step) for step in graph(plan).steps):
        return (plan,)
    return tuple(MainBranch(plan, part) for part in range(len(_parts(plan))))


def _is_residual(step: Step) -> bool:
    return isinstance(step.op, Add) and step.op.residual


@cache
def _parts(plan: Plan) -> tuple[tuple[Value, ...], ...]:
    """The values of a block's graph that its main branch makes, part by part."""
    drawn = graph(plan)
    kept: list[Value] = []
    waiting = [drawn.output]
    while waiting:
        value = waiting.pop()
        if value >= len(drawn.inputs) and value not in kept:
            step = drawn.step(value)
            kept.append(value)
            waiting += step.inputs[:1] if _is_residual(step) else step.inputs
    parts: list[list[Value]] = [[]]
    seen = False
    for value in sorted(kept):
        op = drawn.step(value).op
        spatial = isinstance(op, Convolution) and op.kernel > 1
        if spatial and seen:
            parts.append([])
        seen |= spatial
        parts[-1].append(value)
    return tuple(map(tuple, parts))


@dataclass(frozen=True, slots=True)
class MainBranch(Block):
    """Part `part` of a block without its shortcuts: each residual addition is what came first in it."""

    plan: Plan
    part: int

    @property
    def inputs(self) -> tuple[Map, ...]:
        """What the block reads, or what the part before puts out."""
        drawn = graph(self.plan)
        return drawn.inputs if self.part == 0 else (drawn.map(_parts(self.plan)[self.part - 1][-1]),)

    def wire(self, g: Wiring, /, *inputs: Value) -> Value:
        """The steps of the part, in turn."""
        drawn, parts = graph(self.plan), _parts(self.plan)
        before = range(len(drawn.inputs)) if self.part == 0 else (parts[self.part - 1][-1],)
        known = dict(zip(before, inputs, strict=True))
        out = inputs[0]
        for value in parts[self.part]:
            step = drawn.step(value)
            out = known[step.inputs[0]] if _is_residual(step) else g.step(step, *(known[v] for v in step.inputs))
            known[value] = out
        return out


def _log(value: float) -> float:
    return math.log(value) if value > 0 else -math.inf
