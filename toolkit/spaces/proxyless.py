"""The search form of ProxylessNAS, and the space of BN-NAS: a choice of kernel and expansion at each position.

Unlike in once-for-all, the choices share no weights. A code is a list with a number for each position, as BN-NAS's
authors publish theirs: `[3,-1,0,4,...]`; 0 to 5 are k3e3, k3e6, k5e3, k5e6, k7e3, k7e6, and -1 is nothing, where width
and size stay. Definitions: Cai et al., arXiv 1812.00332 (mit-han-lab/proxylessnas); Chen et al., arXiv 2108.07375
(bychen515/BNNAS).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property

from toolkit.spaces.base import Arch, Decision
from toolkit.spaces.chains import Chain
from toolkit.spaces.plans import Choice, ConvNorm, Head, InvertedResidual, Plan, Plans, Stem
from toolkit.spaces.primitives import shrink

OPERATIONS = {f"k{kernel}e{expansion}": (kernel, expansion) for kernel in (3, 5, 7) for expansion in (3, 6)}
IDENTITY = "identity"
_EPS = 1e-3
_LIST = re.compile(r"\[.*\]", re.DOTALL)


@dataclass(frozen=True)
class Proxyless(Chain):
    """Stem, a fixed first block of expansion 1, 21 positions, last convolution, head; every combination is valid.

    Attributes:
        stem, first: channels of the first convolution and the first block.
        widths, strides, blocks: of each stage.
        last: channels of the last convolution.
        skipped: positions that may hold nothing, counted from 0; None: all where width and size stay.
    """

    name: str
    summary: str = ""
    stem: int = 32
    first: int = 16
    widths: tuple[int, ...] = (24, 40, 80, 96, 192, 320)
    strides: tuple[int, ...] = (2, 2, 2, 1, 2, 1)
    blocks: tuple[int, ...] = (4, 4, 4, 4, 4, 1)
    last: int = 1280
    skipped: tuple[int, ...] | None = None
    channels: int = 3
    size: int = 224
    classes: int = 1000

    @cached_property
    def decisions(self) -> tuple[Decision, ...]:
        """The choice at each position."""
        return tuple(
            Decision(f"block{place + 1}", options, (place + 2,)) for place, options in enumerate(self._options)
        )

    @cached_property
    def _shapes(self) -> tuple[tuple[int, int, int], ...]:
        """By position: channels before, channels, stride."""
        widths = [self.first, *self.widths]
        return tuple(
            (widths[stage + (block > 0)], widths[stage + 1], stride if block == 0 else 1)
            for stage, (stride, blocks) in enumerate(zip(self.strides, self.blocks, strict=True))
            for block in range(blocks)
        )

    @cached_property
    def _options(self) -> tuple[tuple[str, ...], ...]:
        free = [before == after and stride == 1 for before, after, stride in self._shapes]
        skipped = self.skipped if self.skipped is not None else [place for place, yes in enumerate(free) if yes]
        return tuple(
            (*OPERATIONS, IDENTITY) if place in skipped else tuple(OPERATIONS) for place in range(len(self._shapes))
        )

    def plans(self, arch: Arch) -> Plans:
        """Stem, first block, positions, last convolution, head; an identity is an absent block."""
        return self._network([(options[answer],) for options, answer in zip(self._options, arch, strict=True)])

    @cached_property
    def widest(self) -> Plans:
        """All operations at every position."""
        return self._network(self._options)

    def _network(self, operations: Sequence[tuple[str, ...]]) -> Plans:
        size = shrink(self.size, 2)
        plans: list[Plan | None] = [
            Stem(self.channels, self.stem, 3, 2, pool=False, size=self.size, nonlinearity="relu6", eps=_EPS),
            InvertedResidual(
                self.stem, self.stem, self.first, 3, 1, size, expand=False, nonlinearity="relu6", eps=_EPS
            ),
        ]
        for present, (before, after, stride) in zip(operations, self._shapes, strict=True):
            plans.append(_choice(present, before, after, stride, size))
            size = shrink(size, stride)
        return (
            *plans,
            ConvNorm(self.widths[-1], self.last, 1, 1, "after", size, "relu6", _EPS),
            Head(self.last, self.classes),
        )

    @cached_property
    def largest(self) -> Arch:
        """Kernel 7 and expansion 6 everywhere."""
        return (len(OPERATIONS) - 1,) * len(self._options)

    @cached_property
    def smallest(self) -> Arch:
        """Nothing where that is possible, else kernel 3 and expansion 3."""
        return tuple(options.index(IDENTITY) if IDENTITY in options else 0 for options in self._options)

    def active(self, answers: Sequence[int]) -> list[bool]:
        """Every decision always applies."""
        return [True] * len(answers)

    def format(self, arch: Arch) -> str:
        """Numbers between commas, in brackets."""
        return f"[{','.join('-1' if answer == len(OPERATIONS) else str(answer) for answer in arch)}]"

    def respelled(self, text: str) -> str:
        """A list without its spaces."""
        return re.sub(r"\s+", "", text) if _LIST.fullmatch(text) else text

    def _parse(self, code: str) -> Arch:
        return tuple(len(OPERATIONS) if number == "-1" else int(number) for number in code[1:-1].split(","))

    def problems(self, code: str) -> list[str]:
        """Every number that is no choice there; blocks count from 1."""
        if not (code.startswith("[") and code.endswith("]")):
            return [f"found no list, allowed: {len(self._options)} numbers between commas, in brackets"]
        numbers = code[1:-1].split(",")
        if len(numbers) != len(self._options):
            return [f"found {len(numbers)} numbers, allowed: {len(self._options)} between commas, in brackets"]
        spellings = [str(number) for number in range(len(OPERATIONS))]
        return [
            f"block {place}: found {number!r}, allowed: 0 to {spellings[-1]} ({', '.join(OPERATIONS)})"
            + (" or -1 (nothing)" if IDENTITY in options else "")
            for place, (number, options) in enumerate(zip(numbers, self._options, strict=True), 1)
            if number not in spellings and not (number == "-1" and IDENTITY in options)
        ]


@cache
def _choice(names: tuple[str, ...], in_channels: int, channels: int, stride: int, size: int) -> Choice | None:
    """These operations at one position, or None if they do nothing."""

    def block(kernel: int, expansion: int) -> InvertedResidual:
        middle = expansion * in_channels
        return InvertedResidual(in_channels, middle, channels, kernel, stride, size, nonlinearity="relu6", eps=_EPS)

    present = tuple((name, block(*OPERATIONS[name])) for name in names if name != IDENTITY)
    return Choice(in_channels, channels, present) if present else None


PROXYLESS = Proxyless("proxyless", "ProxylessNAS: kernel, expansion or nothing at each of 21 positions, ImageNet")
BN_NAS = Proxyless(
    "bn-nas",
    "BN-NAS: a wider ProxylessNAS of which four positions may be empty, ImageNet",
    stem=40,
    first=24,
    widths=(32, 56, 112, 128, 256, 432),
    last=1728,
    skipped=(1, 5, 6, 9),
)
