"""The optimisation loop that supernets and stand-alone networks share."""

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from itertools import repeat
from typing import Any

import numpy as np

from toolkit.backends.base import Backend, Images, Labels, Network, Optimizer, Tensor
from toolkit.data.augmentation import SoftLabels
from toolkit.data.base import Dataset, Split
from toolkit.data.batches import held_out_batches, steps_per_epoch, train_batches
from toolkit.data.held_out import hold_out
from toolkit.errors import InputError
from toolkit.methods import Batch, Method, Needs
from toolkit.methods.lab import Lab
from toolkit.runs.tables import Training
from toolkit.training.schedules import warmup_cosine
from toolkit.training.tally import Tally

_METHOD_STREAM = 1
"""Keeps the method's random numbers apart from those that shuffle and augment images."""

Backward = Callable[[Batch], dict[str, Tensor]]
"""Accumulates gradients; returns scalars to log (`Method.step`)."""

After = Callable[[Batch], dict[str, Tensor] | None]
"""What may ask for a second update (`Method.after`)."""

_NEEDS = Needs()


def method_rng(seed: int, step: int) -> np.random.Generator:
    """What a method draws from in a step, counted from 0."""
    return np.random.default_rng([seed, _METHOD_STREAM, step])


@dataclass(frozen=True, slots=True)
class Step:
    """One optimiser step, done.

    `step` counts steps done, `epoch` the same in epochs; `values` are scalar tensors of the backend, not yet read back
    from the device, and means over processes.
    """

    step: int
    epoch: float
    lr: float
    values: dict[str, Tensor]


_Made = tuple[Images, Labels | SoftLabels, tuple[Images, ...], tuple[Images, Labels | SoftLabels] | None]
"""Of a step: images, labels, further views, what is held out."""


class Loop:
    """Everything one training needs; iterate over `steps` and do anything in between.

    Args:
        needs: what batches hold.
        average: follows the network after each update, as `Training.ema` says.
        lab: what the method owns.
        tally: counts the networks that are trained.
        method: what has a memory that each part of a batch begins with, where gradients are accumulated.

    Raises:
        InputError: fewer images than a batch, or parts of a batch cannot be shared out evenly.
    """

    def __init__(
        self,
        backend: Backend,
        network: Network,
        optimizer: Optimizer,
        data: Dataset,
        config: Training,
        seed: int,
        *,
        needs: Needs = _NEEDS,
        average: Network | None = None,
        lab: Lab | None = None,
        tally: Tally | None = None,
        method: Method | None = None,
    ) -> None:
        self.backend, self.network, self.optimizer, self.average = backend, network, optimizer, average
        self.tally, self._method = tally, method
        self._parts = config.accumulate or 1
        if self._parts > 1 and config.batch_size % (backend.world * self._parts):
            raise InputError(
                f"batch size {config.batch_size}: choose a multiple of {backend.world * self._parts}, processes times "
                "training.accumulate"
            )
        self._lab, self._data, self._config, self._seed, self._needs = lab, data, config, seed, needs
        self._train, self._held_out = parts(data, needs, seed)
        aside = config.batch_size if self._held_out is None else len(self._held_out.labels)
        if aside < config.batch_size:
            raise InputError(
                f"{aside:,} of the {len(data.train.labels):,} training images are held out for the method, which is "
                f"less than a batch ({config.batch_size}); hold out a larger share, or take smaller batches"
            )
        self.steps_per_epoch = steps_per_epoch(len(self._train.labels), config.batch_size)
        self.total = config.epochs * self.steps_per_epoch

    @property
    def teacher(self) -> Network | None:
        """What follows the network: its moving average, or else a network of the method that holds the same."""
        owned = {} if self._lab is None else self._lab.networks
        like = (network for network in owned.values() if network.holds == self.network.holds)
        return self.average or next(like, None)

    def steps(self, backward: Backward, start: int = 0, after: After | None = None) -> Generator[Step]:
        """Train from step `start` to the end, yielding after each step.

        Every random number is a function of the seed and the step, so a loop begun at `start` does exactly what one
        begun at 0 does from there on.
        """
        config, ops = self._config, self.backend.ops
        network = self.network if self.tally is None else self.tally.watched(self.network)
        warmup = round(config.warmup_epochs * self.steps_per_epoch)
        for step, (images, labels, views, held_out) in enumerate(self._batches(start), start):
            lr = warmup_cosine(step, self.total, warmup, config.lr, config.final_lr)
            shown = self._shown(images)
            batch = Batch(
                network,
                shown,
                self.backend.place(labels),
                method_rng(self._seed, step),
                step / self.total,
                lr,
                (shown, *map(self._shown, views)),
                None if held_out is None else (self._shown(held_out[0]), self.backend.place(held_out[1])),
                epoch=step // self.steps_per_epoch,
            )
            values = backward(batch) if self._parts == 1 else self._accumulate(backward, batch)
            values["grad_norm"] = self._update(lr)
            if after is not None and (more := after(batch)) is not None:
                values |= more
                self._update(lr)
            yield Step(step + 1, (step + 1) / self.steps_per_epoch, lr, ops.averages(values))

    def _accumulate(self, backward: Backward, batch: Batch) -> dict[str, Tensor]:
        """The gradients of a batch, part by part, each with the same draws; they are averaged by the update."""
        memory = None if self._method is None else self._method.state()
        found: list[dict[str, Tensor]] = []
        for part in batch.parts(self._parts, self.network):  # what is trained is counted once
            if found and self._method is not None and memory is not None:
                self._method.load_state(memory)
            found.append(backward(part))
        return {name: sum(values[name] for values in found) / len(found) for name in found[0]}

    def _update(self, lr: float) -> Tensor:
        norm = self.optimizer.step(lr, self._parts)
        if self.average is not None and self._config.ema is not None:
            self.average.follow(self.network, self._config.ema)
        return norm

    def _shown(self, images: Images) -> Tensor:
        spec = self._data.spec
        return self.backend.normalise(self.backend.place(images), spec.mean, spec.std)

    def _batches(self, start: int) -> Iterator[_Made]:
        """What each step from `start` on works on: images, labels, further views, what is held out."""
        how: dict[str, Any] = {
            "batch_size": self._config.batch_size,
            "seed": self._seed,
            "rank": self.backend.rank,
            "world": self.backend.world,
        }
        second: Iterator[tuple[Images, Labels | SoftLabels] | None] = repeat(None)
        if self._held_out is not None:
            second = held_out_batches(self._held_out, start=start, **how)
        augmented: dict[str, Any] = {"augmentation": self._data.augmentation, "spec": self._data.spec}
        for epoch in range(start // self.steps_per_epoch, self._config.epochs):
            first = max(start - epoch * self.steps_per_epoch, 0)
            views = [
                train_batches(self._train, epoch=epoch, start=first, view=view, **augmented, **how)
                for view in range(self._needs.views)
            ]
            for (images, labels), *more in zip(*views, strict=True):
                yield images, labels, tuple(again for again, _ in more), next(second)


def parts(data: Dataset, needs: Needs, seed: int) -> tuple[Split, Split | None]:
    """The images to train on, and those that are set aside."""
    return hold_out(data.train, needs.held_out, seed) if needs.held_out else (data.train, None)
