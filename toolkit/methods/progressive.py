"""Steps 2 to 4 of progressive training (arXiv 2108.05866): paths learn from the trunk, and again if the update hurt.

In step 2 there is only the trunk. After that, groups of widths have weights of their own (`spaces/grouping.py`), on
which the paths run, while the teacher stays the largest path through the trunk.
"""

from typing import ClassVar, Literal

from pydantic import Field
from typing_extensions import override

from toolkit.backends.base import Norm, Tensor
from toolkit.errors import InputError
from toolkit.methods.base import Batch, Needs, Options
from toolkit.methods.losses import soft_cross_entropy
from toolkit.methods.sandwich import Sandwich, SandwichOptions
from toolkit.spaces import Arch, Plans, SearchSpace


class ProgressiveOptions(SandwichOptions):
    """Options of progressive training. Defaults are those of its second step."""

    paths: int = Field(8, ge=1, description="drawn paths per step, beside the teacher")
    label_share: float = Field(0.2, ge=0.0, le=1.0, description="share of the labels in the loss of drawn paths")
    teacher: Literal["trained", "frozen"] = Field(
        "trained", description="frozen: neither its weights nor its statistics change"
    )
    look: int = Field(5, ge=0, description="paths measured before and after the update; those that got worse recover")


class Progressive(Sandwich):
    """The largest path through the trunk teaches random paths.

    Look and recover: before the update, it is measured how far `look` random paths are from the teacher; after it,
    those that are now farther learn from the teacher once more, on the same images, in a second update. `recovered`
    counts them, a direct measure of interference.
    """

    name = "progressive"
    summary = "the trunk's largest path teaches random ones; those an update hurt recover (arXiv 2108.05866)"
    options_type: ClassVar[type[Options]] = ProgressiveOptions
    options: ProgressiveOptions

    def __init__(self, space: SearchSpace, options: Options) -> None:
        super().__init__(space, options)
        self._frozen = self.options.teacher == "frozen"
        if self._frozen and space.trunk_plans(space.largest) == space.supernet_plans(space.largest):
            raise InputError(
                "method.teacher: frozen, but paths train its weights, for no widths have weights of their own; set "
                "supernet.groups, or let the teacher be trained"
            )
        if self._frozen and any(plan is not None and plan.hyper for plan in space.widest):
            raise InputError(
                "method.teacher: frozen, but the HyperNet that paths train bends its weights too; leave supernet.weak "
                "out, or let the teacher be trained"
            )
        self._target: Tensor = None
        self._looked: list[tuple[Arch, float]] = []

    @override
    def needs(self) -> Needs:
        """Whole batches, if it looks: it compares losses on them before and after the update."""
        return Needs(whole=self.options.look > 0)

    @override
    def step(self, batch: Batch) -> dict[str, Tensor]:
        """Gradients of all paths are summed."""
        options = self.options
        values = self._teach(batch)
        looked = [self.space.sample(batch.rng) for _ in range(options.look)]
        self._looked = [(arch, self._measure(batch, arch)) for arch in looked]
        values["distillation_loss"] = self.distil(batch, tuple(self.sample(batch, options.paths)), self._target)
        if looked:
            values["recovered"] = 0  # unless `after` finds some
        return values

    @override
    def after(self, batch: Batch) -> dict[str, Tensor] | None:
        worse = [arch for arch, before in self._looked if self._measure(batch, arch) > before]
        for arch in worse:
            batch.net.ops.backward(self._apart(batch, arch))
        return {"recovered": len(worse)} if worse else None

    @override
    def frozen(self) -> Plans | None:
        """The teacher's plans, if it is frozen."""
        return self.space.trunk_plans(self.space.largest) if self._frozen else None

    def _teach(self, batch: Batch) -> dict[str, Tensor]:
        """Keep the teacher's logits for the students; a trained one learns from the labels."""
        net, largest = batch.net, self.space.largest
        trunk = self.space.trunk_plans(largest)
        if self._frozen:
            with net.ops.constant():
                self._target = self.run(batch, largest, trunk, net.batch_norm())
                return {"loss": self.label_loss(batch, self._target)}
        logits = self.run(batch, largest, trunk)
        loss = self.label_loss(batch, logits)
        net.ops.backward(loss)
        self._target = net.ops.detach(logits)
        return {"loss": net.ops.detach(loss)}

    def _measure(self, batch: Batch, arch: Arch) -> float:
        """How far a path is from the teacher, over all processes."""
        net = batch.net
        with net.ops.constant():
            return net.ops.average(self._apart(batch, arch, norm=net.batch_norm()))

    def _apart(self, batch: Batch, arch: Arch, norm: Norm | None = None) -> Tensor:
        return soft_cross_entropy(batch.net.ops, self.run(batch, arch, norm=norm), self._target)
