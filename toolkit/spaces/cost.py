"""MACs and parameters in closed form: a sum over plans, no network built."""

from dataclasses import dataclass
from functools import cache
from typing import assert_never

from toolkit.spaces.plans import Conv, DepthwiseConv, Linear, Norm, Plan, Plans


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


@cache
def block_cost(plan: Plan) -> Cost:
    """The cost of one block. Cached: tens of thousands of candidates share a few hundred distinct plans."""
    macs = params = 0
    for layer in plan.layers():
        match layer:
            case Conv(in_channels, channels, kernel, size):
                weights = in_channels * channels * kernel * kernel
                macs += weights * size * size
                params += weights
            case DepthwiseConv(channels, kernel, size):
                weights = channels * kernel * kernel
                macs += weights * size * size
                params += weights
            case Norm(channels):
                params += 2 * channels
            case Linear(in_features, features):
                macs += in_features * features
                params += in_features * features + features
            case _:
                assert_never(layer)
    return Cost(macs, params)


def network_cost(plans: Plans) -> Cost:
    """The cost of a whole network: the sum over the blocks that are present."""
    macs = params = 0
    for plan in plans:
        if plan is not None:
            cost = block_cost(plan)
            macs += cost.macs
            params += cost.params
    return Cost(macs, params)
