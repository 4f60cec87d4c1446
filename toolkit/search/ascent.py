"""How a policy's logits follow a gradient upwards."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from toolkit.errors import InputError
from toolkit.search.policy import Floats, Policy

Rule = Literal["adam", "plain"]

_BETAS, _EPS = (0.9, 0.999), 1e-8

WRONG = "method.sampling: its memory in the checkpoint is of another policy; take another checkpoint"


class Ascent:
    """A policy, and the moments of Adam (arXiv 1412.6980) or none.

    A gradient of exactly zero is no step: where all samples are the greedy architecture nothing moves, not by momentum
    either.
    """

    def __init__(self, policy: Policy, rule: Rule = "adam", lr: float = 3e-3) -> None:
        self.rule, self.lr = rule, lr
        self._begin(policy)

    def _begin(self, policy: Policy) -> None:
        self.policy = policy
        self._mean = [np.zeros_like(logits) for logits in policy.logits]
        self._square = [np.zeros_like(logits) for logits in policy.logits]
        self._steps = 0

    def step(self, gradient: Sequence[Floats]) -> None:
        """Move once."""
        if not any(np.any(each) for each in gradient):
            return
        self._steps += 1
        for place, g in enumerate(gradient):
            if self.rule == "plain":
                self.policy.logits[place] = self.policy.logits[place] + self.lr * g
                continue
            self._mean[place] = _BETAS[0] * self._mean[place] + (1 - _BETAS[0]) * g
            self._square[place] = _BETAS[1] * self._square[place] + (1 - _BETAS[1]) * g * g
            mean = self._mean[place] / (1 - _BETAS[0] ** self._steps)
            square = self._square[place] / (1 - _BETAS[1] ** self._steps)
            self.policy.logits[place] = self.policy.logits[place] + self.lr * mean / (np.sqrt(square) + _EPS)

    def to_joint(self) -> None:
        """Go on with a table for each layer; the moments, which have no such form, begin anew."""
        self._begin(self.policy.joint())

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """Copies of the logits and moments, each one after the other, and the numbers of tables and steps."""
        parts = {"logits": self.policy.logits, "mean": self._mean, "square": self._square}
        counts = {"tables": np.array(len(self.policy.tables)), "steps": np.array(self._steps)}
        return {name: np.concatenate(arrays) for name, arrays in parts.items()} | counts

    def load_state(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        """Go on from what `state` gave, joint or factorised; nothing changes where it does not fit.

        Raises:
            InputError: it is of another policy.
        """
        if not {"logits", "mean", "square", "tables", "steps"} <= state.keys():
            raise InputError(WRONG)
        forms = [self.policy, Policy(self.policy.space), Policy(self.policy.space).joint()]
        for form in forms:
            sizes = [len(logits) for logits in form.logits]
            flat = [state[name] for name in ("logits", "mean", "square")]
            if len(sizes) == state["tables"] and all(
                each.shape == (sum(sizes),) and np.isfinite(each).all() for each in flat
            ):
                cuts = np.cumsum(sizes)[:-1]
                logits, self._mean, self._square = ([*np.split(each.copy(), cuts)] for each in flat)
                self.policy, self._steps = Policy(form.space, form.tables, logits), int(state["steps"])
                return
        raise InputError(WRONG)
