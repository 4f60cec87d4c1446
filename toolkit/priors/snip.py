"""SNIP: how much the loss depends on each weight (Lee et al., ICLR 2019, arXiv 1810.02340; as a score: 2101.08134)."""

from typing_extensions import override

from toolkit.backends.ops import Ops, Tensor
from toolkit.priors.gradients import GradientPrior


class Snip(GradientPrior):
    """Sum over all filter weights of |w dL/dw|, L the cross-entropy of one batch at fresh weights."""

    name = "snip"
    summary = "SNIP: sum of |weight x gradient| on one batch (arXiv 1810.02340, 2101.08134)"

    @override
    def measure(self, ops: Ops, weights: Tensor, gradient: Tensor) -> float:
        return float(ops.sum(abs(weights * gradient)))
