"""The logits of one candidate as evaluation computes them, for comparing what should compute the same."""

import numpy as np
import numpy.typing as npt

from toolkit.backends.base import Network, Norm, Tensor
from toolkit.spaces import Plans

Logits = npt.NDArray[np.float32]


def run_plans(network: Network, plans: Plans, images: Tensor, norm: Norm) -> Logits:
    """Normalised images (n, c, h, w) on a CPU to logits (n, classes)."""
    with network.inference():
        return network.ops.numpy(network.run(plans, images, norm)).astype(np.float32, copy=False)


def largest_difference(one: Logits, other: Logits) -> float:
    """The largest difference of two arrays of logits, as a share of their largest magnitude, if that is above 1.

    NaN counts as an infinite difference.
    """
    scale = max(1.0, float(np.abs(one).max()), float(np.abs(other).max()))
    share = float(np.abs(one - other).max()) / scale
    return share if np.isfinite(share) else float("inf")
