"""The same network written plainly: the reference that the toolkit's networks are compared with.

Deliberately simple and independent of the toolkit's layers. Modules are named as in the official checkpoint, so that
weights can be copied by name: `blocks.0.conv`, `blocks.6.bn1`, `blocks.6.downsample.0`, `blocks.24.fc`.
"""

from collections import OrderedDict

import numpy as np
import torch
from torch import nn

from tests.networks import logits, randomise, some_images
from toolkit.backends import get_backend
from toolkit.spaces import Arch, SearchSpace
from toolkit.spaces.plans import (
    AvgPool,
    BasicBlock,
    Cell,
    Choice,
    ConvNorm,
    DeepStem,
    DualCell,
    FactorizedReduce,
    Head,
    Identity,
    InvertedResidual,
    MaxPool,
    MobileHead,
    NormReLU,
    Plans,
    Reduction,
    ResidualChoice,
    Separable,
    SplitAttention,
    Stem,
)


class PlainBlock(nn.Module):
    def __init__(self, plan: BasicBlock) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(plan.in_channels, plan.mid_channels, 3, plan.stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(plan.mid_channels)
        self.conv2 = nn.Conv2d(plan.mid_channels, plan.channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(plan.channels)
        self.downsample = nn.Identity()
        if plan.project:
            self.downsample = nn.Sequential(
                nn.Conv2d(plan.in_channels, plan.channels, 1, plan.stride, bias=False), nn.BatchNorm2d(plan.channels)
            )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        hidden = torch.relu(self.bn1(self.conv1(images)))
        return torch.relu(self.bn2(self.conv2(hidden)) + self.downsample(images))


class PlainReduction(nn.Module):
    def __init__(self, plan: Reduction) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(plan.in_channels, plan.channels, 3, 2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(plan.channels)
        self.conv2 = nn.Conv2d(plan.channels, plan.channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(plan.channels)
        self.pool = nn.AvgPool2d(2, ceil_mode=True)
        self.downsample = nn.Conv2d(plan.in_channels, plan.channels, 1, bias=False)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        hidden = self.bn1(self.conv1(torch.relu(images)))
        return self.bn2(self.conv2(torch.relu(hidden))) + self.downsample(self.pool(images))


class PlainSqueeze(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        hidden = max(8, int(channels // 4 + 4) // 8 * 8)
        hidden += 8 * (hidden < 0.9 * (channels // 4))
        self.reduce, self.expand = nn.Conv2d(channels, hidden, 1), nn.Conv2d(hidden, channels, 1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        weights = self.expand(torch.relu(self.reduce(images.mean((2, 3), keepdim=True))))
        return images * (weights + 3).clamp(0, 6) / 6


class PlainResize(nn.Module):
    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return nn.functional.interpolate(images, (self.size, self.size), mode="bilinear", align_corners=False)


class PlainReLU6(nn.Module):
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return torch.relu(images).clamp(max=6)


ACTIVATIONS = {"relu": nn.ReLU, "relu6": PlainReLU6, "h-swish": nn.Hardswish}


class PlainInvertedResidual(nn.Module):
    def __init__(self, plan: InvertedResidual) -> None:
        super().__init__()
        middle = plan.mid_channels
        self.expand = nn.Identity()
        self.bn1 = nn.Identity()
        if plan.expand:
            self.expand = nn.Conv2d(plan.in_channels, middle, 1, bias=False)
            self.bn1 = nn.BatchNorm2d(middle, plan.eps)
        self.act = ACTIVATIONS[plan.nonlinearity]()
        self.first = self.act if plan.expand else nn.Identity()
        self.se = PlainSqueeze(middle) if plan.squeeze else nn.Identity()
        self.depthwise = nn.Conv2d(
            middle, middle, plan.kernel, plan.stride, padding=plan.kernel // 2, groups=middle, bias=False
        )
        self.bn2 = nn.BatchNorm2d(middle, plan.eps)
        self.project = nn.Conv2d(middle, plan.channels, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(plan.channels, plan.eps)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        hidden = self.first(self.bn1(self.expand(images)))
        hidden = self.se(self.act(self.bn2(self.depthwise(hidden))))
        hidden = self.bn3(self.project(hidden))
        return hidden + images if hidden.shape == images.shape else hidden


class PlainSplitAttention(nn.Module):
    """A ResNeSt bottleneck without its shortcut, in the order of its splits that the paper draws."""

    def __init__(self, plan: SplitAttention) -> None:
        super().__init__()
        self.radix, self.groups = plan.radix, plan.groups
        mid, splits = plan.mid_channels, plan.radix * plan.mid_channels
        self.conv1 = nn.Conv2d(plan.in_channels, mid, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(mid)
        self.conv2 = nn.Conv2d(mid, splits, 3, padding=1, groups=plan.groups * plan.radix, bias=False)
        self.bn2 = nn.BatchNorm2d(splits)
        self.attention = nn.ModuleDict(
            {
                "fc1": nn.Conv2d(mid, plan.hidden_channels, 1, groups=plan.groups),
                "bn": nn.BatchNorm2d(plan.hidden_channels),
                "fc2": nn.Conv2d(plan.hidden_channels, splits, 1, groups=plan.groups),
            }
        )
        self.pool = nn.AvgPool2d(3, 2, padding=1) if plan.stride == 2 else nn.Identity()
        self.conv3 = nn.Conv2d(mid, plan.channels, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(plan.channels)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        hidden = torch.relu(self.bn1(self.conv1(images)))
        hidden = torch.relu(self.bn2(self.conv2(hidden)))
        parts = hidden.unflatten(1, (self.radix, -1))  # n, split, channel, h, w
        squeezed = parts.sum(1).mean((2, 3), keepdim=True)
        weights = self.attention["fc2"](torch.relu(self.attention["bn"](self.attention["fc1"](squeezed))))
        if self.radix == 1:
            weights = weights.sigmoid().unflatten(1, (1, -1))
        else:
            by_group = weights.unflatten(1, (self.groups, self.radix, -1)).softmax(2)
            weights = by_group.permute(0, 2, 1, 3, 4, 5).flatten(2, 3)
        return self.bn3(self.conv3(self.pool((parts * weights).sum(1))))


class PlainResidual(nn.Module):
    def __init__(self, plan: ResidualChoice) -> None:
        super().__init__()
        ((self.name, branch),) = plan.branches
        self.add_module(self.name, _plain(branch))
        self.downsample, self.pool = nn.Identity(), nn.Identity()
        if plan.stride > 1 or plan.in_channels != plan.channels:
            self.pool = nn.AvgPool2d(plan.stride, plan.stride, ceil_mode=True, count_include_pad=False)
            self.downsample = nn.Sequential(
                nn.Conv2d(plan.in_channels, plan.channels, 1, bias=False), nn.BatchNorm2d(plan.channels)
            )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.get_submodule(self.name)(images) + self.downsample(self.pool(images)))


class PlainCell(nn.Module):
    """Three nodes beside the input, as in NAS-Bench-201; an absent edge brings nothing."""

    def __init__(self, plan: Cell) -> None:
        super().__init__()
        edges = {f"{i}-{j + 1}": edge for j, node in enumerate(plan.nodes) for i, edge in enumerate(node)}
        self.edges = nn.ModuleDict({name: _plain(edge) for name, edge in edges.items() if edge is not None})

    def along(self, edge: str, node: torch.Tensor) -> torch.Tensor:
        return self.edges[edge](node) if edge in self.edges else torch.zeros_like(node)

    def forward(self, zero: torch.Tensor) -> torch.Tensor:
        one = self.along("0-1", zero)
        two = self.along("0-2", zero) + self.along("1-2", one)
        return self.along("0-3", zero) + self.along("1-3", one) + self.along("2-3", two)


class PlainSeparable(nn.Sequential):
    """`times` ReLU, depthwise convolution, 1x1 and batch norm in a row."""

    def __init__(self, plan: Separable) -> None:
        width, padding = plan.channels, plan.dilation * (plan.kernel // 2)
        layers = OrderedDict[str, nn.Module]()
        for number in range(1, plan.times + 1):
            stride = plan.stride if number == 1 else 1
            layers[f"relu{number}"] = nn.ReLU()
            layers[f"depthwise{number}"] = nn.Conv2d(
                width, width, plan.kernel, stride, padding, dilation=plan.dilation, groups=width, bias=False
            )
            layers[f"pointwise{number}"] = nn.Conv2d(width, width, 1, bias=False)
            layers[f"bn{number}"] = nn.BatchNorm2d(width)
        super().__init__(layers)


class PlainFactorizedReduce(nn.Module):
    """The second convolution sees what lies one pixel down and to the right."""

    def __init__(self, plan: FactorizedReduce) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(plan.in_channels, plan.channels // 2, 1, 2, bias=False)
        self.conv2 = nn.Conv2d(plan.in_channels, plan.channels // 2, 1, 2, bias=False)
        self.bn = nn.BatchNorm2d(plan.channels)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        images = torch.relu(images)
        odd = images.shape[2] % 2  # the authors' code has even maps only
        beside = nn.functional.pad(images, (0, odd, 0, odd))[:, :, 1:, 1:]
        return self.bn(torch.cat([self.conv1(images), self.conv2(beside)], dim=1))


class PlainDualCell(nn.Module):
    """Four nodes beside the two inputs, concatenated; each the sum of its edges."""

    def __init__(self, plan: DualCell) -> None:
        super().__init__()
        self.first, self.shape = plan.first, (plan.channels, -(-plan.size // plan.stride))
        older = ConvNorm(plan.before_channels, plan.channels, 1, 1, "before", plan.before_size)
        halved = FactorizedReduce(plan.before_channels, plan.channels, plan.before_size)
        self.preprocess0 = _plain(halved if plan.reduced else older)
        self.preprocess1 = _plain(ConvNorm(plan.in_channels, plan.channels, 1, 1, "before", plan.size))
        self.edges = nn.ModuleDict(
            {
                f"{source}-{node}": _plain(edge)
                for node, edges in enumerate(plan.nodes, start=2)
                for source, edge in enumerate(edges)
                if edge is not None
            }
        )

    def forward(self, older: torch.Tensor, newer: torch.Tensor) -> torch.Tensor:
        nodes = [self.preprocess0(older), self.preprocess1(newer)]
        for node in (2, 3, 4, 5):
            total = nodes[0].new_zeros(len(older), self.shape[0], self.shape[1], self.shape[1])
            for source in range(node):
                if f"{source}-{node}" in self.edges:
                    total = total + self.edges[f"{source}-{node}"](nodes[source])
            nodes.append(total)
        return torch.cat(nodes[2:], dim=1)


class PlainBlocks(nn.Sequential):
    """One block after the other; a cell of DARTS reads the two before it."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        states = [images]
        for block in self:
            if isinstance(block, PlainDualCell):
                states.append(block(states[-1] if block.first else states[-2], states[-1]))
            else:
                states.append(block(states[-1]))
        return states[-1]


def plain_network(plans: Plans) -> nn.Module:
    """`plans` as an ordinary module; an absent block is an identity, so that the others keep their positions."""
    return nn.Sequential(OrderedDict(blocks=PlainBlocks(*(_plain(plan) for plan in plans))))


def assert_computes_what_the_plain_network_does(space: SearchSpace, arch: Arch) -> None:
    """The stand-alone network of `arch`, with statistics stored and of the batch."""
    backend = get_backend("torch", "cpu")
    network = backend.network(space, space.plans(arch), 0)
    randomise(network)
    plain = plain_network(space.plans(arch))
    weights = {name: torch.from_numpy(array) for name, array in network.weights().items()}
    counters = {name: tensor for name, tensor in plain.state_dict().items() if name.endswith("num_batches_tracked")}
    plain.load_state_dict(weights | counters)
    images = some_images(space)
    x = backend.normalise(backend.place(images), (0.5,) * space.channels, (0.25,) * space.channels)
    with torch.no_grad():
        for expected, norm in ((plain.eval()(x), network.stored_norm()), (plain.train()(x), network.batch_norm())):
            found = logits(backend, network, arch, images, norm, network.holds)
            np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)


def _plain(plan: object) -> nn.Module:
    match plan:
        case None:
            return nn.Identity()
        case Stem():
            layers = OrderedDict[str, nn.Module](
                resize=PlainResize(plan.resolution or plan.size),
                conv=nn.Conv2d(
                    plan.in_channels, plan.channels, plan.kernel, plan.stride, padding=plan.kernel // 2, bias=False
                ),
                bn=nn.BatchNorm2d(plan.channels, plan.eps),
                act=ACTIVATIONS[plan.nonlinearity](),
            )
            if plan.pool:
                layers["pool"] = nn.MaxPool2d(3, stride=2, padding=1)
            return nn.Sequential(layers)
        case BasicBlock():
            return PlainBlock(plan)
        case ConvNorm():
            conv = nn.Conv2d(
                plan.in_channels, plan.channels, plan.kernel, plan.stride, padding=plan.kernel // 2, bias=False
            )
            steps = OrderedDict[str, nn.Module](conv=conv, bn=nn.BatchNorm2d(plan.channels, plan.eps))
            if plan.relu is not None:
                steps["relu"] = ACTIVATIONS[plan.nonlinearity]()
                steps.move_to_end("relu", last=plan.relu == "after")
            return nn.Sequential(steps)
        case NormReLU():
            return nn.Sequential(OrderedDict(bn=nn.BatchNorm2d(plan.channels), relu=nn.ReLU()))
        case Identity():
            return nn.Identity()
        case AvgPool():
            return nn.AvgPool2d(3, plan.stride, padding=1, count_include_pad=False)
        case MaxPool():
            return nn.MaxPool2d(3, plan.stride, padding=1)
        case Separable():
            return PlainSeparable(plan)
        case FactorizedReduce():
            return PlainFactorizedReduce(plan)
        case DualCell():
            return PlainDualCell(plan)
        case Reduction():
            return PlainReduction(plan)
        case InvertedResidual():
            return PlainInvertedResidual(plan)
        case DeepStem():
            widths = (plan.in_channels, plan.mid_channels, plan.mid_channels, plan.channels)
            deep = OrderedDict[str, nn.Module]()
            for place, number in enumerate(("", "2", "3")):
                stride = 1 if number else 2
                deep[f"conv{number}"] = nn.Conv2d(*widths[place:][:2], 3, stride, padding=1, bias=False)
                deep[f"bn{number}"] = nn.BatchNorm2d(widths[place + 1])
                deep[f"relu{number}"] = nn.ReLU()
            deep["pool"] = nn.MaxPool2d(3, 2, padding=1)
            return nn.Sequential(deep)
        case SplitAttention():
            return PlainSplitAttention(plan)
        case ResidualChoice():
            return PlainResidual(plan)
        case Choice():
            ((name, branch),) = plan.branches
            return nn.Sequential(OrderedDict({name: _plain(branch)}))
        case Cell():
            return PlainCell(plan)
        case MobileHead():
            return nn.Sequential(
                OrderedDict(
                    pool=nn.AdaptiveAvgPool2d(1),
                    mix=nn.Conv2d(plan.in_channels, plan.mid_channels, 1, bias=False),
                    act=nn.Hardswish(),
                    flatten=nn.Flatten(),
                    fc=nn.Linear(plan.mid_channels, plan.classes),
                )
            )
        case Head():
            return nn.Sequential(
                OrderedDict(
                    pool=nn.AdaptiveAvgPool2d(1), flatten=nn.Flatten(), fc=nn.Linear(plan.in_channels, plan.classes)
                )
            )
    raise TypeError(f"no plain block for {plan!r}")
