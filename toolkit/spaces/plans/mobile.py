"""Blocks of MobileNets."""

from dataclasses import dataclass

from toolkit.spaces.plans.base import Block
from toolkit.spaces.wiring import Value, Wiring


@dataclass(frozen=True, slots=True)
class InvertedResidual(Block):
    """MobileNetV2's block: expand (1x1), depthwise (`kernel`, `stride`), project (1x1), each with batch norm.

    A ReLU follows the first two. Where width and size stay, the input is added. `size` is the input's height.
    """

    in_channels: int
    mid_channels: int
    channels: int
    kernel: int
    stride: int
    size: int

    def wire(self, g: Wiring, /, *inputs: Value) -> Value:
        """As above; the residual branch speaks from the start, as in NAS-Bench-Macro."""
        (x,) = inputs
        y = g.relu(g.norm("bn1", g.conv("expand", x, "mid_channels", 1)))
        y = g.relu(g.norm("bn2", g.depthwise("depthwise", y, "mid_channels", self.kernel, self.stride)))
        y = g.norm("bn3", g.conv("project", y, "channels", 1))
        return g.add(y, x, residual=True) if self.stride == 1 and self.in_channels == self.channels else y
