"""Supervised Pi-NAS (ours): disjoint paths learn labels, and each what the other's mean teacher predicts."""

from typing import ClassVar

from pydantic import Field
from typing_extensions import override

from toolkit.backends.base import Tensor
from toolkit.methods.base import Batch, Method, Options
from toolkit.methods.lab import Lab
from toolkit.methods.losses import soft_cross_entropy
from toolkit.methods.teacher import TeacherOptions, pair_of_paths


class PiNASSupervisedOptions(TeacherOptions):
    """Options of supervised Pi-NAS."""

    weight: float = Field(1.0, ge=0, description="of what paths learn from each other's teacher, after the ramp")
    ramp: float = Field(0.1, ge=0, le=1, description="share of the training in which that weight rises from 0")


class PiNASSupervised(Method):
    """Cross-entropy of two disjoint paths, and of each against the teacher's prediction by the other.

    A reconstruction of ours: the paper trains without labels.
    """

    name = "pinas-supervised"
    summary = "labels, and what disjoint paths' mean teachers predict (ours, after Pi-NAS, arXiv 2108.09671)"
    options_type: ClassVar[type[Options]] = PiNASSupervisedOptions
    options: PiNASSupervisedOptions

    @override
    def begin(self, lab: Lab) -> None:
        self._teacher = lab.network("teacher")

    @override
    def step(self, batch: Batch) -> dict[str, Tensor]:
        """Loss: CE(P0) + CE(P1) + weight (KL(teacher by P1, P0) + KL(teacher by P0, P1)), weights path-wise averaged.

        Cross-entropies stand for the divergences, which differ by constants only.
        """
        net, ops, options = batch.net, batch.net.ops, self.options
        paths = pair_of_paths(self, batch)
        logits, targets = [], []
        for path in paths:
            plans = self.space.in_training(self.space.supernet_plans(path), batch.progress)
            logits.append(self.run(batch, path))
            self._teacher.follow(net, options.momentum, plans)
            with ops.constant():
                targets.append(ops.detach(self._teacher.run(plans, batch.images)))
        weight = options.weight * (min(batch.progress / options.ramp, 1.0) if options.ramp else 1.0)
        labels = self.label_loss(batch, logits[0]) + self.label_loss(batch, logits[1])
        crossed = soft_cross_entropy(ops, logits[0], targets[1]) + soft_cross_entropy(ops, logits[1], targets[0])
        ops.backward(labels + weight * crossed)
        return {
            "loss": ops.detach(labels / 2),
            "distillation_loss": ops.detach(crossed / 2),
            "teacher_gap": net.gap(self._teacher),
        }
