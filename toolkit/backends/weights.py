"""What a candidate inherits from its supernet, as plain arrays."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from toolkit.backends.base import Network, Weights


def inherit(network: Network, supernet: Mapping[str, npt.NDArray[np.float32]]) -> Weights:
    """The supernet's weights cut to the size of `network`: always the leading channels.

    Args:
        network: a stand-alone network whose plans are those its supernet runs for it.
        supernet: the supernet's weights, by name.
    """
    return {name: supernet[name][tuple(map(slice, own.shape))] for name, own in network.weights().items()}
