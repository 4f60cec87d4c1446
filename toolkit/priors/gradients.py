"""What SNIP and grad-norm have in common: the gradient of the loss at fresh weights, on one batch."""

import math
from abc import abstractmethod

from pydantic import Field
from typing_extensions import override

from toolkit.backends.base import Backend, Tensor
from toolkit.backends.ops import Ops
from toolkit.priors.base import Drawn, ImageSource, Prior, draw_weights, filters_and_gradients, generator
from toolkit.spaces import Arch, SearchSpace


class GradientOptions(Drawn):
    """Options of a score from one gradient; the defaults are those of arXiv 2101.08134."""

    batch: int = Field(64, ge=2, description="images")


class GradientPrior(Prior):
    """A sum over all filters of what `measure` makes of their weights and gradients.

    The loss is cross-entropy; batch norms take their statistics from the batch.
    """

    options_type = GradientOptions
    options: GradientOptions
    uses_images = True

    @abstractmethod
    def measure(self, ops: Ops, weights: Tensor, gradient: Tensor) -> float:
        """One filter's part of the score."""

    @override
    def score(self, backend: Backend, space: SearchSpace, arch: Arch, images: ImageSource) -> float:
        options = self.options
        plans = space.plans(arch)
        network = backend.network(space, plans, seed=0)
        fresh, scores = network.weights(), []
        for repeat in range(options.repeats):
            rng = generator(options, repeat)
            x, labels = images.batch(backend, space, options.batch, rng)
            weights = draw_weights(fresh, rng, gain=2.0)
            network.load_weights(weights)
            backend.ops.backward(backend.ops.cross_entropy(network.run(plans, x, network.batch_norm()), labels))
            scores += [self.measure(backend.ops, w, g) for w, g in filters_and_gradients(backend, network, weights)]
        return math.fsum(scores) / options.repeats
