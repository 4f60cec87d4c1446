"""A network and its optimiser, watched while they train: every tensor is compared before and after all that happens."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from toolkit.audit.moves import Move, Notes, Pass, decays, update_causes
from toolkit.backends.base import SGD, Adam, Network, Norm, Optimizer, Tensor
from toolkit.backends.ops import Ops
from toolkit.backends.shapes import is_statistic
from toolkit.spaces import Arch, Plans
from toolkit.spaces.plans import unconditioned


class Watch:
    """Takes notes on a training that is given its `network` and `optimizer` in place of the real ones.

    They do what the real ones do, to the last bit. Between two steps, `take` hands out the notes.
    """

    def __init__(self, network: Network, optimizer: Optimizer, config: SGD | Adam) -> None:
        self._network, self._optimizer, self._config = network, optimizer, config
        self._memory = "momentum" if isinstance(config, SGD) else "mean"
        self._weights = network.weights()
        self._constant = False
        self._update = 0
        self._moves: list[Move] = []
        self._passes: list[Pass] = []
        self.network = cast(Network, _WatchedNetwork(network, self))
        self.optimizer = cast(Optimizer, _WatchedOptimizer(optimizer, self))

    def take(self) -> Notes:
        """What happened since it was last asked."""
        self._compare()
        notes = Notes(tuple(self._passes), tuple(self._moves), self._update)
        self._passes, self._moves, self._update = [], [], 0
        return notes

    @contextmanager
    def constant(self) -> Iterator[None]:
        """`Ops.constant`."""
        with self._network.ops.constant():
            before, self._constant = self._constant, True
            try:
                yield
            finally:
                self._constant = before

    def run(
        self, plans: Plans, images: Tensor, norm: Norm | None = None, *, path: Arch | None = None, **how: Any
    ) -> Tensor:
        """`Network.run`; may move running statistics, unless it has another norm, and nothing else."""
        own = None if path is None else self._network.space.supernet_plans(path)
        trunk = own is not None and unconditioned(plans) != unconditioned(own)
        this = Pass(len(self._passes), plans, path, trunk, self._constant, self._update)
        self._passes.append(this)
        if norm is not None:
            return self._network.run(plans, images, norm, **how)
        self._compare()
        logits = self._network.run(plans, images, **how)
        self._compare(by=this)
        return logits

    def step(self, lr: float, parts: int = 1) -> Tensor:
        """`Optimizer.step`; may move parameters, by what it has in hand."""
        self._compare()
        gradients = {name: self._numbers(tensor) for name, tensor in self._network.gradients(keep=True).items()}
        state, before = self._optimizer.state(), self._weights
        norm = self._optimizer.step(lr, parts)
        self._weights = self._network.weights()
        for name, after in self._weights.items():
            if is_statistic(name):
                self._note(name, "unknown", (after - before[name])[after != before[name]])
                continue
            gradient = gradients.get(name)
            if gradient is None and isinstance(self._config, SGD) and self._config.move_idle:
                gradient = np.zeros_like(after)
            causes = update_causes(
                before[name],
                after,
                gradient,
                state.get(f"{self._memory}.{name}"),
                decayed=decays(name, self._config, before),
            )
            for cause, difference in causes.items():
                self._note(name, cause, difference)
        self._update += 1
        return norm

    def _compare(self, by: Pass | None = None) -> None:
        """Note what changed since the last look: statistics that a pass moved, or what nobody should have touched."""
        before, self._weights = self._weights, self._network.weights()
        for name, after in self._weights.items():
            moved = (after - before[name])[after != before[name]]
            if by is not None and is_statistic(name):
                self._note(name, "forward", moved, by)
            else:
                self._note(name, "unknown", moved, by)

    def _note(self, name: str, cause: Any, difference: npt.NDArray[np.floating], by: Pass | None = None) -> None:
        if difference.size:
            distance = float(np.linalg.norm(difference))
            self._moves.append(Move(name, cause, difference.size, distance, self._update, by))

    def _numbers(self, tensor: Tensor) -> npt.NDArray[np.floating]:
        return self._network.ops.numpy(tensor)  # a copy: the update may work in place


class _WatchedNetwork:
    def __init__(self, network: Network, watch: Watch) -> None:
        self._network = network
        self.run, self.ops = watch.run, _WatchedOps(network.ops, watch)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._network, name)


class _WatchedOps:
    def __init__(self, ops: Ops, watch: Watch) -> None:
        self._ops = ops
        self.constant = watch.constant

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ops, name)


class _WatchedOptimizer:
    def __init__(self, optimizer: Optimizer, watch: Watch) -> None:
        self._optimizer = optimizer
        self.step = watch.step

    def __getattr__(self, name: str) -> Any:
        return getattr(self._optimizer, name)
