"""Single path one-shot with uniform sampling (Guo et al., ECCV 2020, arXiv 1904.00420)."""

from typing import ClassVar

from pydantic import Field
from typing_extensions import override

from toolkit.backends.base import Tensor
from toolkit.methods.base import Batch, Method, Options


class SPOSOptions(Options):
    """Options of single path one-shot."""

    paths: int = Field(1, ge=1, description="paths per step, on the same images; their gradients are summed")


class SPOS(Method):
    """Random paths, each trained by cross-entropy.

    One path is the paper's method; several with `sampling.name = "fair"` are FairNAS (arXiv 1907.01845).
    """

    name = "spos"
    summary = "one random path per step, or several (single path one-shot, arXiv 1904.00420)"
    options_type: ClassVar[type[Options]] = SPOSOptions
    options: SPOSOptions

    @override
    def step(self, batch: Batch) -> dict[str, Tensor]:
        net = batch.net
        losses = []
        for arch in self.sample(batch, self.options.paths):
            loss = self.label_loss(batch, self.run(batch, arch))
            net.ops.backward(loss)
            losses.append(net.ops.detach(loss))
        return {"loss": sum(losses) / len(losses)}
