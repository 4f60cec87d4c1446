"""The only seam between the frameworks: what the rest of the toolkit may ask of PyTorch or Paddle.

A *state* is what flows between blocks (images before the stem, activations, logits after the head). A *norm* says where
batch normalisation takes its statistics from; it is handed along explicitly, so there is no train or eval mode that a
layer could remember wrongly. Tensors are the framework's own: arithmetic on them uses their operators.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from toolkit.spaces import Arch, Plan, Plans, SearchSpace

Tensor = Any
"""A tensor of the backend's framework."""

Norm = Any
"""A backend's source of batch-norm statistics."""

EPS = 1e-5
"""What batch norm adds to the variance, in every backend."""

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
    """What one network did on a set of images: integers where integers exist, and cross-entropy *summed* over images.

    A class that ties with the true one counts as ranked before it, and so does NaN: a broken network never scores.
    """

    top1: int
    top5: int
    total: int
    loss: float

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(self.top1 + other.top1, self.top5 + other.top5, self.total + other.total, self.loss + other.loss)

    def mean(self, score: Score) -> float:
        """A share of the images, or minus their mean cross-entropy: more is better. NaN of a broken network's loss."""
        return (-self.loss if score == "loss" else getattr(self, score)) / self.total


@dataclass(frozen=True, slots=True)
class Statistics:
    """What one batch norm saw: mean and biased variance of each channel, shape (channels,), over `count` values."""

    mean: npt.NDArray[np.floating]
    variance: npt.NDArray[np.floating]
    count: int


@dataclass(frozen=True, slots=True)
class SGD:
    """Stochastic gradient descent with momentum, and what surrounds it.

    Attributes:
        decay_norm, decay_bias: whether weight decay also pulls batch-norm scale and shift, and biases.
        clip_norm: largest allowed norm of the whole gradient, or None.
        ema: decay of an exponential moving average of the weights kept beside them, or None.
        move_idle: weights that were used once go on by momentum and decay in steps that do not use them.
    """

    momentum: float
    nesterov: bool
    weight_decay: float
    decay_norm: bool
    decay_bias: bool
    clip_norm: float | None
    ema: float | None
    move_idle: bool = False


class Network(Protocol):
    """A supernet, or the stand-alone network of one candidate."""

    space: SearchSpace

    def plans(self, arch: Arch) -> Plans:
        """What stands at each position when this network runs `arch`."""

    # What a training method needs.

    def forward(self, arch: Arch, images: Tensor, *, norm: Norm | None = None, trunk: bool = False) -> Tensor:
        """Training pass: normalised images (n, c, h, w) to logits (n, classes).

        Args:
            norm: by default one that normalises by the batch and moves the running statistics.
            trunk: through the weights that all widths share, where groups of widths have their own.
        """

    def cross_entropy(self, logits: Tensor, labels: Tensor, smoothing: float = 0.0) -> Tensor:
        """Mean cross-entropy against class indices, optionally with label smoothing. Computed in float32."""

    def soft_cross_entropy(self, logits: Tensor, target: Tensor) -> Tensor:
        """Mean cross-entropy against softmax(`target`), temperature 1. Computed in float32."""

    def alpha_divergence(self, logits: Tensor, target: Tensor, alphas: tuple[float, float], clip: float) -> Tensor:
        """Mean over images of the larger of two alpha-divergences of softmax(`logits`) from softmax(`target`).

        Of p, the target, and q, D_a = (sum q (p/q)^a - 1) / (a (a - 1)); a = 1 is KL(p || q), and 0 is not allowed. The
        weight (p/q)^a is no more than `clip`, and constant in the gradient (AlphaNet, arXiv 2102.07954, eq. 6-8).
        Computed in float32 from log-probabilities, so that it is finite for finite logits.
        """

    def detach(self, tensor: Tensor) -> Tensor:
        """`tensor` as a constant: no gradient flows through it."""

    def backward(self, loss: Tensor) -> None:
        """Add the gradients of `loss` to those already there."""

    def on_gradient(self, tensor: Tensor, call: Callable[[], None]) -> None:
        """Call `call` whenever a backward pass reaches `tensor`; never, if it is constant."""

    def constant(self) -> AbstractContextManager[object]:
        """Within this context what is computed is constant, and costs no memory for a backward pass."""

    def average(self, value: Tensor) -> float:
        """The mean of a scalar over all processes, so that all decide alike by what they measure."""

    # What probes and scores need.

    def gradients(self, *, keep: bool = False) -> dict[str, Tensor]:
        """Take what `backward` added up: by parameter name, shaped as the parameter, 0 where a path is narrower.

        Parameters that no path used are left out. Gradients are this process's own, and begin anew afterwards; with
        `keep` they are only shown, and copied by who still needs them after the optimiser's step.
        """

    def observe_relus(self, see: Callable[[Tensor], object]) -> AbstractContextManager[object]:
        """Within this context every ReLU shows its output (n, c, h, w) to `see`, in the order of execution.

        Look at it at once: later layers may work in place.
        """

    # What evaluation needs: block by block, without gradients; outside of `inference` they flow.

    def stored_norm(self) -> Norm:
        """Running statistics, as trained."""

    def batch_norm(self) -> Norm:
        """Statistics of the very batch that passes."""

    def calibrating_norm(self, images: int) -> Norm:
        """Exact statistics of the first `images` of the batch that passes; the norm remembers them."""

    def calibrated_norm(self, calibrating: Norm) -> Norm:
        """The statistics that a `calibrating_norm` remembers from running the same plans."""

    def statistics(self, calibrating: Norm) -> list[Statistics]:
        """What a `calibrating_norm` remembers: one for each batch norm, in the order of execution."""

    def no_norm(self) -> Norm:
        """None: activations pass as they are, neither normalised nor scaled nor shifted."""

    def inference(self) -> AbstractContextManager[object]:
        """Blocks are run for evaluation within this context: without gradients, in the backend's precision."""

    def run_block(self, index: int, plan: Plan, state: Tensor, norm: Norm) -> Tensor:
        """The block at position `index`, run as `plan`."""

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


class Optimizer(Protocol):
    """One step after any number of backward passes."""

    def step(self, lr: float) -> Tensor:
        """Average gradients over processes, clip, update, clear. Returns the gradient's norm before clipping."""

    def state(self) -> Weights:
        """Momentum (and moving average) by name, to resume from."""

    def load_state(self, state: Mapping[str, npt.NDArray[np.float32]]) -> None:
        """Set what `state` returned."""

    def averaged(self) -> Weights | None:
        """The moving average of the weights, if one is kept."""


class Backend(Protocol):
    """A framework on a device, in a process group."""

    name: str
    device: str
    rank: int
    world: int
    out_of_memory: type[Exception]
    """What is raised when the device's memory is full."""

    def supernet(self, space: SearchSpace, seed: int) -> Network:
        """The supernet of `space`, freshly initialised (the same for all processes)."""

    def standalone(self, space: SearchSpace, arch: Arch, seed: int) -> Network:
        """The stand-alone network of one candidate, freshly initialised."""

    def build(self, space: SearchSpace, plans: Plans, seed: int) -> Network:
        """A network of any blocks that fit together, freshly initialised; it runs these `plans`, whatever the `arch`.

        Without a head, what comes out are the last block's activations.
        """

    def optimizer(self, network: Network, config: SGD) -> Optimizer:
        """An optimiser over all parameters of `network`."""

    def place(self, array: npt.NDArray[Any]) -> Tensor:
        """Copy an array to the device as it is (images stay uint8, labels int64)."""

    def normalise(self, images: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
        """uint8 images to floats: (x / 255 - mean) / std per channel."""

    def synchronise(self) -> None:
        """Wait until the device has done all its work: before reading a clock."""

    def barrier(self) -> None:
        """Wait for the other processes."""
