"""How large many networks are at once: MACs, parameters, depth and width."""

from collections.abc import Sequence

import numpy as np

from toolkit.ranking.concordance import FloatArray
from toolkit.ranking.priors import MACS
from toolkit.spaces import Arch, Plan, SearchSpace
from toolkit.spaces.cost import block_cost
from toolkit.spaces.distinct import distinct_blocks
from toolkit.spaces.primitives import Convolution
from toolkit.spaces.wiring import graph

PARAMETERS, DEPTH, WIDTH = "parameters", "depth", "width"


def sizes(space: SearchSpace, archs: Sequence[Arch]) -> dict[str, FloatArray]:
    """By name, of the stand-alone networks, each of shape (archs,).

    MACs, parameters and depth (the number of blocks) as in `toolkit.ranking.priors`. The width is the mean over the
    blocks that are there of the channels of their convolutions, as a share of those in the largest network.
    """
    most = [_mean_channels(plan) for plan in space.plans(space.largest)]
    macs, params, depth, widths, wide = np.zeros((5, len(archs)))
    for largest, (plans, which) in zip(most, distinct_blocks(space, archs), strict=True):
        found = np.zeros((len(plans), 5))
        for row, plan in enumerate(plans):
            if plan is not None:
                cost, channels = block_cost(plan), _mean_channels(plan)
                counts = bool(channels and largest)
                found[row] = cost.macs, cost.params, 1, channels / largest if counts else 0, counts
        for total, column in zip((macs, params, depth, widths, wide), found.T, strict=True):
            total += column[which]
    with np.errstate(invalid="ignore"):
        return {MACS: macs, PARAMETERS: params, DEPTH: depth, WIDTH: widths / wide}


def _mean_channels(plan: Plan | None) -> float:
    """Of a block's convolutions; 0 if it has none."""
    steps = graph(plan).steps if plan else ()
    channels = [step.op.channels for step in steps if isinstance(step.op, Convolution)]
    return sum(channels) / len(channels) if channels else 0.0
