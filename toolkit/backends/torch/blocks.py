"""One elastic block per kind of plan: built for the widest plan of its position, run as any plan that fits in it.

A stand-alone network is made of the same blocks, built for its own plans. Parameter names are those of the official
checkpoint of the 2022 challenge.
"""

import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from toolkit.backends.torch.layers import BatchNorm, Conv, Linear
from toolkit.backends.torch.norms import Norm
from toolkit.spaces import plans
from toolkit.spaces.plans import Plan


class Stem(nn.Module):
    """See `toolkit.spaces.plans.Stem`."""

    def __init__(self, widest: plans.Stem) -> None:
        super().__init__()
        self.conv = Conv(widest.in_channels, widest.channels, widest.kernel, widest.stride)
        self.bn = BatchNorm(widest.channels)

    def forward(self, x: Tensor, plan: plans.Stem, norm: Norm) -> Tensor:
        """Images (n, c, h, w) to activations."""
        x = F.relu_(norm(self.bn, self.conv(x, plan.channels)))
        return F.max_pool2d(x, 3, stride=2, padding=1) if plan.pool else x


class BasicBlock(nn.Module):
    """See `toolkit.spaces.plans.BasicBlock`."""

    def __init__(self, widest: plans.BasicBlock) -> None:
        super().__init__()
        self.conv1 = Conv(widest.in_channels, widest.mid_channels, 3, widest.stride)
        self.bn1 = BatchNorm(widest.mid_channels)
        self.conv2 = Conv(widest.mid_channels, widest.channels, 3, 1)
        self.bn2 = BatchNorm(widest.channels)
        if widest.project:
            projection = Conv(widest.in_channels, widest.channels, 1, widest.stride)
            self.downsample = nn.ModuleList([projection, BatchNorm(widest.channels)])

    def forward(self, x: Tensor, plan: plans.BasicBlock, norm: Norm) -> Tensor:
        """Activations (n, in_channels, h, w) to (n, channels, h / stride, w / stride)."""
        y = F.relu_(norm(self.bn1, self.conv1(x, plan.mid_channels)))
        y = norm(self.bn2, self.conv2(y, plan.channels))
        if plan.project:
            conv, bn = self.downsample
            x = norm(bn, conv(x, plan.channels))  # type: ignore[arg-type]
        return F.relu_(y.add_(x))


class Head(nn.Module):
    """See `toolkit.spaces.plans.Head`."""

    def __init__(self, widest: plans.Head) -> None:
        super().__init__()
        self.fc = Linear(widest.in_channels, widest.classes)

    def forward(self, x: Tensor, plan: plans.Head, norm: Norm) -> Tensor:  # noqa: ARG002
        """Activations (n, c, h, w) to logits (n, classes)."""
        return self.fc(x.mean((2, 3)))  # type: ignore[no-any-return]


def build(widest: Plan) -> nn.Module:
    """The elastic block for `widest`."""
    match widest:
        case plans.Stem():
            return Stem(widest)
        case plans.BasicBlock():
            return BasicBlock(widest)
        case plans.Head():
            return Head(widest)
