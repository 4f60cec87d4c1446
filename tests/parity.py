"""How far two backends are apart on the same network and the same images. Benchmarks share it."""

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tests.methods_made import begun, make_batch, make_method
from tests.networks import forward, logits, randomise, some_images
from toolkit.backends import get_backend
from toolkit.backends.base import SGD, Backend, Network, Precision, Tensor
from toolkit.methods import Batch, Method
from toolkit.methods.lab import copy_of
from toolkit.spaces import SearchSpace

IMAGES = 16
LR = 0.01
SETTINGS = SGD(momentum=0.9, nesterov=True, weight_decay=1e-3, decay_norm=False, decay_bias=True, clip_norm=5.0)
EMA = 0.9

Arrays = dict[str, npt.NDArray[Any]]


class Pair:
    """The same network in two places; the largest differences between what they do with the same images.

    With fp64, weights are random everywhere, and what remains is the difference between two programs. With fp32 they
    are those of a fresh supernet. (There, gradients may differ by whole activations: one within rounding of 0 falls on
    one side of a ReLU here, on the other there.)

    Args:
        sides: backend and device of each.
    """

    def __init__(
        self,
        space: SearchSpace,
        method: str,
        precision: Precision,
        *,
        move_idle: bool = False,
        sides: tuple[tuple[str, str], tuple[str, str]] = (("torch", "cpu"), ("paddle", "cpu")),
        **options: Any,
    ) -> None:
        sgd = replace(SETTINGS, move_idle=move_idle)
        self._traces = [
            _Trace(get_backend(name, device, precision), make_method(method, space, **options), sgd)
            for name, device in sides
        ]
        if precision == "fp64":
            for trace in self._traces:
                randomise(trace.network)

    def logits(self) -> float:
        """Of three paths in training, and with every source of batch-norm statistics."""
        return _apart(*(trace.logits() for trace in self._traces))

    def observations(self) -> float:
        """What scores look at: every ReLU, the statistics of every batch norm, logits without any."""
        return _apart(*(trace.observations() for trace in self._traces))

    def losses(self) -> float:
        """All that a step of the method logs."""
        return _apart(*(trace.step(0) for trace in self._traces))

    def gradients(self) -> float:
        """Of that step; as a share of the largest of all."""
        first, second = (trace.gradients() for trace in self._traces)
        largest = max(float(np.abs(array).max()) for array in first.values())
        return _apart(*({name: array / largest for name, array in each.items()} for each in (first, second)))

    def steps(self, count: int = 5) -> float:
        """Weights, running statistics, momentum and moving average after so many steps more."""
        return _apart(*(trace.steps(count) for trace in self._traces))


def _apart(first: Arrays, second: Arrays) -> float:
    """The largest difference, as a share of the largest value of the same array where that is above 1."""
    assert first.keys() == second.keys()
    return max(
        float(np.abs(array - second[name]).max() / max(1.0, np.abs(array).max())) for name, array in first.items()
    )


class _Trace:
    """What one backend makes of it."""

    def __init__(self, backend: Backend, method: Method, sgd: SGD) -> None:
        self._backend, self._method, self._sgd = backend, method, sgd
        space = method.space
        self.network: Network = backend.network(space, space.widest, 0)
        rng = np.random.default_rng(0)
        self._pixels = some_images(space, IMAGES)
        channels = space.channels
        begun(method, backend, self.network)
        self._images = backend.normalise(backend.place(self._pixels), (0.5,) * channels, (0.25,) * channels)
        self._labels = backend.place(rng.integers(0, space.classes, IMAGES))
        self._archs = (space.largest, space.smallest, space.sample(rng))

    def logits(self) -> Arrays:
        network, found = self.network, {}
        for number, arch in enumerate(self._archs):
            found[f"training {number}"] = np.asarray(network.ops.detach(forward(network, arch, self._images)).cpu())
            for source in (network.stored_norm(), network.batch_norm(), network.calibrating_norm(IMAGES // 2)):
                found[f"{type(source).__name__} {number}"] = logits(self._backend, network, arch, self._pixels, source)
        return found

    def observations(self) -> Arrays:
        network, arch, found = self.network, self._archs[-1], {}
        norm = network.calibrating_norm(IMAGES)

        def see(output: Tensor) -> None:
            found[f"ReLU {len(found)}"] = np.asarray(output.cpu()).copy()

        with network.observe_relus(see):
            logits(self._backend, network, arch, self._pixels, norm)
        for turn, statistics in enumerate(network.statistics(norm)):
            found[f"mean {turn}"], found[f"variance {turn}"] = statistics.mean, statistics.variance
            found[f"count {turn}"] = np.asarray(statistics.count / IMAGES)
        flow = logits(self._backend, network, arch, self._pixels, network.no_norm())
        return found | {"without norms": flow / np.abs(flow).max()}

    def gradients(self) -> Arrays:
        return {name: np.asarray(gradient.cpu()) for name, gradient in self.network.gradients().items()}

    def steps(self, count: int) -> Arrays:
        optimizer, average = self._backend.optimizer(self.network, self._sgd), copy_of(self._backend, self.network)
        for step in range(count):
            self.step(1 + step)
            optimizer.step(LR)
            if self._method.after(self._batch(1 + step)) is not None:
                optimizer.step(LR)
            average.follow(self.network, EMA)
        averaged = {f"average of {name}": array for name, array in average.weights().items()}
        return self.network.weights() | optimizer.state() | averaged

    def step(self, number: int) -> Arrays:
        logged = self._method.step(self._batch(number))
        return {name: np.asarray(float(value)) for name, value in logged.items()}

    def _batch(self, number: int) -> Batch:
        rng = np.random.default_rng(number)
        return make_batch(self._method, self.network, self._images, self._labels, rng, 0.5, LR)
