"""EnTranNAS (Yang et al., arXiv 2101.11342), a reconstruction: few cells run as mixtures, others as what they come to.

Its abstract [A], general knowledge [K] and choices of ours [R]; no code exists. Engine cells are DARTS's mixtures, and
through them alone the weights of operations learn; transit cells have the graph derived so far. With `sparse`, weights
are a thresholded sigmoid (DST) that is exactly 0 for what is left out, so nothing changes when it is left out.
"""

from collections.abc import Collection, Mapping
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import Field
from typing_extensions import override

from toolkit.backends.base import Tensor
from toolkit.errors import InputError
from toolkit.methods.base import Batch, Options, State
from toolkit.methods.darts import DARTS, DARTSOptions
from toolkit.methods.mixture import Weights
from toolkit.spaces import Arch, Plans, SearchSpace
from toolkit.spaces.mixtures import Active, active


class EnTranNASOptions(DARTSOptions):
    """Options of EnTranNAS."""

    engines: list[int] | None = Field(
        None,
        min_length=1,
        description="blocks that run as mixtures, by position; by default the last normal cell and the first of other "
        "kinds",
    )
    shared: bool = Field(True, description="an engine computes an operation on a node once, for all edges from there")
    sparse: bool = Field(False, description="weights that become exactly 0 (DST) instead of a softmax")
    threshold: float = Field(
        0.5, gt=0, lt=1, description="sparse: the share of a node's largest at which a weight is 0, in the end"
    )


class EnTranNAS(DARTS):
    """Engine cells with every operation, transit cells with those derived, anew after each epoch."""

    name = "entrannas"
    summary = "mixtures in few cells, in the others what they come to (EnTranNAS, arXiv 2101.11342, our reading)"
    options_type: ClassVar[type[Options]] = EnTranNASOptions
    options: EnTranNASOptions

    def __init__(self, space: SearchSpace, options: Options) -> None:
        super().__init__(space, options)
        self._transit: Arch | None = None
        self._epoch, self._progress = -1, 0.0
        self._engines = frozenset(self._asked())

    def _asked(self) -> list[int]:
        kinds = self.space.kinds
        if all(len(blocks) == 1 for blocks in kinds.values()):
            raise InputError(
                f"method {self.name}: space {self.space.name} has nothing that stands at two positions, as an engine "
                "and a transit cell that follows it; take darts or sparsenas"
            )
        if self.options.engines is None:
            first, *others = kinds.values()
            return [first[-1], *(blocks[0] for blocks in others)]
        engines = self.options.engines
        if strangers := [str(block) for block in engines if block not in self.cells]:
            cells = ", ".join(map(str, self.cells))
            raise InputError(f"method.engines: {', '.join(strangers)}: no cell stands there; cells stand at {cells}")
        if without := [kind for kind, blocks in kinds.items() if not {*blocks} & {*engines}]:
            raise InputError(
                f"method.engines: no {without[0]} cell among them, so nothing would be learned of that kind; add one "
                f"of {', '.join(map(str, kinds[without[0]]))}"
            )
        return engines

    @property
    @override
    def mixtures(self) -> Collection[int]:
        return self._engines

    @override
    def step(self, batch: Batch) -> dict[str, Tensor]:
        self._progress = batch.progress
        if batch.epoch != self._epoch:
            self._transit, self._epoch = self.derived(), batch.epoch
        values = super().step(batch)
        if self.options.sparse:
            values["operations"] = float(sum(map(sum, self.active(self.weights()))))
        return values

    @override
    def network(self, weights: Tensor) -> tuple[Plans, Weights]:
        """Engines with the weights, the others with what is derived: in DST the same graph, its weights constant."""
        space, given = self.space, dict.fromkeys(self._engines, weights)
        there = self.active(weights)
        engine = space.mixture(there, shared=self.options.shared)
        if self.options.sparse:
            transit = space.mixture(there)
            given |= dict.fromkeys({*self.cells} - self._engines, self._net.ops.detach(weights))
        else:
            transit = space.supernet_plans(self._transit or self.derived())
        pairs = enumerate(zip(engine, transit, strict=True))
        return tuple(own if position in self._engines else other for position, (own, other) in pairs), given

    @override
    def active(self, weights: Tensor) -> Active:
        if self.options.sparse:
            return active(self._net.ops.numpy(weights), self.space)
        return tuple(map(tuple, self.space.something.tolist()))

    @override
    def weights(self) -> Tensor:
        """The softmax of each edge; in DST relu(s - t max s) over its sum by node, where s is the logits' sigmoid."""
        if not self.options.sparse:
            return super().weights()
        ops, tensor = self._net.ops, self.tensor
        logits = ops.numpy(tensor)
        ends, something = (ops.place(each.astype(logits.dtype)) for each in (self._ends, self.space.something))
        highest = ops.place(self._highest(logits).astype(logits.dtype))
        odds = something / (1 + ops.exp(-tensor))
        most = ends.T @ (ends @ ops.sum(odds * highest, 1))
        left = ops.maximum(odds - self._threshold * most[:, None], 0.0) * something
        return left / (ends.T @ (ends @ ops.sum(left, 1)))[:, None]

    @property
    def _threshold(self) -> float:
        """It grows with the training, from 0."""
        return self.options.threshold * self._progress

    @cached_property
    def _ends(self) -> npt.NDArray[np.bool_]:
        """Which edge leads to which node, shape (nodes, edges)."""
        nodes = self.space.nodes
        return np.asarray(nodes == np.arange(nodes.max() + 1)[:, None])

    def _highest(self, logits: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
        """True at the largest logit of each node, shape (edges, options)."""
        values = np.where(self.space.something, logits, -np.inf)
        found = np.zeros(values.shape, bool)
        for edges in self._ends:
            rows = np.flatnonzero(edges)
            row, column = np.unravel_index(int(values[rows].argmax()), values[rows].shape)
            found[rows[row], column] = True
        return found

    @override
    def state(self) -> State:
        """What transit cells have, and since which epoch."""
        transit = np.array(self._transit or (), np.int64)
        return super().state() | {"transit": transit, "epoch": np.array(self._epoch)}

    @override
    def load_state(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        super().load_state(state)
        transit = tuple(state.get("transit", np.zeros(1)).tolist())
        if "epoch" not in state or (transit and not self.space.contains(transit)):
            raise InputError(f"the memory of method {self.name} in the checkpoint is of another one; take another one")
        self._transit, self._epoch = transit or None, int(state["epoch"])
