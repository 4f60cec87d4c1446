"""What tests candidates: a supernet on a device with images beside it, in this process or in any other."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from toolkit.backends import get_backend
from toolkit.backends.base import Backend, Precision, Weights
from toolkit.evaluation.images import EvaluationSet
from toolkit.evaluation.judging import Judge, evaluator
from toolkit.evaluation.ledger import Row
from toolkit.spaces import SearchSpace


@dataclass(frozen=True, slots=True)
class Machine:
    """Where to compute, in the terms of `toolkit.backends.get_backend`."""

    backend: str = "torch"
    device: str = "auto"
    precision: Precision = "fp32"
    threads: int | None = None

    def open(self) -> Backend:
        """The backend there.

        Raises:
            InputError: unknown backend, or a device that this machine lacks.
        """
        return get_backend(self.backend, self.device, self.precision, self.threads)


@dataclass(frozen=True, eq=False)
class Equipment:
    """All that a worker needs, as plain data: it can work where there is no run folder.

    Attributes:
        space: for the images of `images`.
        weights: of its supernet.
        memory: bytes that activations may take; no bound if None.
        start: images in front that are not tested again.
        judge: what takes the place of the classifier.
    """

    space: SearchSpace
    weights: Weights
    images: EvaluationSet
    machine: Machine
    memory: int | None = None
    start: int = 0
    judge: Judge | None = None


class Worker:
    """Tests groups of candidates; every call is a task of an executor."""

    def __init__(self, equipment: Equipment) -> None:
        backend = equipment.machine.open()
        network = backend.network(equipment.space, equipment.space.widest, 0)
        network.load_weights(equipment.weights, copy=False)
        self._space, self._start = equipment.space, equipment.start
        self._evaluator = evaluator(backend, network, equipment.images, equipment.judge, equipment.memory)

    def __call__(self, codes: Sequence[str]) -> list[Row]:
        """Test a group of candidates; each is charged its share of the time."""
        start = time.perf_counter()
        results = self._evaluator.evaluate([self._space.parse(code) for code in codes], self._start)
        seconds = (time.perf_counter() - start) / len(codes)
        return [Row(code, counts, seconds) for code, counts in zip(codes, results, strict=True)]
