"""Which tensors of a supernet a path reads, and what comes out of it."""

import numpy as np
import numpy.typing as npt

from toolkit.backends.base import Backend, Network, Norm, Tensor
from toolkit.backends.shapes import is_statistic
from toolkit.spaces import Plans, SearchSpace

Logits = npt.NDArray[np.floating]


class Reads:
    """Names the tensors that plans read, weights and running statistics.

    It asks the backend itself: a scratch network's gradients exist for exactly the parameters that were used.

    Args:
        images: normalised, shape (n, channels, height, width), n at least 2; a few will do.
    """

    def __init__(self, backend: Backend, space: SearchSpace, images: Tensor) -> None:
        self._network, self._images = backend.supernet(space, seed=0), images
        self._labels = backend.place(np.zeros(len(images), np.int64))
        self._statistics = [name for name in self._network.weights() if is_statistic(name)]
        self._known: dict[Plans, frozenset[str]] = {}

    def __call__(self, plans: Plans) -> frozenset[str]:
        """Their names."""
        if plans not in self._known:
            net = self._network
            logits = run_plans(net, plans, self._images, net.batch_norm())
            net.backward(net.cross_entropy(logits, self._labels))
            used = {*net.gradients()}
            used |= {name for name in self._statistics if f"{name.rpartition('.')[0]}.weight" in used}
            self._known[plans] = frozenset(used)
        return self._known[plans]


def run_plans(network: Network, plans: Plans, images: Tensor, norm: Norm) -> Tensor:
    """Normalised images through these blocks, whatever the architecture; no running statistics move."""
    state = images
    for index, plan in enumerate(plans):
        if plan is not None:
            state = network.run_block(index, plan, state, norm)
    return state


def both_logits(network: Network, plans: Plans, images: Tensor) -> tuple[Logits, Logits]:
    """Logits (n, classes) in the weights' own precision: by the batch's statistics, and by the running ones."""
    with network.constant():
        by_batch, stored = (
            np.asarray(run_plans(network, plans, images, norm).cpu())
            for norm in (network.batch_norm(), network.stored_norm())
        )
    return by_batch, stored
