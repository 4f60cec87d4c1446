"""SynFlow: how much flows through a network of absolute weights (arXiv 2006.05467; as a score: arXiv 2101.08134)."""

import math

import numpy as np
from typing_extensions import override

from toolkit.backends.base import Backend
from toolkit.priors.base import Drawn, ImageSource, Prior, draw_weights, filters_and_gradients, generator
from toolkit.spaces import Arch, SearchSpace


class SynFlow(Prior):
    """Log of the sum over all filter weights of w dR/dw, where R is the sum of the logits of an image of ones.

    All weights are replaced by their absolute values, and there are no batch norms. The logarithm keeps the order, and
    the numbers in range: in deep networks the sum itself reaches 1e90. Without shortcuts every layer's part of the sum
    is R, and R is a product over the layers.
    """

    name = "synflow"
    summary = "SynFlow: log of the flow through absolute weights, no data (arXiv 2006.05467, 2101.08134)"
    options_type = Drawn
    options: Drawn
    precision = "fp64"

    @override
    def score(self, backend: Backend, space: SearchSpace, arch: Arch, images: ImageSource) -> float:
        options = self.options
        plans = space.plans(arch)
        network = backend.network(space, plans, seed=0)
        ones = backend.place(np.ones((1, space.channels, space.size, space.size)))
        fresh, scores = network.weights(), []
        for repeat in range(options.repeats):
            drawn = draw_weights(fresh, generator(options, repeat), gain=2.0)
            weights = {name: np.abs(array) for name, array in drawn.items()}
            network.load_weights(weights)
            backend.ops.backward(backend.ops.sum(network.run(plans, ones, network.no_norm())))
            precise = {name: array.astype(np.float64) for name, array in weights.items()}
            flow = sum(float(backend.ops.sum(w * g)) for w, g in filters_and_gradients(backend, network, precise))
            scores.append(math.log(flow) if flow > 0 else -math.inf)
        return math.fsum(scores) / len(scores)
