"""Networks that show what a method asks of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from tests.networks import forward, randomise, some_images
from toolkit.backends.base import SGD, Backend, Network, Weights
from toolkit.methods import Batch, Method
from toolkit.spaces import SPACES, Arch, Plans, SearchSpace

SPACE = SPACES["resnet48-mini"].for_images(1, 8, 10)
RECORD_GRADIENTS = SGD()
"""The first step's momentum is the gradient."""


class Notes:
    """A network, and its arithmetic, that computes nothing and remembers what it was asked for; numbers are tensors.

    Logits are the number of the forward pass, counted from 1, so that `archs[logits - 1]` was asked for.
    """

    def __init__(self) -> None:
        self.archs: list[Arch] = []
        self.constants: list[Arch] = []
        self.targets: list[float] = []
        self.backwards: list[float] = []
        self.smoothing: list[float] = []
        self._constant = False
        self.ops, self.space = self, SPACE

    def run(self, plans: Plans, images: Any, norm: Any = None, *, path: Arch) -> float:
        self.archs.append(path)
        if self._constant:
            self.constants.append(path)
        return float(len(self.archs))

    def cross_entropy(self, logits: float, labels: Any, smoothing: float = 0.0) -> float:
        self.smoothing.append(smoothing)
        return 10 + logits

    def softmax(self, logits: float) -> float:
        return logits

    def soft_cross_entropy(self, logits: float, target: float) -> float:
        self.targets.append(target)
        return 20 + logits

    @contextmanager
    def constant(self) -> Iterator[None]:
        self._constant = True
        yield
        self._constant = False

    def batch_norm(self) -> None:
        return None

    def average(self, value: float) -> float:
        return value

    def detach(self, tensor: float) -> float:
        return -tensor

    def backward(self, loss: float) -> None:
        self.backwards.append(loss)


def notes_batch(notes: Notes, seed: int = 0, progress: float = 0.5) -> Batch:
    """A batch for a network that computes nothing."""
    return Batch(notes, None, None, np.random.default_rng(seed), progress)  # type: ignore[arg-type]


class Gradients:
    """Gradients of anything, at the same weights and on the same images each time."""

    def __init__(self, backend: Backend, space: SearchSpace = SPACE) -> None:
        self._backend, self._space = backend, space
        self.images = backend.normalise(backend.place(some_images(space, 6)), (0.5,), (0.25,))
        self.labels = backend.place(np.arange(6))

    def network(self) -> Network:
        network = self._backend.network(self._space, self._space.widest, 0)
        randomise(network)
        return network

    def loss(self, arch: Arch) -> float:
        """Of a path on the labels, normalised by the batch."""
        return self.batch(self.network()).loss_of(arch)

    def batch(self, network: Network, seed: int = 5, progress: float = 0.5) -> Batch:
        return Batch(network, self.images, self.labels, np.random.default_rng(seed), progress)

    def of(self, step: Any) -> Weights:
        """What `step(network)` leaves for the optimiser, by parameter; parameters without a gradient are left out."""
        network = self.network()
        optimizer = self._backend.optimizer(network, RECORD_GRADIENTS)
        step(network)
        optimizer.step(0.1)
        return optimizer.state()

    def of_method(self, method: Method, progress: float = 0.5) -> Weights:
        """Of a step of `method`."""
        return self.of(lambda network: method.step(self.batch(network, progress=progress)))

    def of_labels(self, arch: Arch) -> Weights:
        """Of one path's cross-entropy."""
        return self.of(
            lambda net: net.ops.backward(net.ops.cross_entropy(forward(net, arch, self.images), self.labels)),
        )


def assert_sum(found: Weights, *parts: tuple[float, Weights]) -> None:
    """`found` is the sum of weighted gradients; what a batch norm undoes has none but rounding."""
    for name in set(found).union(*(part for _, part in parts)):
        terms = [factor * part[name] for factor, part in parts if name in part]
        scale = max(float(np.abs(term).max()) for term in [*terms, found.get(name, np.zeros(1))])
        expected = sum(terms) if terms else 0.0
        np.testing.assert_allclose(found.get(name, 0.0) - expected, 0, atol=1e-3 * scale + 1e-6, err_msg=name)
