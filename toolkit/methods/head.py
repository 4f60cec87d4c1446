"""A small MLP: a projection head, a policy, a HyperNet's body. Written once over a backend's `Ops`."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from toolkit.backends.ops import Ops, Parameters, Tensor


class Head:
    """Linear layers with ReLUs between them.

    Attributes:
        parameters: `0.weight` of shape (out, in), `0.bias` of shape (out,), and so on.
    """

    def __init__(self, ops: Ops, parameters: Parameters) -> None:
        self.parameters = parameters
        self._ops, self._layers = ops, len(parameters.tensors) // 2

    def __call__(self, x: Tensor) -> Tensor:
        """Features (n, first width) to (n, last width)."""
        tensors = self.parameters.tensors
        for layer in range(self._layers):
            x = self._ops.maximum(x, 0.0) if layer else x
            x = x @ tensors[f"{layer}.weight"].T + tensors[f"{layer}.bias"]
        return x


def first_weights(
    widths: Sequence[int], rng: np.random.Generator, *, silent: bool = False
) -> dict[str, npt.NDArray[np.float32]]:
    """He-normal weights (arXiv 1502.01852), biases 0; `silent`: the last layer's weights are 0 too."""
    arrays: dict[str, npt.NDArray[np.float32]] = {}
    for layer, (before, after) in enumerate(pairwise(widths)):
        last = layer == len(widths) - 2
        drawn = rng.standard_normal((after, before), np.float32) * np.float32((2 / before) ** 0.5)
        arrays[f"{layer}.weight"] = np.zeros_like(drawn) if silent and last else drawn
        arrays[f"{layer}.bias"] = np.zeros(after, np.float32)
    return arrays
