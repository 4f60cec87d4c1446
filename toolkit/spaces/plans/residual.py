"""Blocks with a shortcut, or for one: of ResNets and ResNeSts."""

from dataclasses import dataclass

from toolkit.spaces.plans.base import Block
from toolkit.spaces.primitives import Activation
from toolkit.spaces.wiring import Value, Wiring


@dataclass(frozen=True, slots=True)
class BasicBlock(Block):
    """Two 3x3 convolutions and a shortcut: activation(BN(conv2(ReLU(BN(conv1(x))))) + shortcut(x)).

    `stride` is conv1's; `project` makes the shortcut a 1x1 convolution with batch norm, else it is the identity.
    `size` is the input's height.
    """

    in_channels: int
    mid_channels: int
    channels: int
    stride: int
    project: bool
    size: int
    activation: Activation = "relu"

    def wire(self, g: Wiring, /, *inputs: Value) -> Value:
        """As above; the residual branch is silent at first."""
        (x,) = inputs
        y = g.relu(g.norm("bn1", g.conv("conv1", x, "mid_channels", 3, self.stride)))
        y = g.norm("bn2", g.conv("conv2", y, "channels", 3), silent=True)
        if self.project:
            x = g.norm("downsample.1", g.conv("downsample.0", x, "channels", 1, self.stride))
        return g.activation(g.add(y, x, residual=True), self.activation)


@dataclass(frozen=True, slots=True)
class Reduction(Block):
    """A residual block that halves the map, its ReLUs first.

    BN(conv2(ReLU(BN(conv1(ReLU(x)))))) + projection(pool(x)): conv1 has stride 2, pool is a 2x2 average of stride 2,
    the projection a 1x1 convolution without batch norm. An odd map is halved upwards. `size` is the input's height.
    """

    in_channels: int
    channels: int
    size: int

    def wire(self, g: Wiring, /, *inputs: Value) -> Value:
        """As above; the residual branch speaks from the start, as in NAS-Bench-201."""
        (x,) = inputs
        y = g.relu(g.norm("bn1", g.conv("conv1", g.relu(x), "channels", 3, stride=2)))
        y = g.norm("bn2", g.conv("conv2", y, "channels", 3))
        projection = g.conv("downsample", g.avg_pool(x, kernel=2, stride=2), "channels", 1)
        return g.add(y, projection, residual=True)


@dataclass(frozen=True, slots=True)
class SplitAttention(Block):
    """ResNeSt's bottleneck without its shortcut (arXiv 2004.08955): 1x1, split attention, 1x1, each with batch norm.

    A 3x3 convolution in `groups` * `radix` groups makes `radix` splits of `mid_channels` each. Two 1x1 convolutions in
    `groups` groups, of the mean of their sum, weigh them, channel by channel: by softmax over the splits, by a sigmoid
    if there is but one. What comes out is their weighted sum. Where the stride is 2, a 3x3 average pooling, padding
    counted, follows at last. `size` is the input's height.
    """

    in_channels: int
    mid_channels: int
    hidden_channels: int
    channels: int
    radix: int
    groups: int
    stride: int
    size: int

    @property
    def split_channels(self) -> int:
        """Of all splits together."""
        return self.radix * self.mid_channels

    def wire(self, g: Wiring, /, *inputs: Value) -> Value:
        """As above; silent at first."""
        (x,) = inputs
        y = g.relu(g.norm("bn1", g.conv("conv1", x, "mid_channels", 1)))
        y = self._attend(g, g.relu(g.norm("bn2", g.grouped("conv2", y, "split_channels", 3, self.groups * self.radix))))
        y = g.avg_pool(y, 3, self.stride, padded=True) if self.stride > 1 else y
        return g.norm("bn3", g.conv("conv3", y, "channels", 1), silent=True)

    def _attend(self, g: Wiring, y: Value) -> Value:
        splits = self._splits(g, y)
        squeezed = g.grouped(
            "attention.fc1", g.global_pool(g.add(*splits)), "hidden_channels", 1, self.groups, bias=True
        )
        weights = g.grouped(
            "attention.fc2", g.relu(g.norm("attention.bn", squeezed)), "split_channels", 1, self.groups, bias=True
        )
        if self.radix == 1:
            return g.multiply(y, g.activation(weights, "sigmoid"))
        weights = g.split_softmax(weights, self.radix, self.groups)
        return g.add(*map(g.multiply, splits, self._splits(g, weights)))

    def _splits(self, g: Wiring, y: Value) -> list[Value]:
        if self.radix == 1:
            return [y]
        return [g.slice(y, split * self.mid_channels, self.mid_channels) for split in range(self.radix)]
