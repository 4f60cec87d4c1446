"""NASWOT: how differently an untrained network sees different images (Mellor et al., ICML 2021, arXiv 2006.04647)."""

import math

import numpy as np
import numpy.typing as npt
from pydantic import Field
from typing_extensions import override

from toolkit.backends.base import Backend, Tensor
from toolkit.backends.ops import Ops
from toolkit.priors.base import Drawn, ImageSource, Prior, draw_weights, generator
from toolkit.spaces import Arch, SearchSpace


class NaswotOptions(Drawn):
    """Options of NASWOT; the defaults are the paper's."""

    batch: int = Field(128, ge=2, description="images")


class Naswot(Prior):
    """Log-determinant of the kernel K_ij: how many ReLUs are on or off alike for images i and j.

    Each image has a binary code, one bit for each ReLU unit: is it on? K_ij = units - Hamming distance of the codes.
    Images that no unit tells apart make K singular: the score is minus infinity.
    """

    name = "naswot"
    summary = "NASWOT: log-determinant of how alike images switch ReLUs on (arXiv 2006.04647)"
    options_type = NaswotOptions
    options: NaswotOptions
    uses_images = True

    @override
    def score(self, backend: Backend, space: SearchSpace, arch: Arch, images: ImageSource) -> float:
        options = self.options
        plans = space.plans(arch)
        network = backend.network(space, plans, seed=0)
        fresh, scores = network.weights(), []
        for repeat in range(options.repeats):
            rng = generator(options, repeat)
            x, _ = images.batch(backend, space, options.batch, rng)
            network.load_weights(draw_weights(fresh, rng, gain=2.0))
            alike = Agreement(backend.ops, options.batch)
            with network.inference(), network.observe_relus(alike.see):
                network.run(plans, x, network.batch_norm())
            scores.append(log_determinant(alike.kernel))
        return math.fsum(scores) / len(scores)


class Agreement:
    """K of all ReLUs seen so far, shape (images, images)."""

    def __init__(self, ops: Ops, images: int) -> None:
        self._ops = ops
        self.kernel = np.zeros((images, images))

    def see(self, output: Tensor) -> None:
        """Add the units of one ReLU, whose outputs are (images, ...)."""
        bits = self._ops.sign(output).reshape((len(self.kernel), -1))
        both = self._ops.numpy(bits @ bits.T).astype(np.float64)  # whole numbers
        on = both.diagonal()
        # Alike are those on for both and those off for both; the latter: all, less those on for either.
        self.kernel += bits.shape[1] - on[:, None] - on + 2 * both


def log_determinant(kernel: npt.NDArray[np.float64]) -> float:
    """Of a positive semidefinite matrix; minus infinity if it is singular, as far as rounding can tell."""
    eigenvalues = np.linalg.eigvalsh(kernel)
    rounding = abs(eigenvalues[-1]) * len(kernel) * np.finfo(np.float64).eps
    return float(np.log(eigenvalues).sum()) if eigenvalues[0] > rounding else -math.inf
