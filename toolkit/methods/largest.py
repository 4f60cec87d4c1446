"""The largest network alone: what progressive training begins with."""

from typing_extensions import override

from toolkit.backends.base import Tensor
from toolkit.methods.base import Batch, Method


class Largest(Method):
    """Trains the largest path alone, by cross-entropy; through the trunk where groups of widths have weights."""

    name = "largest"
    summary = "the largest network alone, to begin with (step 1 of progressive training, arXiv 2108.05866)"
    draws = False

    @override
    def step(self, batch: Batch) -> dict[str, Tensor]:
        net = batch.net
        logits = self.run(batch, self.space.largest, self.space.trunk_plans(self.space.largest))
        loss = net.ops.cross_entropy(logits, batch.labels, self.options.label_smoothing)
        net.ops.backward(loss)
        return {"loss": net.ops.detach(loss)}
