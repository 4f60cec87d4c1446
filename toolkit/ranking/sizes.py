"""How large many networks are at once: MACs, parameters, depth and width.

A block's plan follows from the decisions that shape it, and there are few different answers to these. So each distinct
block is looked at once, not once in every network; for 50,000 candidates that is several times faster than one by one.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from toolkit.ranking.concordance import FloatArray
from toolkit.ranking.priors import MACS
from toolkit.spaces import ABSENT, Arch, Cost, Plan, Plans, SearchSpace
from toolkit.spaces.base import matrix
from toolkit.spaces.cost import block_cost
from toolkit.spaces.primitives import Convolution
from toolkit.spaces.wiring import graph

_LARGEST = 2**62
"""What a number that stands for several answers may reach; then it is numbered anew."""

PARAMETERS, DEPTH, WIDTH = "parameters", "depth", "width"


def sizes(space: SearchSpace, archs: Sequence[Arch]) -> dict[str, FloatArray]:
    """By name, of the stand-alone networks, each of shape (archs,).

    MACs, parameters and depth (the number of blocks) as in `toolkit.ranking.priors`. The width is the mean over the
    blocks that are there of the channels of their convolutions, as a share of those in the largest network.
    """
    most = [_mean_channels(plan) for plan in space.plans(space.largest)]
    macs, params, depth, widths, wide = np.zeros((5, len(archs)))
    kinds: dict[Arch, Plans] = {}
    known: dict[int, tuple[Cost, float]] = {}
    answers = matrix(archs).reshape(len(archs), len(space.decisions))
    for position, largest in enumerate(most):
        shaping = [number for number, decision in enumerate(space.decisions) if position in decision.blocks]
        first, which = _distinct(answers[:, shaping])
        found = np.zeros((len(first), 5))
        for row, representative in enumerate(first):
            arch = archs[representative]
            if arch not in kinds:
                kinds[arch] = space.plans(arch)
            plan = kinds[arch][position]
            if plan is not None:
                # By identity, for that is quicker than to compare: spaces repeat a block as one object, and `kinds`
                # keeps all of them alive.
                if id(plan) not in known:
                    known[id(plan)] = (block_cost(plan), _mean_channels(plan))
                cost, channels = known[id(plan)]
                counts = bool(channels and largest)
                found[row] = cost.macs, cost.params, 1, channels / largest if counts else 0, counts
        for total, column in zip((macs, params, depth, widths, wide), found.T, strict=True):
            total += column[which]
    with np.errstate(invalid="ignore"):
        return {MACS: macs, PARAMETERS: params, DEPTH: depth, WIDTH: widths / wide}


def _distinct(answers: npt.NDArray[np.int16]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """A row of each kind, and for every row which kind it is."""
    codes, kinds = np.zeros(len(answers), dtype=np.int64), 1
    for column in answers.T:
        options = int(column.max(initial=ABSENT)) + 2
        if kinds * options > _LARGEST:
            found, codes = np.unique(codes, return_inverse=True)
            kinds = len(found)
        codes, kinds = codes * options + (column - ABSENT), kinds * options
    _, first, which = np.unique(codes, return_index=True, return_inverse=True)
    return first, which


def _mean_channels(plan: Plan | None) -> float:
    """Of a block's convolutions; 0 if it has none."""
    steps = graph(plan).steps if plan else ()
    channels = [step.op.channels for step in steps if isinstance(step.op, Convolution)]
    return sum(channels) / len(channels) if channels else 0.0
