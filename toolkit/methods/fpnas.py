"""PARSEC (arXiv 1902.05116) and FP-NAS (arXiv 2011.10949): a policy that follows the likelihood of the images.

Only abstracts could be read, and no code exists: formulas are [S, K], constants ours [R].
"""

import math
from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from pydantic import Field
from typing_extensions import override

from toolkit.backends.base import Tensor
from toolkit.errors import InputError
from toolkit.methods.base import Batch, Method, Needs, Options
from toolkit.methods.costly import CostOptions
from toolkit.methods.held_out import assess
from toolkit.sampling import SamplingOptions
from toolkit.sampling.policy import PolicyOptions, policy_of
from toolkit.search.policy import Floats, softmax
from toolkit.spaces import Arch, SearchSpace

_DECIDED = 0.1
"""Nats per decision below which a policy counts as decided; above it one sample alone would reinforce itself."""

_FEWEST, _JUDGED = 1.5, 4
"""Effective samples below which one path gets all, as above half of them all get alike [R]; of fewer drawn than so many
that says nothing."""

_LEAST = 1e-3
"""Importance below which a path is not trained in a step."""


class PARSECOptions(CostOptions):
    """Options of PARSEC. Defaults are a reconstruction's [R]."""

    sampling: SamplingOptions | None = Field(
        PolicyOptions(lr=0.02, entropy=0.0), description="the policy; another law cannot learn"
    )
    samples: int = Field(8, ge=2, description="paths of a step, K")
    strength: float = Field(32.0, gt=0, description="images that a likelihood counts for: one over a temperature")
    centred: bool = Field(False, description="without the reinforcement that sampling alone brings")
    warmup: float = Field(0.0, ge=0, lt=1, description="share of the training in which the policy rests")
    held_out: float = Field(0.5, gt=0, lt=1, description="share of the training images for the policy")
    cost_weight: float = Field(
        1.0, ge=0, description="subtracted from the log-weight, times the share above the target"
    )


class FPNASOptions(PARSECOptions):
    """Options of FP-NAS."""

    sampling: SamplingOptions | None = Field(
        PolicyOptions(form="coarse-to-fine", lr=0.02, entropy=0.0), description="the policy, from coarse to fine"
    )
    samples: int = Field(16, ge=2, description="most paths of a step")
    per_nat: float = Field(0.25, gt=0, description="paths per nat of the policy's entropy")


class PARSEC(Method):
    """Paths weighed by how likely they make the labels: held-out images for the policy, the others for weights."""

    name = "parsec"
    summary = "paths of a policy, weighed by the likelihood that they give the labels (PARSEC, arXiv 1902.05116)"
    rewards: ClassVar[bool] = True
    options_type: ClassVar[type[Options]] = PARSECOptions
    options: PARSECOptions

    def __init__(self, space: SearchSpace, options: Options) -> None:
        super().__init__(space, options)
        self._policy = policy_of(self.sampler, self.name)
        self._ratio = self.options.ratio(space)

    @override
    def needs(self) -> Needs:
        return Needs(held_out=self.options.held_out, whole=True)

    def count(self) -> int:
        """How many paths the next step draws."""
        return self.options.samples

    @override
    def step(self, batch: Batch) -> dict[str, Tensor]:
        archs = self.sample(batch, self.count())
        values: dict[str, Tensor] = {}
        if batch.progress >= self.options.warmup and batch.held_out is not None:
            values = self._learn(batch, archs)
        losses = {arch: batch.loss_of(arch) for arch in dict.fromkeys(archs)}
        importance = self.importance(archs, np.array([losses[arch] for arch in archs]))
        ops, loss = batch.net.ops, 0.0
        for arch, weight in _together(archs, importance).items():
            if weight > _LEAST:
                of_path = weight * self.label_loss(batch, self.run(batch, arch))
                ops.backward(of_path)
                loss = loss + ops.detach(of_path)
        return {"loss": loss, **values}

    @override
    def derived(self) -> Arch:
        """The most probable network."""
        return self._policy.policy.argmax()

    @override
    def remark(self, values: Mapping[str, float]) -> str:
        drawn, effective = values.get("samples", 0.0), values.get("effective_samples", 0.0)
        if drawn < _JUDGED or _FEWEST <= effective <= drawn / 2:
            return ""
        change = "lower" if effective < _FEWEST else "raise"
        return f"{effective:.1f} effective of {drawn:.0f} samples; {change} method.strength"

    def _learn(self, batch: Batch, archs: list[Arch]) -> dict[str, Tensor]:
        importance = self.importance(archs, assess(batch, archs)[1])
        weights = importance - (1 / len(archs) if self.options.centred else 0.0)
        self._policy.learn(archs, (len(archs) * weights).tolist())  # which takes means
        policy = self._policy.policy
        return {
            "samples": float(len(archs)),
            "effective_samples": float(1 / np.sum(importance**2)),
            "distinct_share": len(set(archs)) / len(archs),
            "entropy": policy.entropy,
            **{f"entropy.{name}": value for name, value in policy.entropies().items()},
        }

    def importance(self, archs: list[Arch], losses: Floats) -> Floats:
        """omega = softmax of strength * log-likelihood - weight * max(0, cost / target - 1), shape (paths,).

        A loss that is no number has no weight.
        """
        scores = -self.options.strength * np.where(np.isfinite(losses), losses, np.inf)
        if self._ratio is not None:
            ratios = np.array([self._ratio(arch) for arch in archs])
            scores = scores - self.options.cost_weight * np.maximum(0.0, ratios - 1)
        if not np.isfinite(scores).any():
            raise InputError(
                "no path of a step has a finite loss: the supernet is broken; train with a lower training.lr"
            )
        return softmax(scores)


class FPNAS(PARSEC):
    """PARSEC with as many samples as the policy is uncertain, first decision by decision, then layer by layer."""

    name = "fpnas"
    summary = "PARSEC with fewer paths as the policy decides, from coarse to fine (FP-NAS, arXiv 2011.10949)"
    options_type: ClassVar[type[Options]] = FPNASOptions
    options: FPNASOptions

    @override
    def count(self) -> int:
        policy = self._policy.policy
        wanted = min(math.ceil(self.options.per_nat * policy.entropy), self.options.samples)
        decided = policy.entropy < _DECIDED * len(self.space.decisions)
        return max(wanted, 1 if decided else 2)


def _together(archs: list[Arch], weights: Floats) -> dict[Arch, float]:
    """The weight of each different path."""
    found: dict[Arch, float] = {}
    for arch, weight in zip(archs, weights.tolist(), strict=True):
        found[arch] = found.get(arch, 0.0) + weight
    return found
