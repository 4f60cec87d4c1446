"""MACs and parameters in closed form: a sum over plans, no network built."""

from dataclasses import dataclass
from itertools import pairwise

from toolkit.spaces.plans import Plan, Plans
from toolkit.spaces.primitives import Conv, DepthwiseConv, GroupedConv, Linear, Norm
from toolkit.spaces.wiring import Step, by_structure, graph


@dataclass(frozen=True, slots=True)
class Cost:
    """What one network costs for one image.

    `macs` counts multiply-accumulates of convolutions and linear layers (as `FlopCounterMode` does, halved); `params`
    counts trainable numbers: weights, biases, batch-norm scale and shift, not the running statistics.
    """

    macs: int
    params: int

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(self.macs + other.macs, self.params + other.params)


def step_cost(step: Step) -> Cost:
    """The cost of one primitive. The slope of a learned activation is not counted: candidates have none."""
    match step.op:
        case Conv(in_channels, channels, kernel, bias=bias):
            weights = in_channels * channels * kernel * kernel
            return Cost(weights * step.map.size**2, weights + channels * bias)
        case DepthwiseConv(channels, kernel) as op:
            matrices = sum(after**4 for _, after in pairwise(op.kernels))
            return Cost(channels * kernel**2 * step.map.size**2, channels * op.whole**2 + matrices)
        case GroupedConv(in_channels, channels, kernel, groups, bias=bias):
            weights = in_channels // groups * channels * kernel * kernel
            return Cost(weights * step.map.size**2, weights + channels * bias)
        case Norm(channels):
            return Cost(0, 2 * channels)
        case Linear(in_features, features):
            return Cost(in_features * features, in_features * features + features)
    return Cost(0, 0)


@by_structure
def block_cost(plan: Plan) -> Cost:
    """The cost of one block. Cached: tens of thousands of candidates share a few hundred distinct plans."""
    costs = map(block_cost, plan.parts) if plan.parts else map(step_cost, graph(plan).steps)
    return sum(costs, Cost(0, 0))


def network_cost(plans: Plans) -> Cost:
    """The cost of a whole network: the sum over the blocks that are present."""
    macs = params = 0
    for plan in plans:
        if plan is not None:
            cost = block_cost(plan)
            macs += cost.macs
            params += cost.params
    return Cost(macs, params)
