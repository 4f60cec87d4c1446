"""The space of NAS-Bench-Macro: eight positions of a small MobileNet, each with three choices.

Its code is eight digits: 0 nothing, 1 an inverted residual block of expansion 3 and kernel 3, 2 one of expansion 6 and
kernel 5. Definition: Su et al., arXiv 2103.11922 (xiusu/NAS-Bench-Macro).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property

from toolkit.spaces.base import Arch, Decision
from toolkit.spaces.chains import Chain
from toolkit.spaces.plans import Choice, ConvNorm, Head, InvertedResidual, Plan, Plans, Stem
from toolkit.spaces.primitives import shrink

OPERATIONS = ("identity", "mb3_k3", "mb6_k5")
STRIDES = (2, 1, 2, 1, 1, 2, 1, 1)
"""Three stages. Where the stride is 2, every choice doubles the width and halves the map."""

POSITIONS = len(STRIDES)


@dataclass(frozen=True)
class NASBenchMacro(Chain):
    """Stem, eight positions, a last 1x1 convolution, head; every combination of choices is valid.

    Where width and size stay, the identity is an absent block; where they change, a 1x1 convolution with batch norm.
    The choices share no weights. An absent block in one position or the next makes the same stand-alone network (so the
    benchmark trained only 3,969 of the 6,561), but other weights in the supernet.

    Attributes:
        width: channels of the stem.
        last: channels of the last convolution.
    """

    name: str
    summary: str = ""
    width: int = 32
    last: int = 1280
    channels: int = 3
    size: int = 32
    classes: int = 10

    @cached_property
    def decisions(self) -> tuple[Decision, ...]:
        """The choice at each position."""
        return tuple(Decision(f"block{block}", OPERATIONS, (block,)) for block in range(1, POSITIONS + 1))

    def plans(self, arch: Arch) -> Plans:
        """11 positions: stem, eight choices, last convolution, head."""
        return self._network([(OPERATIONS[answer],) for answer in arch])

    @cached_property
    def widest(self) -> Plans:
        """Every choice at every position."""
        return self._network(POSITIONS * [OPERATIONS])

    def _network(self, operations: Sequence[tuple[str, ...]]) -> Plans:
        """The network with these operations at each position."""
        plans: list[Plan | None] = [Stem(self.channels, self.width, kernel=3, stride=1, pool=False, size=self.size)]
        width, size = self.width, self.size
        for present, stride in zip(operations, STRIDES, strict=True):
            plans.append(_choice(present, width, stride * width, stride, size))
            width, size = stride * width, shrink(size, stride)
        return (*plans, ConvNorm(width, self.last, 1, stride=1, relu="after", size=size), Head(self.last, self.classes))

    @property
    def largest(self) -> Arch:
        """The big block everywhere."""
        return POSITIONS * (2,)

    @property
    def smallest(self) -> Arch:
        """The identity everywhere."""
        return POSITIONS * (0,)

    def active(self, answers: Sequence[int]) -> list[bool]:
        """Every decision always applies."""
        return [True] * len(answers)

    def format(self, arch: Arch) -> str:
        """Eight digits."""
        return "".join(map(str, arch))

    def _parse(self, code: str) -> Arch:
        return tuple(map(int, code))

    def problems(self, code: str) -> list[str]:
        """Every digit that is no choice; blocks count from 1."""
        if len(code) != POSITIONS:
            return [f"found {len(code)} characters, allowed: {POSITIONS} digits"]
        return [
            f"block {i}: found {digit!r}, allowed: 0 (identity), 1 (mb3_k3), 2 (mb6_k5)"
            for i, digit in enumerate(code, start=1)
            if digit not in "012"
        ]


@cache
def _choice(operations: tuple[str, ...], in_channels: int, channels: int, stride: int, size: int) -> Choice | None:
    """These operations at one position, or None if they do nothing."""
    branches: dict[str, Plan] = {
        "mb3_k3": InvertedResidual(in_channels, 3 * in_channels, channels, 3, stride, size),
        "mb6_k5": InvertedResidual(in_channels, 6 * in_channels, channels, 5, stride, size),
    }
    if stride != 1:
        branches["identity"] = ConvNorm(in_channels, channels, 1, stride, relu=None, size=size)
    present = tuple((name, branches[name]) for name in operations if name in branches)
    return Choice(in_channels, channels, present) if present else None


NASBENCH_MACRO = NASBenchMacro("nasbench-macro", "NAS-Bench-Macro: eight positions of a small MobileNet, CIFAR-10")
