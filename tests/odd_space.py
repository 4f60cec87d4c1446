"""Kinds of block that the toolkit does not know, in a space that needs all a plan may say.

Resolution, width and kernel are decisions; one block concatenates two convolutions of different kernels and weighs its
channels (squeeze-and-excitation, with biases), another reads the two blocks before it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.interference.toys import Toy
from toolkit.spaces import Decision, Plans
from toolkit.spaces.plans import Block, ConvNorm, Head, Resize
from toolkit.spaces.primitives import Map
from toolkit.spaces.wiring import Value, Wiring


@dataclass(frozen=True, slots=True)
class Twins(Block):
    in_channels: int
    half_channels: int
    kernel: int
    size: int

    @property
    def channels(self) -> int:
        return 2 * self.half_channels

    def wire(self, g: Wiring, /, *inputs: Value) -> Value:
        (x,) = inputs
        small = g.relu(g.norm("bn_a", g.conv("conv_a", x, "half_channels", 1)))
        large = g.relu(g.norm("bn_b", g.conv("conv_b", x, "half_channels", self.kernel)))
        both = g.concat(small, large)
        squeezed = g.relu(g.conv("squeeze", g.global_pool(both), 3, 1, bias=True))
        weights = g.activation(g.conv("excite", squeezed, "channels", 1, bias=True), "sigmoid")
        return g.multiply(both, weights)


@dataclass(frozen=True, slots=True)
class Meeting(Block):
    before_channels: int
    in_channels: int
    channels: int
    size: int

    @property
    def reads(self) -> tuple[int, ...]:
        return (2, 1)

    @property
    def inputs(self) -> tuple[Map, ...]:
        return Map(self.before_channels, self.size), Map(self.in_channels, self.size)

    def wire(self, g: Wiring, /, *inputs: Value) -> Value:
        before, last = inputs
        far = g.norm("far.bn", g.conv("far.conv", before, "channels", 1))
        near = g.norm("near.bn", g.depthwise("near.depthwise", g.conv("near.conv", last, "channels", 1), "channels", 3))
        return g.max_pool(g.relu(g.add(near, far)), kernel=3, stride=2)


def _plans(options: Sequence[Any]) -> Plans:
    size, stem, half, kernel, out = options
    return (
        Resize(3, 12, size),
        ConvNorm(3, stem, 3, 1, "after", size),
        Twins(stem, half, kernel, size),
        Meeting(stem, 2 * half, out, size),
        Head(out, 5),
    )


ODD = Toy(
    (
        Decision("size", (8, 12), (0, 1, 2, 3)),
        Decision("stem", (4, 6), (1, 2, 3)),
        Decision("half", (2, 3, 4), (2, 3)),
        Decision("kernel", (3, 5), (2,)),
        Decision("out", (4, 8), (3, 4)),
    ),
    _plans,
    _plans((12, 6, 4, 5, 8)),
    "odd",
    channels=3,
    size=12,
    classes=5,
)
