"""WPNAS (Lin et al., arXiv 2203.02086), a reconstruction: only its abstract could be read, and no code exists.

[A] Architectures are sampled from probabilities; each gets two assessments, direct evaluation with inherited weights
and the prediction of a few-shot predictor, which with its cost make a reward; a self-critical policy gradient moves the
probabilities. All formulas and constants are ours [R]. Its HyperNet is no part of the method but of the
supernet (`toolkit/spaces/conditioning.py`): any method may train one.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field
from typing_extensions import override

from toolkit.backends.base import Tensor
from toolkit.errors import InputError
from toolkit.methods.base import Batch, Needs, Options, State
from toolkit.methods.costly import CostOptions
from toolkit.methods.few_shot import FewShot, Floats, Reward, Running
from toolkit.methods.held_out import assess
from toolkit.methods.spos import SPOS, SPOSOptions
from toolkit.sampling import SamplingOptions
from toolkit.sampling.policy import PolicyOptions, policy_of
from toolkit.search.costs import Form, priced
from toolkit.spaces import Arch, SearchSpace

_KEPT = 1_000
"""Advantages that are remembered, for whoever wants to see how they are distributed."""


class WPNASOptions(CostOptions, SPOSOptions):
    """Options of WPNAS. Defaults are a reconstruction's [R]."""

    sampling: SamplingOptions | None = Field(
        PolicyOptions(), description="the policy; another law cannot learn from rewards"
    )
    labels: str | None = Field(None, description="true accuracies of a few networks, in the candidates format")
    floor: float | None = Field(None, description="labels below this count as equal to it")
    reward: Reward | None = Field(
        None, description="direct, predictor, sum, trust or stacked; by default stacked, without labels direct"
    )
    direct_weight: float = Field(1.0, ge=0, description="of the direct accuracy, in sum and trust")
    predictor_weight: float = Field(1.0, ge=0, description="of the prediction, in sum")
    refit: int = Field(100, ge=1, description="stacked: policy steps after which the predictor is fitted anew")
    baseline: Literal["greedy", "average", "zero"] = Field(
        "greedy", description="what a reward is compared with: the greedy path's, a moving average, or nothing"
    )
    decay: float = Field(0.9, ge=0, lt=1, description="of the moving average")
    samples: int = Field(4, ge=1, description="paths that are drawn and rewarded in a policy step")
    every: int = Field(1, ge=1, description="steps from one policy step to the next")
    warmup: float = Field(0.2, ge=0, lt=1, description="share of the training with uniform paths and no policy step")
    held_out: float = Field(0.5, gt=0, lt=1, description="share of the training images on which paths are rewarded")
    cost_form: Form = Field("hinge", description="linear, hinge or power")
    cost_weight: float = Field(0.1, ge=0, description="of the cost; its exponent, in power")


class WPNAS(SPOS):
    """A path that the policy draws is trained on the labels; then the policy follows rewards on held-out images."""

    name = "wpnas"
    summary = "paths by a policy that a supernet and a few-shot predictor reward (WPNAS, arXiv 2203.02086, our reading)"
    rewards: ClassVar[bool] = True
    options_type: ClassVar[type[Options]] = WPNASOptions
    options: WPNASOptions

    def __init__(self, space: SearchSpace, options: Options) -> None:
        super().__init__(space, options)
        given = self.options
        self._policy = policy_of(self.sampler, self.name)
        self._reward: Reward = given.reward or ("direct" if given.labels is None else "stacked")
        self._few_shot = None if given.labels is None else _few_shot(given.labels, space, given.floor)
        self._ratio = given.ratio(space)
        if self._reward != "direct" and given.labels is None:
            raise InputError(
                f"method.reward: {self._reward} needs a predictor; give method.labels, such as RUN/standalone.json, or "
                'take "direct"'
            )
        self._steps, self._learned, self._average = 0, 0, 0.0
        self._direct, self._predicted = Running(), Running()
        self._labelled = np.empty(0)  # direct accuracies of the labelled networks, when it was last fitted
        self._advantages = np.empty(0)

    @override
    def needs(self) -> Needs:
        return Needs(held_out=self.options.held_out, whole=True)

    @override
    def sample(self, batch: Batch, count: int) -> list[Arch]:
        if self._warming(batch):
            return [self.space.sample(batch.rng) for _ in range(count)]
        return super().sample(batch, count)

    @override
    def step(self, batch: Batch) -> dict[str, Tensor]:
        values = super().step(batch)
        self._steps += 1
        if self._warming(batch) or self._steps % self.options.every or batch.held_out is None:
            return values
        return values | self._learn(batch)

    @override
    def derived(self) -> Arch:
        """The most probable network."""
        return self._policy.policy.argmax()

    def _warming(self, batch: Batch) -> bool:
        return batch.progress < self.options.warmup

    def _learn(self, batch: Batch) -> dict[str, Tensor]:
        """One step of the policy; everything is assessed on the same held-out batch."""
        if self._few_shot is not None and self._reward == "stacked" and self._learned % self.options.refit == 0:
            self._labelled = self.direct(batch, self._few_shot.archs)
            self._few_shot.stack(self._labelled)
        greedy = self._policy.policy.argmax()
        drawn = self._policy.policy.sample(batch.rng, self.options.samples)
        rewards = self.rewarded(batch, [*drawn, greedy])
        sampled, of_greedy = rewards[:-1], float(rewards[-1])
        advantages = sampled - self._baseline(sampled, of_greedy)
        self._policy.learn(drawn, advantages.tolist())
        self._learned += 1
        self._advantages = np.concatenate([self._advantages, advantages])[-_KEPT:]
        policy = self._policy.policy
        return {
            "greedy_reward": of_greedy,
            "sampled_reward": float(sampled.mean()),
            "greedy_share": sum(arch == greedy for arch in drawn) / len(drawn),
            "entropy": policy.entropy,
            **{f"entropy.{name}": value for name, value in policy.entropies().items()},
        }

    def direct(self, batch: Batch, archs: Sequence[Arch]) -> Floats:
        """Accuracies on the held-out batch with inherited weights, shape (paths,)."""
        return assess(batch, archs)[0]

    def rewarded(self, batch: Batch, archs: Sequence[Arch]) -> Floats:
        """The rewards of paths, shape (paths,), in units of running standard deviations.

        power is for numbers from 0, which accuracies in such units are.
        """
        kind, given, few_shot = self._reward, self.options, self._few_shot
        direct = predicted = np.zeros(len(archs))
        if kind != "predictor":
            direct = self.direct(batch, archs)
        if few_shot is not None and kind != "direct":
            predicted = few_shot.predict(archs, direct if kind == "stacked" else None) / (few_shot.spread or 1.0)
        match kind:
            case "direct":
                values = self._direct.scaled(direct)
            case "predictor" | "stacked":
                values = predicted
            case "sum" | "trust":
                weight = few_shot.trust if kind == "trust" and few_shot is not None else given.predictor_weight
                values = given.direct_weight * self._direct.scaled(direct) + weight * self._predicted.scaled(predicted)
        if self._ratio is None:
            return values
        pairs = zip(values.tolist(), map(self._ratio, archs), strict=True)
        return np.array([priced(value, ratio, given.cost_form, given.cost_weight) for value, ratio in pairs])

    def _baseline(self, sampled: Floats, of_greedy: float) -> float:
        match self.options.baseline:
            case "greedy":
                return of_greedy
            case "average":
                decay = self.options.decay if self._learned else 0.0
                before = self._average if self._learned else float(sampled.mean())
                self._average = decay * self._average + (1 - decay) * float(sampled.mean())
                return before
            case "zero":
                return 0.0

    def state(self) -> State:
        """Counts, running values, and what the predictor was last fitted to."""
        return super().state() | {
            "counts": np.array([self._steps, self._learned]),
            "average": np.array(self._average),
            "direct": self._direct.values.copy(),
            "predicted": self._predicted.values.copy(),
            "labelled": self._labelled.copy(),
            "advantages": self._advantages.copy(),
        }

    @override
    def load_state(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        super().load_state(state)
        missing = {"counts", "average", "direct", "predicted", "labelled", "advantages"} - state.keys()
        labelled = state.get("labelled", np.empty(0))
        if missing or len(labelled) not in (0, len(self._few_shot.archs) if self._few_shot else 0):
            raise InputError(
                f"the memory of method {self.name} in the checkpoint is another method's; take another one"
            )
        self._steps, self._learned = map(int, state["counts"])
        self._average = float(state["average"])
        self._direct.values, self._predicted.values = state["direct"].copy(), state["predicted"].copy()
        self._labelled, self._advantages = labelled.copy(), state["advantages"].copy()
        if self._few_shot is not None and len(labelled):
            self._few_shot.stack(self._labelled)


def _few_shot(file: str, space: SearchSpace, floor: float | None) -> FewShot:
    try:
        return FewShot(file, space, floor)
    except InputError as error:
        raise InputError(f"method.labels: {problem}" for problem in error.problems) from error
