"""The only seam between the frameworks: what the rest of the toolkit may ask of PyTorch or Paddle.

A *state* is what flows between blocks (images before the stem, activations, logits after the head). A *norm* says where
batch normalisation takes its statistics from; it is handed along explicitly, so there is no train or eval mode that a
layer could remember wrongly. Tensors are the framework's own; arithmetic on them is apart from networks (`ops.py`).
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Literal, Protocol, Self

import numpy as np
import numpy.typing as npt

from toolkit.backends.ops import Ops, Parameters
from toolkit.backends.ops import Tensor as Tensor  # known here to all who know networks
from toolkit.spaces import Arch, Plan, Plans, SearchSpace

Norm = Any
"""A backend's source of batch-norm statistics."""

MOMENTUM = 0.1
"""Share of the newest batch in a batch norm's running statistics (Paddle writes the complement, 0.9)."""

Weights = dict[str, npt.NDArray[np.float32]]
"""Tensors by name, in PyTorch's naming and layout whichever the backend, so that checkpoints are common to all."""

Images = npt.NDArray[np.uint8]
"""Images of shape (n, channels, height, width)."""

Labels = npt.NDArray[np.int64]
"""Class indices of shape (n,)."""

Precision = Literal["fp32", "tf32", "bf16", "fp64"]
"""How a network computes. With `fp64` its weights are 64-bit too: for numbers that would overflow, and for checks."""


Score = Literal["top1", "top5", "loss"]
"""What networks may be ranked by."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How one network did on a set of images: counts as integers, cross-entropy *summed* over images.

    A class that ties with the true one counts as ranked ahead of it, and so does NaN: a broken network scores 0.
    """

    top1: int
    top5: int
    total: int
    loss: float

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(self.top1 + other.top1, self.top5 + other.top5, self.total + other.total, self.loss + other.loss)

    def mean(self, score: Score) -> float:
        """A share of the images, or minus their mean cross-entropy; larger is better. NaN if the loss is NaN."""
        return (-self.loss if score == "loss" else getattr(self, score)) / self.total


@dataclass(frozen=True, slots=True)
class Statistics:
    """What one batch norm saw: mean and biased variance of each channel, shape (channels,), over `count` values."""

    mean: npt.NDArray[np.floating]
    variance: npt.NDArray[np.floating]
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Decay:
    """Options that all optimisers share.

    Attributes:
        decay_norm, decay_bias: whether weight decay also pulls batch-norm scale and shift, and biases.
        clip_norm: largest allowed norm of the whole gradient, or None.
    """

    weight_decay: float = 0.0
    decay_norm: bool = False
    decay_bias: bool = False
    clip_norm: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SGD(Decay):
    """Stochastic gradient descent with momentum.

    Attributes:
        move_idle: a tensor that was ever used keeps moving by momentum and decay in steps that do not use it. This
            concerns whole tensors: within a used one, slices that no path used get gradients of 0 and move anyway.
    """

    momentum: float = 0.9
    nesterov: bool = False
    move_idle: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Adam(Decay):
    """Adam (arXiv 1412.6980); `decoupled`: AdamW (arXiv 1711.05101), whose weight decay is no part of the gradient.

    Weights that a step did not use stay unchanged, and so do their moments and step counts.
    """

    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    decoupled: bool = False


class Network(Protocol):
    """Blocks for the plans that it `holds`: a supernet, the stand-alone network of one candidate, or any other.

    Attributes:
        space: what it was made for.
        ops: arithmetic on its tensors.
    """

    space: SearchSpace
    holds: Plans
    ops: Ops

    def run(
        self,
        plans: Plans,
        images: Tensor,
        norm: Norm | None = None,
        *,
        path: Arch | None = None,
        watch: Callable[[int, Tensor], object] | None = None,
        precise: bool = False,
        weights: Mapping[int, Tensor] | None = None,
    ) -> Tensor:
        """Pass normalised images (n, c, h, w) through these blocks and return the last one's output.

        With a head these are logits (n, classes), without one activations.

        Args:
            plans: as many as the network holds, each of which fits there; None: no block.
            norm: by default one that normalises by the batch and moves the running statistics.
            path: the architecture whose plans these are, for observers of a training; it changes nothing.
            watch: called with each position and its output; where there is no block, the output is the input.
            precise: compute in the precision of the weights, even where the backend would use a lower one.
            weights: of blocks that are mixtures, by position, shape (edges, options); gradients flow back to them. Of
                blocks that drop paths, shape (edges, images).

        Raises:
            InputError: a block is a mixture, and has no weights here.
        """

    def follow(self, leader: Self, decay: float, plans: Plans | None = None) -> None:
        """Move towards another network that holds the same: x <- decay x + (1 - decay) leader's x; with 0, exactly.

        Args:
            plans: move only what these read, each weight's leading slice, and no running statistics; by default all
                tensors, running statistics too.
        """

    def freeze(self, but: Collection[str]) -> frozenset[str]:
        """Make all parameters constants but these: no gradient reaches them, no optimiser moves them.

        Returns:
            their names.
        """

    def move(self, directions: Mapping[str, Tensor], by: float) -> None:
        """Move parameters, by name, by so much of a direction: x <- x + by * direction."""

    def gap(self, other: Self) -> Tensor:
        """|own - other's| / |own| over all parameters of two networks that hold the same; a constant."""

    def on_gradient(self, tensor: Tensor, call: Callable[[], None]) -> None:
        """Call `call` whenever a backward pass reaches `tensor`; never, if it is constant."""

    # What probes and scores need.

    def gradients(self, *, keep: bool = False) -> dict[str, Tensor]:
        """Take what `backward` added up: by parameter name, shaped as the parameter, 0 where a path is narrower.

        Parameters that no path used are left out. Gradients are this process's own and are cleared afterwards. With
        `keep` they are not cleared; copy them if you need them after the optimiser's step.
        """

    def observe_relus(self, see: Callable[[Tensor], object]) -> AbstractContextManager[object]:
        """Within this context every ReLU, and ReLU6, shows its output (n, c, h, w) to `see`, in the order of execution.

        Look at it at once: later layers may work in place.
        """

    # What evaluation needs: block by block, without gradients; outside of `inference` they flow.

    def stored_norm(self) -> Norm:
        """Running statistics, as trained."""

    def batch_norm(self) -> Norm:
        """Statistics of the batch being run."""

    def calibrating_norm(self, images: int) -> Norm:
        """Exact statistics of the first `images` of the batch being run; the norm remembers them."""

    def calibrated_norm(self, calibrating: Norm) -> Norm:
        """The statistics that a `calibrating_norm` remembers from running the same plans."""

    def statistics(self, calibrating: Norm) -> list[Statistics]:
        """What a `calibrating_norm` remembers: one for each batch norm, in the order of execution."""

    def no_norm(self) -> Norm:
        """No normalisation: activations are neither normalised nor scaled nor shifted."""

    def inference(self) -> AbstractContextManager[object]:
        """Within this context blocks run for evaluation: without gradients, in the backend's precision."""

    def run_block(self, index: int, plan: Plan, state: Tensor, norm: Norm, weights: Tensor | None = None) -> Tensor:
        """The block at position `index`, run as `plan`; with `weights`, if it is a mixture."""

    def run_siblings(self, index: int, plans: Sequence[Plan], state: Tensor, norm: Norm) -> Iterator[Tensor]:
        """The block run as each of `plans` on the same input, one after the other; what they share is computed once.

        `plans` are in `toolkit.spaces.sharing.sharing_order`. Results equal those of `run_block`.
        """

    def count(self, logits: Tensor, labels: Tensor) -> Counts:
        """Compare logits (n, classes) with class indices (n,)."""

    # Weights.

    def weights(self) -> Weights:
        """Every parameter and running statistic (copies)."""

    def load_weights(self, weights: Mapping[str, npt.NDArray[np.float32]], *, copy: bool = True) -> None:
        """Set all of them; with `copy=False`, for evaluation, to these very arrays if device and framework allow.

        Raises:
            InputError: names or shapes differ; names every one.
        """


Trainable = Network | Parameters
"""What an optimiser may move."""


class Optimizer(Protocol):
    """One step after any number of backward passes.

    It updates every parameter that received a gradient and leaves the others unchanged.
    """

    def step(self, lr: float, parts: int = 1) -> Tensor:
        """Average gradients over processes, clip, update, clear. Returns the gradient's norm before clipping.

        Args:
            parts: of a batch, over which gradients were summed; they are averaged.
        """

    def state(self) -> Weights:
        """Momentum, or moments, by name, to resume from."""

    def load_state(self, state: Mapping[str, npt.NDArray[np.float32]]) -> None:
        """Set what `state` returned."""


class Backend(Protocol):
    """A framework on a device, in a process group."""

    name: str
    device: str
    rank: int
    world: int
    out_of_memory: type[Exception]
    """What is raised when the device's memory is full."""
    ops: Ops

    def network(self, space: SearchSpace, plans: Plans, seed: int) -> Network:
        """A network that holds `plans`, freshly initialised (the same for all processes).

        A supernet of a space holds its `widest`, a stand-alone candidate its `plans(arch)`; any blocks that fit
        together will do. The caller of `run` chooses the plans.
        """

    def parameters(self, arrays: Mapping[str, npt.NDArray[Any]]) -> Parameters:
        """Tensors to train, by name, which begin at these numbers; `...bias` are biases to an optimiser."""

    def optimizer(self, trained: Trainable | Mapping[str, Trainable], config: SGD | Adam) -> Optimizer:
        """An optimiser over all parameters of what is `trained`.

        Its state has the names of their tensors; given several by name, that name is the prefix: `head.0.weight`.
        """

    def place(self, array: npt.NDArray[Any]) -> Tensor:
        """Copy an array to the device as it is (images stay uint8, labels int64)."""

    def normalise(self, images: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
        """uint8 images to floats: (x / 255 - mean) / std per channel."""

    def synchronise(self) -> None:
        """Wait until the device has done all its work: before reading a clock."""

    def barrier(self) -> None:
        """Wait for the other processes."""
