"""A policy as a law: its probabilities come from a file, or are learned from rewards, or both."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field
from typing_extensions import override

from toolkit.errors import InputError
from toolkit.sampling.base import Moment, Sampler, SamplerOptions, State, require_free
from toolkit.search.ascent import Ascent, Rule
from toolkit.search.files import read_policy
from toolkit.search.policy import Policy
from toolkit.spaces import Arch, SearchSpace

_STREAM = 0x706F6C69  # sets the first logits apart from all other draws
_SPREAD = 1e-3

Form = Literal["factorised", "joint", "coarse-to-fine"]


class PolicyOptions(SamplerOptions):
    """Where its probabilities come from, and how they follow rewards."""

    name: Literal["policy"] = Field("policy", description="which sampler")
    file: str | None = Field(None, description="probabilities to begin with, as `supernet search` writes them")
    form: Form = Field(
        "factorised",
        description="each decision by itself, each layer's together, or from half of the training on together",
    )
    rule: Rule = Field("adam", description="how logits follow the gradient: adam, or plain ascent")
    lr: float = Field(3e-3, gt=0, description="of that")
    entropy: float = Field(1e-3, ge=0, description="weight of the entropy, falling linearly to 0 over the training")
    seed: int = Field(0, ge=0, description="of the first logits, 1e-3 N(0, 1), where there is no file")


class PolicySampler(Sampler):
    """Draws by probabilities that rise for what is rewarded: REINFORCE (Williams 1992) on the space's decisions.

    Nobody rewards it in methods such as `spos`: there it stays what its file says, or nearly uniform.
    """

    name = "policy"
    summary = "by learned probabilities of every option (as in WPNAS, arXiv 2203.02086, or FP-NAS, arXiv 2011.10949)"
    options_type = PolicyOptions

    def __init__(self, space: SearchSpace, options: PolicyOptions) -> None:
        super().__init__(space, options)
        require_free(space, self.name)
        policy = Policy(space)
        if options.file is not None:
            policy = read_policy(Path(options.file), space)
        else:
            rng = np.random.default_rng([options.seed, _STREAM])
            policy.logits = [_SPREAD * rng.standard_normal(len(logits)) for logits in policy.logits]
        self._ascent = Ascent(policy if options.form != "joint" else policy.joint(), options.rule, options.lr)
        self._form, self._entropy = options.form, options.entropy
        self._progress = 0.0

    @property
    def policy(self) -> Policy:
        """As it is now."""
        return self._ascent.policy

    @override
    def draw(self, rng: np.random.Generator, count: int, moment: Moment) -> list[Arch]:
        self._advance(moment.progress)
        return self.policy.sample(rng, count)

    @override
    def learn(self, archs: Sequence[Arch], rewards: Sequence[float]) -> None:
        """One step along mean_s reward_s grad ln p(arch_s), and along the entropy's gradient.

        Raises:
            InputError: a reward is no finite number.
        """
        gradient = self.policy.gradient(archs, [reward / len(archs) for reward in rewards])
        if bonus := self._entropy * (1 - self._progress):
            gradient = [g + bonus * h for g, h in zip(gradient, self.policy.entropy_gradient(), strict=True)]
        self._ascent.step(gradient)

    def _advance(self, progress: float) -> None:
        self._progress = progress
        if self._form == "coarse-to-fine" and progress >= 0.5 and len(self.policy.tables) == len(self.space.decisions):
            self._ascent.to_joint()

    def state(self) -> State:
        """Logits and moments."""
        return self._ascent.state()

    @override
    def load_state(self, state: Mapping[str, npt.NDArray[np.float64]]) -> None:
        self._ascent.load_state(state)


def policy_of(sampler: Sampler, method: str) -> PolicySampler:
    """The sampler of a method that learns a policy.

    Raises:
        InputError: it is another one.
    """
    if not isinstance(sampler, PolicySampler):
        raise InputError(
            f'method.sampling.name: {method} learns a policy; take name = "policy", or leave the table out'
        )
    return sampler
