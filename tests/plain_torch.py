"""The same network written plainly: the reference that the toolkit's networks are compared with.

Deliberately simple and independent of the toolkit's layers. Modules are named as in the official checkpoint, so that
weights can be copied by name: `blocks.0.conv`, `blocks.6.bn1`, `blocks.6.downsample.0`, `blocks.24.fc`.
"""

from collections import OrderedDict

import torch
from torch import nn

from toolkit.spaces.plans import BasicBlock, Head, Plans, Stem


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


def plain_network(plans: Plans) -> nn.Module:
    """`plans` as an ordinary module; an absent block is an identity, so that the others keep their positions."""
    return nn.Sequential(OrderedDict(blocks=nn.Sequential(*(_plain(plan) for plan in plans))))


def _plain(plan: object) -> nn.Module:
    match plan:
        case None:
            return nn.Identity()
        case Stem():
            layers = OrderedDict[str, nn.Module](
                conv=nn.Conv2d(
                    plan.in_channels, plan.channels, plan.kernel, plan.stride, padding=plan.kernel // 2, bias=False
                ),
                bn=nn.BatchNorm2d(plan.channels),
                relu=nn.ReLU(),
            )
            if plan.pool:
                layers["pool"] = nn.MaxPool2d(3, stride=2, padding=1)
            return nn.Sequential(layers)
        case BasicBlock():
            return PlainBlock(plan)
        case Head():
            return nn.Sequential(
                OrderedDict(
                    pool=nn.AdaptiveAvgPool2d(1), flatten=nn.Flatten(), fc=nn.Linear(plan.in_channels, plan.classes)
                )
            )
    raise TypeError(f"no plain block for {plan!r}")
