"""What a training method is: one optimiser step's worth of forward and backward passes."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from toolkit.backends.base import Network, Norm, Tensor
from toolkit.methods.lab import Lab
from toolkit.sampling import Moment, SamplingOptions, make_sampler
from toolkit.spaces import Arch, Plans, SearchSpace

State = dict[str, npt.NDArray[Any]]
"""What a method remembers from step to step, as it goes into a checkpoint: arrays of any shape and dtype."""


class Options(BaseModel):
    """What a recipe may say in its `[method]` table."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    name: str = Field(description="which method")
    label_smoothing: float = Field(
        0.0,
        ge=0.0,
        lt=1.0,
        description="share of the target spread over all classes, in every loss that is learnt from labels",
    )
    sampling: SamplingOptions | None = Field(None, description="how random paths are drawn; uniformly by default")


@dataclass(frozen=True, slots=True)
class Needs:
    """What a batch must hold besides images and labels.

    Attributes:
        views: how many independently augmented views of each image.
        held_out: share of the training images that are set aside for a second batch in each step, such as for
            architecture parameters; in [0, 1).
        whole: a step needs all images of its batch at once, so gradients cannot be accumulated over parts of it.
    """

    views: int = 1
    held_out: float = 0.0
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Batch:
    """What one step works on.

    Attributes:
        images: normalised, shape (n, channels, height, width).
        labels: class indices, shape (n,); shares of the classes, shape (n, classes), where images are mixed.
        rng: the same in every process of a data-parallel run; all draws come from it.
        progress: share of the training that is done, in [0, 1).
        epoch: the number of the epoch, from 0.
        lr: the learning rate of the step.
        views: of the images, shaped as `images`, the first of which is `images`: as many as `Needs.views`.
        held_out: other images and their labels, if `Needs.held_out`.
        siblings: the parts of a batch of which this is one, where gradients are accumulated; empty otherwise.
        losses: those of paths on all parts together, as far as they are known.
    """

    net: Network
    images: Tensor
    labels: Tensor
    rng: np.random.Generator
    progress: float = 0.0
    lr: float = 0.0
    views: tuple[Tensor, ...] = ()
    held_out: tuple[Tensor, Tensor] | None = None
    siblings: "list[Batch]" = field(default_factory=list, repr=False)
    losses: dict[Arch, float] = field(default_factory=dict, repr=False)
    epoch: int = 0

    def parts(self, count: int, net: Network) -> "list[Batch]":
        """It in `count` equal parts, whose number divides its images; all but the first run on `net`.

        Each has a generator of its own in the same state, so all draw alike.
        """
        size, siblings, losses = self.images.shape[0] // count, list[Batch](), dict[Arch, float]()
        for number in range(count):
            rows = slice(number * size, (number + 1) * size)
            held_out = self.held_out
            if held_out is not None:
                share = held_out[0].shape[0] // count
                others = slice(number * share, (number + 1) * share)
                held_out = held_out[0][others], held_out[1][others]
            part = replace(
                self,
                net=net if number else self.net,
                images=self.images[rows],
                labels=self.labels[rows],
                rng=deepcopy(self.rng),
                views=tuple(view[rows] for view in self.views),
                held_out=held_out,
                siblings=siblings,
                losses=losses,
            )
            siblings.append(part)
        return siblings

    def loss_of(self, arch: Arch) -> float:
        """The loss of a path on the labels, over all processes; nothing is remembered, in weights or statistics.

        In parts of a batch it is the mean over all of them, so that all parts choose alike by it.
        """
        if not self.siblings:
            return self._own_loss(arch)
        if arch not in self.losses:
            self.losses[arch] = sum(part._own_loss(arch) for part in self.siblings) / len(self.siblings)
        return self.losses[arch]

    def _own_loss(self, arch: Arch) -> float:
        net, ops = self.net, self.net.ops
        with ops.constant():
            plans = net.space.in_training(net.space.supernet_plans(arch), self.progress)
            logits = net.run(plans, self.images, net.batch_norm(), path=arch)
            return ops.average(ops.cross_entropy(logits, self.labels))


class Method(ABC):
    """A way to train a supernet. Written once against the backend seam; imports no framework.

    Subclasses set `name`, `summary` (one line, with the source) and, if they have options of their own, `options_type`
    and the type of `options`; `draws` is False if they draw no paths, and `rewards` True if they tell their sampler how
    good paths are.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    draws: ClassVar[bool] = True
    rewards: ClassVar[bool] = False
    options_type: ClassVar[type[Options]] = Options
    options: Options

    def __init__(self, space: SearchSpace, options: Options) -> None:
        self.space = space
        self.options = options
        self.sampler = make_sampler(options.sampling, space, has_loss=True, has_reward=self.rewards)

    def needs(self) -> Needs:
        """What its batches must hold; always the same."""
        return Needs()

    def begin(self, lab: Lab) -> None:  # noqa: B027 (most own nothing)
        """Make all that it owns besides the supernet; called once before the first step, also of a resumed run."""

    @abstractmethod
    def step(self, batch: Batch) -> dict[str, Tensor]:
        """Accumulate the gradients of one step; the trainer then updates the supernet's weights once.

        Where a recipe accumulates gradients, it is called for each part of a batch in turn, every time with what it
        remembered before the first, and gradients are averaged.

        Returns:
            what to log: scalar tensors by name, among them `loss`.
        """

    def after(self, batch: Batch) -> dict[str, Tensor] | None:  # noqa: ARG002
        """Called with the same batch after the weights were updated.

        Returns:
            what to log if gradients were accumulated for a second update, else None.
        """
        return None

    def frozen(self) -> Plans | frozenset[str] | None:
        """What no step may change: blocks, with their statistics, or parameters by name; None if all may change."""
        return None

    def derived(self) -> Arch | None:
        """The candidate that comes of what it has learned of architectures; None if it learns nothing of them."""
        return None

    def remark(self, values: Mapping[str, float]) -> str:  # noqa: ARG002
        """A few words on what a step logged, where there is something to warn of."""
        return ""

    def run(self, batch: Batch, arch: Arch, plans: Plans | None = None, norm: Norm | None = None) -> Tensor:
        """Logits of a path through the supernet; by `plans` where they are not the usual ones of `arch`."""
        plans = self.space.in_training(plans or self.space.supernet_plans(arch), batch.progress, batch.rng)
        return batch.net.run(plans, batch.images, norm, path=arch)

    def label_loss(self, batch: Batch, logits: Tensor) -> Tensor:
        """Mean cross-entropy against the labels, smoothed as the recipe says: what every loss on labels is made of."""
        return batch.net.ops.cross_entropy(logits, batch.labels, self.options.label_smoothing)

    def sample(self, batch: Batch, count: int) -> list[Arch]:
        """Draw `count` architectures as the recipe's `[method.sampling]` says."""
        return self.sampler.draw(batch.rng, count, Moment(batch.progress, batch.loss_of))

    def state(self) -> State:
        """What it remembers from step to step, by name."""
        return {f"sampling.{name}": array for name, array in self.sampler.state().items()}

    def load_state(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        """Set what `state` returned.

        Raises:
            InputError: it is not of such a method.
        """
        prefix = "sampling."
        own = {name.removeprefix(prefix): array for name, array in state.items() if name.startswith(prefix)}
        self.sampler.load_state(own)
