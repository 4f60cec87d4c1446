"""Single path one-shot with uniform sampling (Guo et al., ECCV 2020, arXiv 1904.00420)."""

from typing import ClassVar, cast

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

    @override
    def step(self, batch: Batch) -> dict[str, Tensor]:
        net, options = batch.net, cast(SPOSOptions, self.options)
        losses = []
        for arch in self.sample(batch, options.paths):
            loss = net.ops.cross_entropy(self.run(batch, arch), batch.labels, options.label_smoothing)
            net.ops.backward(loss)
            losses.append(net.ops.detach(loss))
        return {"loss": sum(losses) / len(losses)}
