"""One elastic block per kind of plan: built for the widest plan of its position, run as any plan that fits in it.

A stand-alone network is made of the same blocks, built for its own plans. Parameter names are those of the official
checkpoint of the 2022 challenge.
"""

from collections.abc import Iterator, Sequence
from functools import reduce
from itertools import groupby

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn
from torch.nn import ReLU

from toolkit.backends.torch.layers import BatchNorm, Conv, DepthwiseConv, Linear, activation, grouped, serving
from toolkit.backends.torch.norms import Norm
from toolkit.spaces import plans
from toolkit.spaces.plans import Own, Plan
from toolkit.spaces.sharing import alike


class Stem(nn.Module):
    """See `toolkit.spaces.plans.Stem`."""

    def __init__(self, widest: plans.Stem) -> None:
        super().__init__()
        self.conv = _conv(widest.in_channels, widest.channels, widest.kernel, widest.stride, widest.own)
        self.bn = _norm(widest.channels, widest.own)
        self.relu = ReLU(inplace=True)

    def forward(self, x: Tensor, plan: plans.Stem, norm: Norm) -> Tensor:
        """Images (n, c, h, w) to activations."""
        x = self.relu(_normed(x, self.conv, self.bn, plan.channels, plan.own, norm))
        return F.max_pool2d(x, 3, stride=2, padding=1) if plan.pool else x


class BasicBlock(nn.Module):
    """See `toolkit.spaces.plans.BasicBlock`."""

    def __init__(self, widest: plans.BasicBlock) -> None:
        super().__init__()
        self.conv1 = _conv(widest.in_channels, widest.mid_channels, 3, widest.stride, widest.mid_own)
        self.bn1 = _norm(widest.mid_channels, widest.mid_own)
        self.conv2 = _conv(widest.mid_channels, widest.channels, 3, 1, widest.own)
        self.bn2 = _norm(widest.channels, widest.own)
        if widest.project:
            projection = _conv(widest.in_channels, widest.channels, 1, widest.stride, widest.own)
            self.downsample = nn.ModuleList([projection, _norm(widest.channels, widest.own)])
        self.inner = ReLU(inplace=True)
        self.outer = grouped(lambda _: activation(widest.activation), widest.channels, widest.own.activations)

    def forward(self, x: Tensor, plan: plans.BasicBlock, norm: Norm) -> Tensor:
        """Activations (n, in_channels, h, w) to (n, channels, h / stride, w / stride)."""
        y = self.inner(_normed(x, self.conv1, self.bn1, plan.mid_channels, plan.mid_own, norm))
        y = _normed(y, self.conv2, self.bn2, plan.channels, plan.own, norm)
        if plan.project:
            conv, bn = self.downsample
            x = _normed(x, conv, bn, plan.channels, plan.own, norm)  # type: ignore[arg-type]
        return serving(self.outer, plan.channels, plan.own.activations)(y.add_(x))  # type: ignore[no-any-return]

    def siblings(self, x: Tensor, plans: Sequence[plans.BasicBlock], norm: Norm) -> Iterator[Tensor]:
        """The block as each of `plans` (in `sharing_order`, no weights of their own) on one input.

        Every convolution is computed at the widest that is needed, and sliced: leading output channels depend on
        nothing else, and batch norm works channel by channel.
        """
        hidden = self.inner(norm(self.bn1, self.conv1(x, max(plan.mid_channels for plan in plans))))
        projected = x
        if any(plan.project for plan in plans):
            conv, bn = self.downsample
            projected = norm(bn, conv(x, max(plan.channels for plan in plans if plan.project)))  # type: ignore[arg-type]
        for (middle, project), group in groupby(plans, alike):
            widths = [plan.channels for plan in group]
            y = norm(self.bn2, self.conv2(_leading(hidden, middle), widths[-1]))
            y = self.outer(y.add_(_leading(projected, widths[-1]) if project else x))
            for channels in widths:
                yield _leading(y, channels)


def _leading(x: Tensor, channels: int) -> Tensor:
    """The leading channels, dense: several layers will read them."""
    if channels == x.shape[1]:
        return x
    return x[:, :channels].contiguous(memory_format=torch.channels_last)


class ConvNorm(nn.Module):
    """See `toolkit.spaces.plans.ConvNorm`."""

    def __init__(self, widest: plans.ConvNorm) -> None:
        super().__init__()
        self.conv = _conv(widest.in_channels, widest.channels, widest.kernel, widest.stride, widest.own)
        self.bn = _norm(widest.channels, widest.own)
        self.relu = ReLU(inplace=widest.relu == "after")  # before, in a cell, other edges read the same node

    def forward(self, x: Tensor, plan: plans.ConvNorm, norm: Norm) -> Tensor:
        """Activations (n, in_channels, h, w) to (n, channels, h / stride, w / stride)."""
        if plan.relu == "before":
            x = self.relu(x)
        x = _normed(x, self.conv, self.bn, plan.channels, plan.own, norm)
        return self.relu(x) if plan.relu == "after" else x


class NormReLU(nn.Module):
    """See `toolkit.spaces.plans.NormReLU`."""

    def __init__(self, widest: plans.NormReLU) -> None:
        super().__init__()
        self.bn = _norm(widest.channels, widest.own)
        self.relu = ReLU(inplace=True)

    def forward(self, x: Tensor, plan: plans.NormReLU, norm: Norm) -> Tensor:
        """Activations (n, channels, h, w) to the same shape."""
        return self.relu(norm(serving(self.bn, plan.channels, plan.own.norms), x))  # type: ignore[no-any-return]


class Identity(nn.Module):
    """See `toolkit.spaces.plans.Identity`."""

    def forward(self, x: Tensor, plan: plans.Identity, norm: Norm) -> Tensor:  # noqa: ARG002
        """Activations, the very same."""
        return x


class AvgPool(nn.Module):
    """See `toolkit.spaces.plans.AvgPool`."""

    def forward(self, x: Tensor, plan: plans.AvgPool, norm: Norm) -> Tensor:  # noqa: ARG002
        """Activations (n, c, h, w) to the same shape."""
        return F.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)


class Reduction(nn.Module):
    """See `toolkit.spaces.plans.Reduction`."""

    def __init__(self, widest: plans.Reduction) -> None:
        super().__init__()
        self.conv1 = _conv(widest.in_channels, widest.channels, 3, 2, widest.own)
        self.bn1 = _norm(widest.channels, widest.own)
        self.conv2 = _conv(widest.channels, widest.channels, 3, 1, widest.own)
        self.bn2 = _norm(widest.channels, widest.own)
        self.downsample = _conv(widest.in_channels, widest.channels, 1, 1, widest.own)
        self.relu1, self.relu2 = ReLU(), ReLU(inplace=True)

    def forward(self, x: Tensor, plan: plans.Reduction, norm: Norm) -> Tensor:
        """Activations (n, in_channels, h, w) to (n, channels, h / 2, w / 2)."""
        y = self.relu2(_normed(self.relu1(x), self.conv1, self.bn1, plan.channels, plan.own, norm))
        y = _normed(y, self.conv2, self.bn2, plan.channels, plan.own, norm)
        x = F.avg_pool2d(x, 2, stride=2, ceil_mode=True)
        downsample = serving(self.downsample, plan.channels, plan.own.convs)
        return y.add_(downsample(x, plan.channels))


class InvertedResidual(nn.Module):
    """See `toolkit.spaces.plans.InvertedResidual`."""

    def __init__(self, widest: plans.InvertedResidual) -> None:
        super().__init__()
        self.expand = Conv(widest.in_channels, widest.mid_channels, 1, 1)
        self.bn1 = BatchNorm(widest.mid_channels)
        self.depthwise = DepthwiseConv(widest.mid_channels, widest.kernel, widest.stride)
        self.bn2 = BatchNorm(widest.mid_channels)
        self.project = Conv(widest.mid_channels, widest.channels, 1, 1)
        self.bn3 = BatchNorm(widest.channels)
        self.relu1, self.relu2 = ReLU(inplace=True), ReLU(inplace=True)

    def forward(self, x: Tensor, plan: plans.InvertedResidual, norm: Norm) -> Tensor:
        """Activations (n, in_channels, h, w) to (n, channels, h / stride, w / stride)."""
        y = self.relu1(norm(self.bn1, self.expand(x, plan.mid_channels)))
        y = self.relu2(norm(self.bn2, self.depthwise(y, plan.mid_channels)))
        y = norm(self.bn3, self.project(y, plan.channels))
        return y.add_(x) if plan.shortcut else y


class Choice(nn.ModuleDict):
    """See `toolkit.spaces.plans.Choice`."""

    def __init__(self, widest: plans.Choice) -> None:
        super().__init__({name: build(plan) for name, plan in widest.branches})

    def forward(self, x: Tensor, plan: plans.Choice, norm: Norm) -> Tensor:
        """What the one branch of `plan` makes of x."""
        ((name, branch),) = plan.branches
        return self[name](x, branch, norm)  # type: ignore[no-any-return]


class Cell(nn.Module):
    """See `toolkit.spaces.plans.Cell`. The edge from node 0 to node 2 is called `0-2`."""

    def __init__(self, widest: plans.Cell) -> None:
        super().__init__()
        self.edges = nn.ModuleDict(
            {
                f"{source}-{node}": build(edge)
                for node, edges in enumerate(widest.nodes, start=1)
                for source, edge in enumerate(edges)
                if edge is not None
            }
        )

    def forward(self, x: Tensor, plan: plans.Cell, norm: Norm) -> Tensor:
        """Activations (n, c, h, w) to (n, channels, h, w)."""
        nodes = [x]
        for node, edges in enumerate(plan.nodes, start=1):
            brought = [
                self.edges[f"{source}-{node}"](nodes[source], edge, norm)
                for source, edge in enumerate(edges)
                if edge is not None
            ]
            nodes.append(reduce(torch.add, brought) if brought else x.new_zeros(len(x), plan.channels, *x.shape[2:]))
        return nodes[-1]


class Head(nn.Module):
    """See `toolkit.spaces.plans.Head`."""

    def __init__(self, widest: plans.Head) -> None:
        super().__init__()
        self.fc = grouped(lambda wide: Linear(wide, widest.classes), widest.in_channels, widest.own.convs)

    def forward(self, x: Tensor, plan: plans.Head, norm: Norm) -> Tensor:  # noqa: ARG002
        """Activations (n, c, h, w) to logits (n, classes)."""
        fc = serving(self.fc, plan.in_channels, plan.own.convs)
        return fc(x.mean((2, 3)))  # type: ignore[no-any-return]


def _conv(in_channels: int, channels: int, kernel: int, stride: int, own: Own) -> Conv:
    return grouped(lambda wide: Conv(in_channels, wide, kernel, stride), channels, own.convs)


def _norm(channels: int, own: Own) -> BatchNorm:
    return grouped(BatchNorm, channels, own.norms)


def _normed(x: Tensor, conv: Conv, bn: BatchNorm, channels: int, own: Own, norm: Norm) -> Tensor:
    """A convolution and its batch norm, each with the weights that serve this width."""
    return norm(serving(bn, channels, own.norms), serving(conv, channels, own.convs)(x, channels))


def build(widest: Plan) -> nn.Module:
    """The elastic block for `widest`."""
    match widest:
        case plans.Stem():
            return Stem(widest)
        case plans.BasicBlock():
            return BasicBlock(widest)
        case plans.ConvNorm():
            return ConvNorm(widest)
        case plans.NormReLU():
            return NormReLU(widest)
        case plans.Identity():
            return Identity()
        case plans.AvgPool():
            return AvgPool()
        case plans.Reduction():
            return Reduction(widest)
        case plans.InvertedResidual():
            return InvertedResidual(widest)
        case plans.Choice():
            return Choice(widest)
        case plans.Cell():
            return Cell(widest)
        case plans.Head():
            return Head(widest)
