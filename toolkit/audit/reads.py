"""Which tensors of a supernet a path reads, and what comes out of it."""

import numpy as np
import numpy.typing as npt

from toolkit.backends.base import Backend, Network, Tensor
from toolkit.backends.shapes import is_statistic
from toolkit.spaces import Plans, SearchSpace
from toolkit.spaces.mixtures import tables

Logits = npt.NDArray[np.floating]


class Reads:
    """Names the tensors that plans read, weights and running statistics.

    It asks the backend itself: a scratch network's gradients exist for exactly the parameters that were used.

    Args:
        images: normalised, shape (n, channels, height, width), n at least 2; a few will do.
    """

    def __init__(self, backend: Backend, space: SearchSpace, images: Tensor) -> None:
        self._network, self._images = backend.network(space, space.widest, 0), images
        self._statistics = [name for name in self._network.weights() if is_statistic(name)]
        self._known: dict[Plans, frozenset[str]] = {}

    def __call__(self, plans: Plans) -> frozenset[str]:
        """Their names."""
        if plans not in self._known:
            net = self._network
            weights = {place: net.ops.place(np.ones(shape, np.float32)) for place, shape in tables(plans).items()}
            logits = net.run(plans, self._images, net.batch_norm(), precise=True, weights=weights)
            net.ops.backward(net.ops.sum(logits))
            used = {*net.gradients()}
            used |= {name for name in self._statistics if f"{name.rpartition('.')[0]}.weight" in used}
            self._known[plans] = frozenset(used)
        return self._known[plans]


def both_logits(network: Network, plans: Plans, images: Tensor) -> tuple[Logits, Logits]:
    """Logits (n, classes) in the weights' own precision: by the batch's statistics, and by the running ones."""
    with network.ops.constant():
        by_batch, stored = (
            network.ops.numpy(network.run(plans, images, norm, precise=True))
            for norm in (network.batch_norm(), network.stored_norm())
        )
    return by_batch, stored
