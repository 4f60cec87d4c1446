"""SparseNAS (Wu et al., arXiv 2007.16112), a reconstruction: coefficients of operations that become exactly 0.

No code exists; formulas are [A, S, K], constants ours [R]. A node is the sum of all operations on its edges, each times
a coefficient without bounds; a sparse group lasso, by hierarchical accelerated proximal gradients, makes them sparse.
"""

from collections import Counter
from collections.abc import Mapping
from functools import cached_property
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field
from typing_extensions import override

from toolkit.backends.base import Tensor
from toolkit.errors import InputError
from toolkit.methods.base import Batch, Options, State
from toolkit.methods.lab import Lab
from toolkit.methods.mixture import Floats, MixtureMethod, MixtureOptions
from toolkit.methods.proximal import proximal
from toolkit.spaces import SearchSpace
from toolkit.spaces.mixtures import Active, broken_cells

_BETA1, _BETA2, _EPS = 0.9, 0.999, 1e-8


class SparseNASOptions(MixtureOptions):
    """Options of SparseNAS. Defaults are a reconstruction's [R]."""

    rule: Literal["plain", "adam"] = Field("plain", description="steps of one length (HAPG), or of Adam's (AdamHAPG)")
    lr: float = Field(0.02, gt=0, description="of the coefficients")
    each: float = Field(1e-3, ge=0, description="weight of |A|, at first")
    nodes: float = Field(1e-3, ge=0, description="weight of the length of all coefficients into a node, at first")
    growth: float = Field(1.5, ge=1, description="both weights are multiplied by this from time to time")
    every: int = Field(5, ge=1, description="epochs from one such time to the next")
    target: int | None = Field(
        None,
        ge=1,
        description="operations of a cell, or of a position, at which the weights stop growing; by default as many as "
        "a candidate has there",
    )
    revive: int = Field(0, ge=0, description="epochs after the warm-up in which a coefficient may leave 0 again")


class SparseNAS(MixtureMethod):
    """A mixture without softmax, from which operations and nodes disappear."""

    name = "sparsenas"
    summary = "coefficients of operations, made exactly 0 by a proximal step (SparseNAS, arXiv 2007.16112, our reading)"
    options_type: ClassVar[type[Options]] = SparseNASOptions
    options: SparseNASOptions

    def __init__(self, space: SearchSpace, options: Options) -> None:
        super().__init__(space, options)
        counted = self.space.something
        into = np.array([counted[self.space.nodes == node].sum() for node in self.space.nodes], float)
        first = np.where(counted, 1 / into[:, None], 0.0)
        self._memory: dict[str, npt.NDArray[np.float64]] = {
            "coefficients": first,
            "before": first.copy(),
            "mean": np.zeros_like(first),
            "square": np.zeros_like(first),
        }
        self._steps = self._since = 0  # of the coefficients: all; and since the momentum began anew
        self._factor, self._grown, self._rested = 1.0, 0, -1

    @property
    def coefficients(self) -> Floats:
        """A, shape (edges, options)."""
        return self._memory["coefficients"]

    @override
    def begin(self, lab: Lab) -> None:
        super().begin(lab)
        self._show(self.coefficients)

    @override
    def first(self, rng: np.random.Generator) -> Floats:
        """One over the operations on all edges into a node."""
        return self.coefficients.astype(np.float32)

    @override
    def weights(self) -> Tensor:
        return self.tensor

    @override
    def strengths(self) -> Floats:
        """|A|: what is 0 is not derived."""
        return np.abs(self.coefficients)

    @override
    def step(self, batch: Batch) -> dict[str, Tensor]:
        self._show(self.coefficients)
        values = super().step(batch)
        values["operations"] = float(np.count_nonzero(self.coefficients))
        values["sparsity_weight"] = self.options.each * self._factor
        return values

    @override
    def learn(self, batch: Batch) -> dict[str, Tensor]:
        """One step of hierarchical accelerated proximal gradients, from where momentum leads to."""
        ops, given = self._net.ops, self.options
        if self._rested < 0:
            self._rested = batch.epoch  # the warm-up ends
        self._follow_path(batch.epoch - self._rested)
        alive = self.space.something
        if batch.epoch - self._rested >= given.revive:
            alive = alive & (self.coefficients != 0)
        ahead = self.coefficients + self._momentum * (self.coefficients - self._memory["before"])
        ahead = np.where(alive, ahead, 0.0)
        self._show(ahead)
        self._alive: Active | None = tuple(map(tuple, alive.tolist()))
        loss = self.held_out_loss(batch, self._net)
        self._alive = None
        ops.backward(loss)
        self._net.gradients()  # weights do not learn from these images
        own = self.parameters.gradients()["weights"]
        gradient = ops.numpy(ops.gather(own[None])).mean(0).astype(np.float64)
        self._move(ahead, gradient, alive)
        self._show(self.coefficients)
        return {"held_out_loss": ops.detach(loss)}

    @property
    def _momentum(self) -> float:
        """(t - 2) / (t + 1), where t counts from 1 since the support changed."""
        return max(0.0, (self._since - 1) / (self._since + 2))

    def _move(self, ahead: Floats, gradient: Floats, alive: npt.NDArray[np.bool_]) -> None:
        given, memory = self.options, self._memory
        steps = np.full_like(gradient, given.lr)
        self._steps += 1
        if given.rule == "adam":
            memory["mean"] = _BETA1 * memory["mean"] + (1 - _BETA1) * gradient
            memory["square"] = _BETA2 * memory["square"] + (1 - _BETA2) * gradient**2
            steps = given.lr / (np.sqrt(memory["square"] / (1 - _BETA2**self._steps)) + _EPS)
            gradient = memory["mean"] / (1 - _BETA1**self._steps)
        each, nodes = given.each * self._factor, given.nodes * self._factor
        after = proximal(ahead - steps * gradient, steps, self.space.nodes, each, nodes, alive)
        for kind in broken_cells(self.space, after != 0):  # else nothing of the images would reach the classifier
            rows = np.array([edge.cell == kind for edge in self.space.edges])
            kept = self.coefficients[rows]
            if len(kept) == 1:  # of a single edge the strongest will do, else those that go together never would
                kept = np.where(np.abs(kept) == np.abs(kept).max(), kept, 0.0)
            after[rows] = kept
        changed = ((after != 0) != (self.coefficients != 0)).any()
        memory["before"], memory["coefficients"] = self.coefficients, after
        self._since = 0 if changed else self._since + 1

    def _follow_path(self, epochs: int) -> None:
        """Heavier penalties, every few epochs, until few enough operations are left."""
        times = epochs // self.options.every
        if times > self._grown:
            self._grown = times
            left = Counter(
                np.array([edge.cell for edge in self.space.edges])[np.nonzero(self.coefficients)[0]].tolist()
            )
            many = any(count > (self.options.target or self._target[kind]) for kind, count in left.items())
            self._factor *= self.options.growth if many else 1.0

    @cached_property
    def _target(self) -> Mapping[str, int]:
        """Operations of a candidate, by kind of cell."""
        return Counter(kind for kind, _ in self.space.operations_of(self.space.largest))

    _alive: Active | None = None

    @override
    def active(self, weights: Tensor) -> Active:
        return super().active(weights) if self._alive is None else self._alive

    def _show(self, coefficients: Floats) -> None:
        """Let the network see them."""
        self.parameters.load_weights({"weights": coefficients.astype(np.float32)})

    @override
    def state(self) -> State:
        """Coefficients, their moments, how far along the path."""
        counts = np.array([self._steps, self._since, self._grown, self._rested])
        memory = {name: array.copy() for name, array in self._memory.items()}
        return super().state() | memory | {"counts": counts, "factor": np.array(self._factor)}

    @override
    def load_state(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        super().load_state(state)
        shape = self.coefficients.shape
        if {"counts", "factor"} - state.keys() or any(
            name not in state or state[name].shape != shape for name in self._memory
        ):
            raise InputError(f"the memory of method {self.name} in the checkpoint is of another one; take another one")
        self._memory = {name: state[name].copy() for name in self._memory}
        self._steps, self._since, self._grown, self._rested = map(int, state["counts"])
        self._factor = float(state["factor"])
