"""The sandwich rule with in-place distillation (Yu & Huang, ICCV 2019, arXiv 1903.05134; BigNAS, arXiv 2003.11142)."""

from typing import cast

import numpy as np
from pydantic import Field

from toolkit.backends.base import Network, Tensor
from toolkit.methods.base import Method, Options


class SandwichOptions(Options):
    """Options of the sandwich rule."""

    paths: int = Field(4, ge=2, description="networks per step: the largest, the smallest, the rest drawn uniformly")


class Sandwich(Method):
    """Each step trains the largest network on the labels, and the smallest and some random ones on its predictions."""

    name = "sandwich"
    summary = "largest, smallest and random paths; the largest teaches the others (arXiv 1903.05134)"
    options_type = SandwichOptions

    def step(self, net: Network, images: Tensor, labels: Tensor, rng: np.random.Generator) -> dict[str, Tensor]:
        """See `Method.step`. Gradients of all paths are summed, as in both papers."""
        options = cast(SandwichOptions, self.options)
        logits = net.forward(self.space.largest, images)
        loss = net.cross_entropy(logits, labels, options.label_smoothing)
        net.backward(loss)
        target = net.detach(logits)
        distilled = []
        for arch in (self.space.smallest, *self.sample(rng, options.paths - 2)):
            student = net.soft_cross_entropy(net.forward(arch, images), target)
            net.backward(student)
            distilled.append(net.detach(student))
        return {"loss": net.detach(loss), "distillation_loss": sum(distilled) / len(distilled)}
