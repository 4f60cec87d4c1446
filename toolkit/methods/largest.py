"""The largest network alone: what progressive training begins with."""

from toolkit.backends.base import Tensor
from toolkit.methods.base import Batch, Method


class Largest(Method):
    """The largest path by cross-entropy and no other; through the trunk, where groups of widths have their own."""

    name = "largest"
    summary = "the largest network alone, to begin with (step 1 of progressive training, arXiv 2108.05866)"
    draws = False

    def step(self, batch: Batch) -> dict[str, Tensor]:
        """See `Method.step`."""
        net = batch.net
        logits = self.run(batch, self.space.largest, self.space.trunk_plans(self.space.largest))
        loss = self.label_loss(batch, logits)
        net.ops.backward(loss)
        return {"loss": net.ops.detach(loss)}
