"""One elastic block per kind of plan: built for the widest plan of its position, run as any plan that fits in it.

A stand-alone network is made of the same blocks, built for its own plans. Parameter names are those of the official
checkpoint of the 2022 challenge.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from toolkit.backends.torch.layers import BatchNorm, Conv, Linear
from toolkit.backends.torch.norms import Norm
from toolkit.spaces import plans
from toolkit.spaces.plans import Plan
from toolkit.spaces.sharing import alike


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

    def siblings(self, x: Tensor, plans: Sequence[plans.BasicBlock], norm: Norm) -> Iterator[Tensor]:
        """The block as each of `plans` (in `sharing_order`) on one input.

        Every convolution is computed at the widest that is needed, and sliced: leading output channels depend on nothing
        else, and batch norm works channel by channel.
        """
        hidden = F.relu_(norm(self.bn1, self.conv1(x, max(plan.mid_channels for plan in plans))))
        projected = x
        if any(plan.project for plan in plans):
            conv, bn = self.downsample
            projected = norm(bn, conv(x, max(plan.channels for plan in plans if plan.project)))  # type: ignore[arg-type]
        for (middle, project), group in groupby(plans, alike):
            widths = [plan.channels for plan in group]
            y = norm(self.bn2, self.conv2(_leading(hidden, middle), widths[-1]))
            y = F.relu_(y.add_(_leading(projected, widths[-1]) if project else x))
            for channels in widths:
                yield _leading(y, channels)


def _leading(x: Tensor, channels: int) -> Tensor:
    """The leading channels, dense: several layers will read them."""
    if channels == x.shape[1]:
        return x
    return x[:, :channels].contiguous(memory_format=torch.channels_last)


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
