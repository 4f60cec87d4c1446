"""Estimates that cost nothing: what every score has to beat before it has shown anything."""

from collections.abc import Sequence

import numpy as np

from toolkit.ranking.metrics import FloatArray
from toolkit.spaces import Arch, SearchSpace


def cost_priors(space: SearchSpace, archs: Sequence[Arch]) -> dict[str, FloatArray]:
    """MACs and parameters of the stand-alone networks, by name, each of shape (archs,)."""
    costs = [space.cost(arch) for arch in archs]
    return {
        "MACs": np.array([cost.macs for cost in costs], dtype=np.float64),
        "parameters": np.array([cost.params for cost in costs], dtype=np.float64),
    }
