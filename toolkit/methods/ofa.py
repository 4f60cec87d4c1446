"""A phase of once-for-all's progressive shrinking (Cai et al., ICLR 2020, arXiv 1908.09791), by its released code.

Phases are steps of a recipe: which options are open in one says its sampler (`within`). The teacher is the supernet as
it was when the first phase with a teacher began; later ones go on with it (`initial.owned`).
"""

from typing import ClassVar

from pydantic import Field
from typing_extensions import override

from toolkit.backends.base import Network, Tensor
from toolkit.methods.base import Batch, Method, Options
from toolkit.methods.lab import Lab
from toolkit.methods.losses import soft_cross_entropy
from toolkit.spaces import Arch


class OFAOptions(Options):
    """Options of once-for-all."""

    paths: int = Field(1, ge=1, description="drawn paths per step, on the same images; their gradients are summed")
    distil: float = Field(
        1.0,
        ge=0.0,
        description="weight of the cross-entropy against the teacher, added to that on labels; 0: no teacher",
    )


class OFA(Method):
    """Drawn paths learn from the labels and from the largest network as it was trained before.

    All paths of a step, and the teacher, see the images at the one resolution that the first path drew, if the space
    has resolutions. The teacher normalises by the batch; nothing of it changes.
    """

    name = "ofa"
    summary = "drawn paths learn from labels and the largest network trained before (once-for-all, arXiv 1908.09791)"
    options_type: ClassVar[type[Options]] = OFAOptions
    options: OFAOptions
    _teacher: Network | None = None

    @override
    def begin(self, lab: Lab) -> None:
        if self.options.distil:
            self._teacher = lab.network("teacher")

    @override
    def step(self, batch: Batch) -> dict[str, Tensor]:
        """Gradients of all paths are summed, as theirs are."""
        net, options = batch.net, self.options
        archs = self.sample(batch, options.paths)
        target = self._taught(batch, archs[0])
        labels, taught = [], []
        for arch in archs:
            logits = self.run(batch, self._seeing(arch, archs[0]))
            loss = self.label_loss(batch, logits)
            labels.append(net.ops.detach(loss))
            if target is not None:
                distance = soft_cross_entropy(net.ops, logits, target)
                taught.append(net.ops.detach(distance))
                loss = loss + options.distil * distance
            net.ops.backward(loss)
        values = {"loss": sum(labels) / len(labels)}
        return values | {"distillation_loss": sum(taught) / len(taught)} if taught else values

    def _taught(self, batch: Batch, like: Arch) -> Tensor | None:
        """The teacher's logits."""
        teacher = self._teacher
        if teacher is None:
            return None
        with batch.net.ops.constant():
            plans = self.space.supernet_plans(self._seeing(self.space.largest, like))
            return teacher.run(plans, batch.images, teacher.batch_norm())

    def _seeing(self, arch: Arch, like: Arch) -> Arch:
        """`arch`, with the answers of another on what becomes of the images."""
        shared = self.space.image_decisions
        return tuple(like[place] if place in shared else answer for place, answer in enumerate(arch))
