"""DARTS (Liu et al., arXiv 1806.09055): operations weighed by a softmax that learns on held-out images.

By its released code (quark0/darts): Adam on the logits, one step before each of the weights; batch norms of the mixture
neither scale nor shift. Second order is the paper's equations 7 and 8.
"""

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field
from typing_extensions import override

from toolkit.backends.base import Adam, Tensor
from toolkit.methods.base import Batch, Options
from toolkit.methods.lab import Lab
from toolkit.methods.mixture import Floats, MixtureMethod, MixtureOptions

_SPREAD = 1e-3
_CLOSED = -1e9
"""Added to a logit, it leaves next to nothing of a weight."""

_NEAR = 0.01
"""How far weights are moved in a finite difference, together: the paper's footnote 2."""


class DARTSOptions(MixtureOptions):
    """Options of DARTS."""

    order: Literal["first", "second"] = Field(
        "first", description="whether the logits' gradient looks through a step of the weights"
    )
    virtual_lr: float | None = Field(
        None, gt=0, description="of that step, in second order; by default the learning rate of the time"
    )
    lr: float = Field(3e-4, gt=0, description="of Adam on the logits")
    beta1: float = Field(0.5, ge=0, lt=1, description="of Adam: memory of gradients")
    beta2: float = Field(0.999, ge=0, lt=1, description="of Adam: memory of their squares")
    weight_decay: float = Field(1e-3, ge=0, description="of the logits")


class DARTS(MixtureMethod):
    """Every operation on every edge, weighed by the softmax of logits."""

    name = "darts"
    summary = "all operations at once, weighed by a softmax that learns on held-out images (DARTS, arXiv 1806.09055)"
    options_type: ClassVar[type[Options]] = DARTSOptions
    options: DARTSOptions

    @override
    def begin(self, lab: Lab) -> None:
        super().begin(lab)
        given = self.options
        adam = Adam(beta1=given.beta1, beta2=given.beta2, weight_decay=given.weight_decay)
        self._adam = lab.optimizer("adam", adam, ("architecture",))
        if given.order == "second":
            self._moved = lab.scratch()
            if not given.affine:
                self._freeze(self._moved)

    @override
    def first(self, rng: np.random.Generator) -> Floats:
        """Logits, all nearly alike."""
        return (_SPREAD * rng.standard_normal(self.space.something.shape)).astype(np.float32)

    @override
    def weights(self) -> Tensor:
        """The softmax over the options of each edge; exactly 0 where an edge has fewer than others."""
        ops, tensor, offered = self._net.ops, self.tensor, self.space.offered
        if offered.all():
            return ops.softmax(tensor)
        there = ops.place(offered.astype(ops.numpy(tensor).dtype))
        return ops.softmax(tensor + _CLOSED * (1 - there)) * there  # not every framework's softmax goes down to 0

    @override
    def learn(self, batch: Batch) -> dict[str, Tensor]:
        ops = self._net.ops
        if self.options.order == "second":
            loss = self.look_ahead(batch, self.options.virtual_lr or batch.lr)
        else:
            loss = self.held_out_loss(batch, self._net)
            ops.backward(loss)
            self._net.gradients()  # weights do not learn from these images
        self._adam.step(self.options.lr)
        with ops.constant():
            weights = self.weights()
            entropy = -ops.mean(ops.sum(weights * ops.log(ops.maximum(weights, 1e-30)), 1))
        return {"held_out_loss": ops.detach(loss), "mixture_entropy": entropy}

    def look_ahead(self, batch: Batch, lr: float) -> Tensor:
        """Add the gradient of the held-out loss after a step of the weights, w' = w - lr grad L(w); returns that loss.

        Its second derivative is the difference of two gradients on the training images, at w + eps v and w - eps v,
        over 2 eps, where v is the gradient of the held-out loss in w' and eps = 0.01 / |v|. As in the paper, and unlike
        the released code, the step has neither momentum nor weight decay. Each process takes it on its own images.
        """
        ops, moved = self._net.ops, self._moved
        moved.follow(self._net, 0.0)
        ops.backward(self.loss_on(moved, batch.images, batch.labels))
        self.parameters.gradients()
        moved.move(moved.gradients(), -lr)
        loss = self.held_out_loss(batch, moved)
        ops.backward(loss)
        direct = self.parameters.gradients()["weights"]
        ahead = moved.gradients()
        length = float(sum(ops.sum(each * each) for each in ahead.values())) ** 0.5
        if length > 0:
            near = _NEAR / length
            moved.follow(self._net, 0.0)
            moved.move(ahead, near)
            above = self._gradient(batch)
            moved.move(ahead, -2 * near)
            below = self._gradient(batch)
            direct = direct - lr * (above - below) / (2 * near)
        ops.backward(ops.sum(self.tensor * ops.detach(direct)))
        return loss

    def _gradient(self, batch: Batch) -> Tensor:
        """Of the training loss where the weights were moved to, in the logits."""
        ops, moved = self._net.ops, self._moved
        ops.backward(self.loss_on(moved, batch.images, batch.labels))
        moved.gradients()
        return self.parameters.gradients()["weights"]
