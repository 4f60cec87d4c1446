"""The space of Pi-NAS: a ResNeSt-50 with four candidates at each block, which share its shortcut, and a small one.

Its code is one digit per block, from the first to the last, between spaces, as the authors publish theirs:
`3 0 1 3 2 3 1 2 0 3 2 1 3 0 3 2`. Candidates differ in radix and cardinality, hardly in cost. Definition: arXiv
2108.09671, by its released code (Ernie1/Pi-NAS). `pinas-mini` is a reduction of ours for images of CIFAR's size.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property

from toolkit.spaces.base import Arch, Decision
from toolkit.spaces.chains import Chain
from toolkit.spaces.cost import block_cost
from toolkit.spaces.plans import DeepStem, Head, Plan, Plans, ResidualChoice, SplitAttention, Stem
from toolkit.spaces.primitives import shrink

CANDIDATES = {"r1c1w64": (1, 1, 64), "r2c1w64": (2, 1, 64), "r1c2w42": (1, 2, 42), "r2c2w40": (2, 2, 40)}
"""Radix, cardinality and base width of each."""

OPTIONS = tuple(CANDIDATES)
EXPANSION = 4
"""Of a bottleneck: its output is so many times as wide as its plane."""


@dataclass(frozen=True)
class PiNAS(Chain):
    """Stem, blocks, head; every combination of candidates is valid.

    Attributes:
        planes: base width of each stage.
        layers: blocks of each stage.
        stem: channels of the stem.
        deep: whether the stem has three convolutions, the first two half as wide, and strides of 4 in all; else one.
        even: whether the attention's inside is even and may be as narrow as 8 (ours), not 32 as in the paper's code.
    """

    name: str
    summary: str = ""
    planes: tuple[int, ...] = (64, 128, 256, 512)
    layers: tuple[int, ...] = (3, 4, 6, 3)
    stem: int = 64
    deep: bool = True
    even: bool = False
    channels: int = 3
    size: int = 224
    classes: int = 1000

    @cached_property
    def decisions(self) -> tuple[Decision, ...]:
        """The candidate at each block."""
        stages = [(stage, number) for stage, count in enumerate(self.layers, 1) for number in range(1, count + 1)]
        return tuple(Decision(f"block{s}.{n}", OPTIONS, (place,)) for place, (s, n) in enumerate(stages, 1))

    def plans(self, arch: Arch) -> Plans:
        """Stem, blocks, head."""
        return self._network([(OPTIONS[answer],) for answer in arch])

    @cached_property
    def widest(self) -> Plans:
        """All candidates at every block."""
        return self._network(sum(self.layers) * [OPTIONS])

    def _network(self, present: Sequence[tuple[str, ...]]) -> Plans:
        stem: Plan = Stem(self.channels, self.stem, kernel=3, stride=1, pool=False, size=self.size)
        size = self.size
        if self.deep:
            stem = DeepStem(self.channels, self.stem // 2, self.stem, self.size)
            size = shrink(shrink(size, 2), 2)
        plans, width = [stem], self.stem
        names = iter(present)
        for stage, (planes, count) in enumerate(zip(self.planes, self.layers, strict=True)):
            for number in range(count):
                stride = 2 if stage and not number else 1
                plans.append(_block(next(names), width, planes, stride, size, even=self.even))
                width, size = EXPANSION * planes, shrink(size, stride)
        return (*plans, Head(width, self.classes))

    @cached_property
    def largest(self) -> Arch:
        """The candidate of most MACs at each block."""
        return tuple(max(range(len(macs)), key=macs.__getitem__) for macs in self._macs)

    @cached_property
    def smallest(self) -> Arch:
        """The candidate of fewest MACs at each block; which one that is depends on its width."""
        return tuple(min(range(len(macs)), key=macs.__getitem__) for macs in self._macs)

    @property
    def _macs(self) -> list[list[int]]:
        """By block and candidate."""
        alike = [self._network(sum(self.layers) * [(name,)])[1:-1] for name in OPTIONS]
        return [[block_cost(plan).macs for plan in at if plan is not None] for at in zip(*alike, strict=True)]

    def active(self, answers: Sequence[int]) -> list[bool]:
        """Every decision always applies."""
        return [True] * len(answers)

    def format(self, arch: Arch) -> str:
        """Digits between spaces."""
        return " ".join(map(str, arch))

    def _parse(self, code: str) -> Arch:
        return tuple(map(int, code.split(" ")))

    def problems(self, code: str) -> list[str]:
        """Every choice that is none; blocks count from 1."""
        choices, blocks = code.split(" "), sum(self.layers)
        if len(choices) != blocks:
            return [f"found {len(choices)} choices, allowed: {blocks} digits between single spaces"]
        return [
            f"block {i}: found {choice!r}, allowed: 0 to {len(OPTIONS) - 1} ({', '.join(OPTIONS)})"
            for i, choice in enumerate(choices, start=1)
            if choice not in set("0123")
        ]


@cache
def _block(
    names: tuple[str, ...], in_channels: int, planes: int, stride: int, size: int, *, even: bool
) -> ResidualChoice:
    """These candidates at one block."""

    def branch(radix: int, groups: int, base: int) -> SplitAttention:
        mid = int(planes * base / 64) * groups
        split = mid * radix
        hidden = max(8, 2 * -(-split // 8)) if even else max(32, split // 4)
        return SplitAttention(in_channels, mid, hidden, EXPANSION * planes, radix, groups, stride, size)

    branches = tuple((name, branch(*CANDIDATES[name])) for name in names)
    return ResidualChoice(in_channels, EXPANSION * planes, branches, stride, size)


PINAS = PiNAS("pinas", "Pi-NAS: a ResNeSt-50 with four candidates at each block, ImageNet")
PINAS_MINI = PiNAS(
    "pinas-mini",
    "a small Pi-NAS of six blocks, CIFAR-100 (a reduction of ours)",
    planes=(16, 32, 64),
    layers=(2, 2, 2),
    stem=16,
    deep=False,
    even=True,
    size=32,
    classes=100,
)
