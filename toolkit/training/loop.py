"""The optimisation loop that supernets and stand-alone networks share."""

from collections.abc import Callable, Generator
from dataclasses import dataclass

import numpy as np

from toolkit.backends.base import Backend, Network, Optimizer, Tensor
from toolkit.data.base import Dataset
from toolkit.data.batches import steps_per_epoch, train_batches
from toolkit.methods import Batch
from toolkit.runs.tables import Training
from toolkit.training.schedules import warmup_cosine
from toolkit.training.tally import Tally

_METHOD_STREAM = 1
"""Keeps the method's random numbers apart from those that shuffle and augment images."""

Backward = Callable[[Batch], dict[str, Tensor]]
"""Accumulates gradients; returns scalars to log (`Method.step`)."""

After = Callable[[Batch], dict[str, Tensor] | None]
"""What may ask for a second update (`Method.after`)."""


def method_rng(seed: int, step: int) -> np.random.Generator:
    """What a method draws from in a step, counted from 0."""
    return np.random.default_rng([seed, _METHOD_STREAM, step])


@dataclass(frozen=True, slots=True)
class Step:
    """One optimiser step, done.

    `step` counts steps done, `epoch` the same in epochs; `values` are scalar tensors of the backend, not yet read back
    from the device.
    """

    step: int
    epoch: float
    lr: float
    values: dict[str, Tensor]


class Loop:
    """Everything one training needs; iterate over `steps`, do what you like between them.

    Args:
        tally: counts the networks that are trained.
    """

    def __init__(
        self,
        backend: Backend,
        network: Network,
        optimizer: Optimizer,
        data: Dataset,
        config: Training,
        seed: int,
        tally: Tally | None = None,
    ) -> None:
        self.backend, self.network, self.optimizer, self.tally = backend, network, optimizer, tally
        self._data, self._config, self._seed = data, config, seed
        self.steps_per_epoch = steps_per_epoch(len(data.train.labels), config.batch_size)
        self.total = config.epochs * self.steps_per_epoch

    def steps(self, backward: Backward, start: int = 0, after: After | None = None) -> Generator[Step]:
        """Train from step `start` to the end, yielding after each step.

        Every random number is a function of the seed and the step, so a loop begun at `start` does exactly what one
        begun at 0 does from there on.
        """
        config, spec = self._config, self._data.spec
        network = self.network if self.tally is None else self.tally.watched(self.network)
        warmup = round(config.warmup_epochs * self.steps_per_epoch)
        for epoch in range(start // self.steps_per_epoch, config.epochs):
            first = max(start - epoch * self.steps_per_epoch, 0)
            batches = train_batches(
                self._data.train,
                batch_size=config.batch_size,
                seed=self._seed,
                epoch=epoch,
                start=first,
                rank=self.backend.rank,
                world=self.backend.world,
            )
            for step, (images, labels) in enumerate(batches, start=epoch * self.steps_per_epoch + first):
                batch = Batch(
                    network,
                    self.backend.normalise(self.backend.place(images), spec.mean, spec.std),
                    self.backend.place(labels),
                    method_rng(self._seed, step),
                    step / self.total,
                )
                values = backward(batch)
                lr = warmup_cosine(step, self.total, warmup, config.lr, config.final_lr)
                values["grad_norm"] = self.optimizer.step(lr)
                if after is not None and (more := after(batch)) is not None:
                    values |= more
                    self.optimizer.step(lr)
                yield Step(step + 1, (step + 1) / self.steps_per_epoch, lr, values)
