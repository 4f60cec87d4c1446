"""Arithmetic on a framework's tensors, apart from networks: what losses, heads and scores are written over.

Besides these, tensors know the operators + - * / ** @ and abs(), comparisons, slices, `.shape` and `.T`; they mean the
same in every framework.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, Self

import numpy as np
import numpy.typing as npt

Tensor = Any
"""A tensor of the backend's framework."""

Axis = int | tuple[int, ...] | None
"""Of a reduction; None: all of them."""


class Ops(Protocol):
    """One object per framework. Gradients flow through all that returns tensors, but for `detach` and `gather`."""

    # From and to the outside.

    def place(self, array: npt.NDArray[Any]) -> Tensor:
        """Copy an array to the device as it is (images stay uint8, labels int64)."""

    def numpy(self, tensor: Tensor) -> npt.NDArray[Any]:
        """A copy of its numbers; bfloat16 as float32."""

    def single(self, x: Tensor) -> Tensor:
        """x in float32, or float64 if it is that: never in less than parameters outside of networks are."""

    def detach(self, tensor: Tensor) -> Tensor:
        """`tensor` as a constant: no gradient flows through it."""

    # Gradients.

    def constant(self) -> AbstractContextManager[object]:
        """Within this context what is computed is constant, and costs no memory for a backward pass."""

    def backward(self, loss: Tensor) -> None:
        """Add the gradients of `loss`, a scalar, to those that parameters hold already; none if it is constant."""

    # Element by element.

    def exp(self, x: Tensor) -> Tensor:
        """e^x."""

    def log(self, x: Tensor) -> Tensor:
        """Natural logarithm."""

    def sign(self, x: Tensor) -> Tensor:
        """-1, 0 or 1, in the dtype of x."""

    def tanh(self, x: Tensor) -> Tensor:
        """Hyperbolic tangent."""

    def maximum(self, x: Tensor, least: float) -> Tensor:
        """max(x, least)."""

    def minimum(self, x: Tensor, most: float) -> Tensor:
        """min(x, most)."""

    def where(self, condition: Tensor, x: Tensor, y: Tensor) -> Tensor:
        """x where the condition holds, else y; all of one shape."""

    # Over axes.

    def sum(self, x: Tensor, axis: Axis = None) -> Tensor:
        """Sum over axes, which disappear."""

    def mean(self, x: Tensor, axis: Axis = None) -> Tensor:
        """Mean over axes, which disappear."""

    def softmax(self, x: Tensor) -> Tensor:
        """Over the last axis, in float32."""

    def log_softmax(self, x: Tensor) -> Tensor:
        """Over the last axis, in float32."""

    def normalise(self, x: Tensor) -> Tensor:
        """x of Euclidean length 1 over the last axis; a vector near 0 stays near 0 (x / max(length, 1e-12))."""

    def concatenate(self, tensors: Sequence[Tensor], axis: int = 0) -> Tensor:
        """Join tensors along an axis."""

    def transpose(self, x: Tensor) -> Tensor:
        """The last two axes exchanged."""

    # Fused by frameworks, in float32.

    def cross_entropy(self, logits: Tensor, labels: Tensor, smoothing: float = 0.0) -> Tensor:
        """Mean over rows of logits (n, classes) against class indices (n,), optionally with label smoothing.

        Labels of shape (n, classes), float32, are shares of the classes, as mixup makes them.
        """

    def soft_cross_entropy(self, logits: Tensor, probabilities: Tensor) -> Tensor:
        """Mean over rows of logits (n, classes) against probabilities (n, classes), float32, that are constant."""

    # Over processes.

    def average(self, value: Tensor) -> float:
        """The mean of a scalar over all processes, so that all take the same decisions from it."""

    def averages(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """`average` of several scalars, tensors or numbers, left on the device; with one process, unchanged."""

    def gather(self, x: Tensor) -> Tensor:
        """x of all processes, equal in shape, one after the other along the first axis, as a constant."""


class Parameters(Protocol):
    """Tensors to train that are no network: a head's weights, logits of a policy, architecture parameters.

    Gradients flow back to its tensors.

    Attributes:
        tensors: by name, as given.
    """

    tensors: Mapping[str, Tensor]

    def follow(self, leader: Self, decay: float) -> None:
        """Move towards others of the same names and shapes, as `Network.follow` does."""

    def gradients(self, *, keep: bool = False) -> dict[str, Tensor]:
        """Take what `backward` added up, as `Network.gradients` does."""

    def weights(self) -> dict[str, npt.NDArray[np.float32]]:
        """Copies of all, by name."""

    def load_weights(self, weights: Mapping[str, npt.NDArray[np.float32]], *, copy: bool = True) -> None:
        """Set all of them.

        Raises:
            InputError: names or shapes differ; names every one.
        """
