"""The sandwich rule with in-place distillation (Yu & Huang, ICCV 2019, arXiv 1903.05134; BigNAS, arXiv 2003.11142)."""

from typing import Annotated, ClassVar, Literal, cast

from pydantic import AfterValidator, Field
from typing_extensions import override

from toolkit.backends.base import Tensor
from toolkit.methods.base import Batch, Method, Options
from toolkit.methods.losses import alpha_divergence, soft_cross_entropy
from toolkit.spaces import Arch


def _not_zero(alpha: float) -> float:
    if alpha == 0:
        raise ValueError("the divergence has a pole at 0; write a small number instead, such as 0.01")
    return alpha


Alpha = Annotated[float, AfterValidator(_not_zero)]


class SandwichOptions(Options):
    """Options of the sandwich rule."""

    paths: int = Field(4, ge=2, description="networks per step: the largest, the smallest, the rest drawn")
    label_share: float = Field(0.0, ge=0.0, le=1.0, description="share of the labels in the loss of distilled paths")
    divergence: Literal["kl", "alpha"] = Field("kl", description="how far a path is from the largest")
    alphas: tuple[Alpha, Alpha] = Field((-1.0, 1.0), strict=False, description="of which the larger divergence counts")
    alpha_clip: float = Field(5.0, gt=0.0, description="largest weight (p/q)^alpha in the alpha-divergence")
    alpha_clip_kl: bool = Field(False, description="clip the weight at alpha = 1 too, which AlphaNet's code does not")


class Sandwich(Method):
    """Each step trains the largest network on the labels, and the smallest and some random ones on its predictions."""

    name = "sandwich"
    summary = "largest, smallest and random paths; the largest teaches the others (arXiv 1903.05134)"
    options_type: ClassVar[type[Options]] = SandwichOptions

    @override
    def step(self, batch: Batch) -> dict[str, Tensor]:
        """Gradients of all paths are summed, as in both papers."""
        net, options = batch.net, cast(SandwichOptions, self.options)
        logits = self.run(batch, self.space.largest)
        loss = net.ops.cross_entropy(logits, batch.labels, options.label_smoothing)
        net.ops.backward(loss)
        students = (self.space.smallest, *self.sample(batch, options.paths - 2))
        return {"loss": net.ops.detach(loss), "distillation_loss": self.distil(batch, students, net.ops.detach(logits))}

    def distil(self, batch: Batch, students: tuple[Arch, ...], target: Tensor) -> Tensor:
        """Accumulate the gradients of paths that learn from the logits `target`; returns their mean loss."""
        losses = []
        for arch in students:
            loss = self.student_loss(batch, self.run(batch, arch), target)
            batch.net.ops.backward(loss)
            losses.append(batch.net.ops.detach(loss))
        return sum(losses) / len(losses)

    def student_loss(self, batch: Batch, logits: Tensor, target: Tensor) -> Tensor:
        """label_share * CE(labels) + (1 - label_share) * divergence from softmax(target)."""
        net, options = batch.net, cast(SandwichOptions, self.options)
        if options.divergence == "alpha":
            loss = alpha_divergence(
                net.ops, logits, target, options.alphas, options.alpha_clip, clip_kl=options.alpha_clip_kl
            )
        else:
            loss = soft_cross_entropy(net.ops, logits, target)
        if options.label_share:
            loss = (1 - options.label_share) * loss + options.label_share * net.ops.cross_entropy(logits, batch.labels)
        return loss
