"""What a method may own besides the supernet: networks, heads, parameters and optimisers, each by a name.

All of it goes into checkpoints under these names, and comes back bit for bit.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from toolkit.backends.base import SGD, Adam, Backend, Network, Optimizer, Trainable
from toolkit.backends.ops import Parameters
from toolkit.errors import InputError
from toolkit.methods.head import Head, first_weights
from toolkit.spaces import Plans

_STREAM = 0x6C6162  # sets these draws apart from all others made with the same seed

Part = TypeVar("Part")


class Lab:
    """Makes them. A method makes all that it owns in `Method.begin`, always alike, and keeps what it is given.

    A method steps its own optimisers in `Method.step`, with `Batch.lr` or a rate of its own; the trainer steps the
    supernet's.

    Attributes:
        net: the supernet, with the weights that its training begins with.
        networks: those it made, by name.
        ops: arithmetic on tensors.
    """

    def __init__(self, backend: Backend, net: Network, seed: int) -> None:
        self.net, self.ops = net, backend.ops
        self._backend, self._seed = backend, seed
        self.networks: dict[str, Network] = {}
        self._parameters: dict[str, Parameters] = {}
        self._optimizers: dict[str, Optimizer] = {}

    def network(self, name: str, plans: Plans | None = None) -> Network:
        """A network that holds `plans`, freshly initialised; or, by default, a copy of the supernet."""
        if plans is None:
            return self._keep(self.networks, name, copy_of(self._backend, self.net))
        return self._keep(self.networks, name, self._backend.network(self.net.space, plans, self._seed))

    def scratch(self) -> Network:
        """A copy of the supernet to try things on; no checkpoint has it, so set it before each use."""
        return copy_of(self._backend, self.net)

    def head(self, name: str, widths: Sequence[int], *, silent: bool = False) -> Head:
        """A small MLP from `widths[0]` features to `widths[-1]`; `silent`: its last layer begins with zeros."""
        return Head(self.ops, self.parameters(name, first_weights(widths, self.generator(name), silent=silent)))

    def parameters(self, name: str, arrays: Mapping[str, npt.NDArray[Any]]) -> Parameters:
        """Tensors to train, which begin at these numbers: architecture parameters, say."""
        return self._keep(self._parameters, name, self._backend.parameters(arrays))

    def optimizer(self, name: str, config: SGD | Adam, trained: Iterable[str]) -> Optimizer:
        """An optimiser over what was made under these names."""
        parts = {each: self._trained[each] for each in trained}
        return self._keep(self._optimizers, name, self._backend.optimizer(parts, config))

    @property
    def names(self) -> list[str]:
        """Of all that was made."""
        return [*self._trained, *self._optimizers]

    @property
    def _trained(self) -> dict[str, Trainable]:
        return {**self.networks, **self._parameters}

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """Copies of all tensors of everything that was made, as `NAME.TENSOR`."""
        states = {name: part.weights() for name, part in self._trained.items()}
        states |= {name: optimizer.state() for name, optimizer in self._optimizers.items()}
        return {f"{name}.{tensor}": array for name, state in states.items() for tensor, array in state.items()}

    def load_state(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        """Set what `state` returned.

        Raises:
            InputError: something is missing, or another shape; names every one.
        """
        problems = []
        for name, part in self._trained.items():
            try:
                part.load_weights(_under(name, state))
            except InputError as error:
                problems += [f"lab.{name}: {problem}" for problem in error.problems]
        if problems:
            raise InputError(problems)
        for name, optimizer in self._optimizers.items():
            optimizer.load_state(_under(name, state))

    def take_over(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        """Set the networks that another training's `state` has too; others stay as they were made.

        Raises:
            InputError: one has other tensors; names every one.
        """
        for name, network in self.networks.items():
            if weights := _under(name, state):
                network.load_weights(weights)

    def _keep(self, kind: dict[str, Any], name: str, part: Part) -> Part:
        if "." in name or name in self._trained or name in self._optimizers:
            raise ValueError(f"{name!r}: a name of the lab is used once, and has no dot")
        kind[name] = part
        return part

    def generator(self, name: str) -> np.random.Generator:
        """What to draw the first numbers of something from; the same in every process, and when a run is resumed."""
        return np.random.default_rng([self._seed, _STREAM, *name.encode()])


def copy_of(backend: Backend, network: Network) -> Network:
    """Another network with the same tensors, to follow it by a moving average, say."""
    copy = backend.network(network.space, network.holds, seed=0)
    copy.load_weights(network.weights())
    return copy


def _under(name: str, state: Mapping[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
    return {key.removeprefix(f"{name}."): array for key, array in state.items() if key.startswith(f"{name}.")}
