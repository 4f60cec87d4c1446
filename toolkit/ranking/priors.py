"""Estimates that cost nothing: what every score has to beat before it has shown anything."""

from collections.abc import Sequence

import numpy as np

from toolkit.ranking.concordance import FloatArray
from toolkit.spaces import Arch, SearchSpace
from toolkit.spaces.cost import network_cost

MACS = "MACs"
"""The prior that partial correlations are given."""


def cost_priors(space: SearchSpace, archs: Sequence[Arch]) -> dict[str, FloatArray]:
    """MACs, parameters and depth of the stand-alone networks, by name, each of shape (archs,).

    Depth is the number of blocks; it is left out where all networks have the same.
    """
    networks = [space.plans(arch) for arch in archs]
    costs = [network_cost(plans) for plans in networks]
    depths = [sum(plan is not None for plan in plans) for plans in networks]
    priors = {
        MACS: [cost.macs for cost in costs],
        "parameters": [cost.params for cost in costs],
        "depth": depths,
    }
    if len(set(depths)) < 2:
        del priors["depth"]
    return {name: np.array(values, dtype=np.float64) for name, values in priors.items()}
