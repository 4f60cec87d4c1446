"""Single path one-shot with uniform sampling (Guo et al., ECCV 2020, arXiv 1904.00420)."""

import numpy as np

from toolkit.backends.base import Network, Tensor
from toolkit.methods.base import Method


class SPOS(Method):
    """One uniformly drawn path per step, trained by cross-entropy."""

    name = "spos"
    summary = "one uniformly drawn path per step (single path one-shot, arXiv 1904.00420)"

    def step(self, net: Network, images: Tensor, labels: Tensor, rng: np.random.Generator) -> dict[str, Tensor]:
        """See `Method.step`."""
        (arch,) = self.sample(rng, 1)
        loss = net.cross_entropy(net.forward(arch, images), labels, self.options.label_smoothing)
        net.backward(loss)
        return {"loss": net.detach(loss)}
