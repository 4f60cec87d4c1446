"""Grad-norm: how strong the first gradient is (Abdelfattah et al., ICLR 2021, arXiv 2101.08134)."""

import math

from typing_extensions import override

from toolkit.backends.ops import Ops, Tensor
from toolkit.priors.gradients import GradientPrior


class GradNorm(GradientPrior):
    """Sum over all filters of the Euclidean norm of dL/dw, L the cross-entropy of one batch at fresh weights."""

    name = "grad_norm"
    summary = "grad-norm: sum of the gradient's norms over layers, on one batch (arXiv 2101.08134)"

    @override
    def measure(self, ops: Ops, weights: Tensor, gradient: Tensor) -> float:
        return math.sqrt(float(ops.sum(gradient * gradient)))
