"""Strongest channels first, so that a narrow path inherits the ones that matter."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from toolkit.backends.base import Weights


def reorder_channels(weights: Mapping[str, npt.NDArray[np.float32]]) -> Weights:
    """Sort the middle channels of every basic block by importance, descending.

    A middle channel's importance is the L1 norm of the conv2 weights that read it (the official kit's rule). Outputs of
    conv1, its batch norm and inputs of conv2 move together, so the largest network computes what it did before; the
    residual stream keeps its order.
    """
    result = dict(weights)
    for name, conv2 in weights.items():
        if not name.endswith(".conv2.weight"):
            continue
        block = name.removesuffix(".conv2.weight")
        order = np.argsort(-np.abs(conv2).sum((0, 2, 3)), kind="stable")
        result[name] = conv2[:, order]
        for other in weights:
            if other.startswith((f"{block}.conv1.", f"{block}.bn1.")):
                result[other] = weights[other][order]
    return result
