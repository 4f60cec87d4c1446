"""The spaces of once-for-all: MobileNets whose kernels, expansions, depths and resolution are chosen.

A code is `KS-E-D-R`: a digit per block for its kernel and its expansion, 0 where the block is absent, a digit per stage
for its depth, then the resolution: `35305535753535733353-34304463663466646663-34444-236`. The authors write the same
as JSON, `{"ks": [...], "e": [...], "d": [...], "r": 236}` (`OFA.respelled`, `OFA.config`). Definition: Cai et al.,
arXiv 1908.09791, by the released code (mit-han-lab/once-for-all). `ofa-mini` is a reduction of ours for small images.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import accumulate
from math import prod
from typing import Any

from toolkit.spaces.base import ABSENT, Arch, Decision, SearchSpace, shorten
from toolkit.spaces.plans import ConvNorm, Head, InvertedResidual, MobileHead, Plan, Plans, Stem
from toolkit.spaces.primitives import EPS, Nonlinearity, shrink
from toolkit.spaces.widths import make_divisible

KERNELS = (3, 5, 7)
EXPANSIONS = (3, 4, 6)
DEPTHS = (2, 3, 4)
RESOLUTIONS = tuple(range(128, 225, 4))
LARGER = tuple(range(128, 261, 4))
"""Networks published at width 1.2 have up to 260 pixels."""

_PARTS = ("ks", "e", "d", "r")
_block = lru_cache(maxsize=None)(InvertedResidual)


@dataclass(frozen=True)
class Stage:
    """Blocks of one width, the first of which has the stride.

    Attributes:
        channels: at multiplier 1.
        squeeze: whether its blocks have squeeze-and-excitation.
        elastic: False: always one block; True: two to four.
    """

    channels: int
    stride: int
    squeeze: bool = False
    nonlinearity: Nonlinearity = "relu"
    elastic: bool = True

    @property
    def blocks(self) -> int:
        """At most."""
        return DEPTHS[-1] if self.elastic else 1


MBV3 = (
    Stage(24, 2),
    Stage(40, 2, squeeze=True),
    Stage(80, 2, nonlinearity="h-swish"),
    Stage(112, 1, squeeze=True, nonlinearity="h-swish"),
    Stage(160, 2, squeeze=True, nonlinearity="h-swish"),
)
PROXYLESS = (
    *(
        Stage(channels, stride, nonlinearity="relu6")
        for channels, stride in zip((24, 40, 80, 96, 192), (2, 2, 2, 1, 2), strict=True)
    ),
    Stage(320, 1, nonlinearity="relu6", elastic=False),
)


@dataclass(frozen=True)
class OFA(SearchSpace):
    """Stem, a fixed first block of expansion 1, stages of two to four blocks, last convolution, head.

    Any answers go together. The supernet holds 7x7 kernels; matrices make the smaller ones of them, in the supernet
    only: a network alone has kernels of its own sizes. Expansions are leading channels, depths the leading blocks of a
    stage.

    Attributes:
        stages: those after the first block.
        multiplier: of all widths, which then are multiples of 8.
        stem, first: channels of the first convolution and the first block, at multiplier 1.
        expanded: channels of a 1x1 convolution before the pooling, with batch norm; at multiplier 1.
        mixed: channels of one after it, without (MobileNetV3); 0: none.
        nonlinearity: of stem and last convolution; `inner` that of the first block.
        stem_stride: of the first convolution.
        resolutions: to which images are brought, whatever their size.
        eps: of the batch norms.
    """

    name: str
    summary: str = ""
    stages: tuple[Stage, ...] = MBV3
    multiplier: float = 1.0
    stem: int = 16
    first: int = 16
    expanded: int = 960
    mixed: int = 1280
    nonlinearity: Nonlinearity = "h-swish"
    inner: Nonlinearity = "relu"
    stem_stride: int = 2
    resolutions: tuple[int, ...] = RESOLUTIONS
    eps: float = EPS
    channels: int = 3
    size: int = 224
    classes: int = 1000

    @cached_property
    def decisions(self) -> tuple[Decision, ...]:
        """The resolution, the depth of each stage, then kernel and expansion of each block."""
        everything = tuple(range(self._last + 1))
        depths = [
            Decision(f"depth{stage}", DEPTHS, tuple(range(start + DEPTHS[0], start + DEPTHS[-1])))
            for stage, start in zip(self._elastic, self._starts, strict=False)
        ]
        blocks = [(f"{stage}.{number}", position) for stage, number, position in self._slots]
        return (
            Decision("resolution", self.resolutions, everything),
            *depths,
            *(Decision(f"kernel{name}", KERNELS, (position,)) for name, position in blocks),
            *(Decision(f"expand{name}", EXPANSIONS, (position,)) for name, position in blocks),
        )

    @cached_property
    def _elastic(self) -> tuple[int, ...]:
        """Numbers of the stages whose depth is chosen, counted from 1; they come first."""
        return tuple(number for number, stage in enumerate(self.stages, 1) if stage.elastic)

    @cached_property
    def _starts(self) -> tuple[int, ...]:
        """Position of each stage's first block; stem and first block come before."""
        return tuple(accumulate((stage.blocks for stage in self.stages[:-1]), initial=2))

    @cached_property
    def _slots(self) -> tuple[tuple[int, int, int], ...]:
        """Stage, number and position of each block that may be there."""
        return tuple(
            (number, block + 1, start + block)
            for (number, stage), start in zip(enumerate(self.stages, 1), self._starts, strict=True)
            for block in range(stage.blocks)
        )

    @property
    def _last(self) -> int:
        """Position of the last convolution before the head."""
        return 2 + len(self._slots)

    def _width(self, channels: int) -> int:
        return make_divisible(channels * self.multiplier, 8)

    def plans(self, arch: Arch) -> Plans:
        """Stem, first block, a position for each block that may be there, last convolution, head."""
        return self._network(arch, shared=False)

    def supernet_plans(self, arch: Arch) -> Plans:
        """The same, but kernels are made of those of the supernet."""
        return self._network(arch, shared=True)

    @cached_property
    def widest(self) -> Plans:
        """The largest path."""
        return self.supernet_plans(self.largest)

    def _network(self, arch: Arch, *, shared: bool) -> Plans:
        resolution = self.resolutions[arch[0]]
        plans, width, size = self._ends(resolution)
        kernels, expansions = self._answers(arch)
        family = tuple(reversed(KERNELS)) if shared else ()
        for (number, block, _), kernel, expansion in zip(self._slots, kernels, expansions, strict=True):
            stage = self.stages[number - 1]
            if kernel == ABSENT:
                plans.append(None)
                continue
            stride = stage.stride if block == 1 else 1
            channels, middle = self._width(stage.channels), make_divisible(round(width * EXPANSIONS[expansion]), 8)
            plans.append(
                _block(
                    width,
                    middle,
                    channels,
                    KERNELS[kernel],
                    stride,
                    size,
                    squeeze=stage.squeeze,
                    nonlinearity=stage.nonlinearity,
                    kernels=family,
                    eps=self.eps,
                )
            )
            width, size = channels, shrink(size, stride)
        expanded = self._width(self.expanded)
        plans.append(ConvNorm(width, expanded, 1, 1, "after", size, self.nonlinearity, self.eps))
        head = (
            MobileHead(expanded, self._width(self.mixed), self.classes) if self.mixed else Head(expanded, self.classes)
        )
        return (*plans, head)

    def _ends(self, resolution: int) -> tuple[list[Plan | None], int, int]:
        """Stem and first block, and the width and height that they leave."""
        stem, first, size = self._width(self.stem), self._width(self.first), shrink(resolution, self.stem_stride)
        return (
            [
                Stem(
                    self.channels,
                    stem,
                    kernel=3,
                    stride=self.stem_stride,
                    pool=False,
                    size=self.size,
                    resolution=resolution,
                    nonlinearity=self.nonlinearity,
                    eps=self.eps,
                ),
                _block(stem, stem, first, 3, 1, size, expand=False, nonlinearity=self.inner, eps=self.eps),
            ],
            first,
            size,
        )

    def _answers(self, arch: Arch) -> tuple[Arch, Arch]:
        """Those on kernels and on expansions."""
        blocks = len(self._slots)
        return arch[-2 * blocks : -blocks], arch[-blocks:]

    @cached_property
    def largest(self) -> Arch:
        """The last option of everything."""
        return tuple(len(decision.options) - 1 for decision in self.decisions)

    @cached_property
    def smallest(self) -> Arch:
        """The first option of everything."""
        return self.canonical([0] * len(self.decisions))

    @cached_property
    def cardinality(self) -> int:
        """Of each stage, for each depth the kernels and expansions of as many blocks."""
        pairs = len(KERNELS) * len(EXPANSIONS)
        of_stages = [sum(pairs**depth for depth in (DEPTHS if stage.elastic else (1,))) for stage in self.stages]
        return int(len(self.resolutions) * prod(of_stages))

    def active(self, answers: Sequence[int]) -> list[bool]:
        """Kernel and expansion apply where the block is present."""
        depths = dict(zip(self._elastic, answers[1:], strict=False))
        present = [number not in depths or block <= DEPTHS[depths[number]] for number, block, _ in self._slots]
        return [True] * (1 + len(self._elastic)) + 2 * present

    @property
    def image_decisions(self) -> tuple[int, ...]:
        """The resolution."""
        return (0,)

    def format(self, arch: Arch) -> str:
        """`KS-E-D-R`."""
        config = self.config(arch)
        ks, e, d = ("".join(map(str, config[part])) for part in _PARTS[:3])
        return f"{ks}-{e}-{d}-{config['r']}"

    def config(self, arch: Arch) -> dict[str, Any]:
        """As the authors write it: lists `ks` and `e` with one number per block, 0 where it is absent, `d`, and `r`."""
        kernels, expansions = self._answers(arch)
        depths = dict(zip(self._elastic, arch[1:], strict=False))
        return {
            "ks": [0 if answer == ABSENT else KERNELS[answer] for answer in kernels],
            "e": [0 if answer == ABSENT else EXPANSIONS[answer] for answer in expansions],
            "d": [DEPTHS[depths[number]] if number in depths else 1 for number in range(1, len(self.stages) + 1)],
            "r": self.resolutions[arch[0]],
        }

    def respelled(self, text: str) -> str:
        """The code that an authors' JSON means; any other text as it is, and so is JSON that is not of this shape.

        Numbers of absent blocks are not looked at, for there theirs says what was drawn before the depth cut it off.
        """
        try:
            given = json.loads(text)
            ks, e, d = (list(map(_digit, given[part])) for part in _PARTS[:3])
            r = given["r"] if isinstance(given["r"], list) else [given["r"]]
        except (ValueError, TypeError, KeyError, RecursionError):
            return text
        if len(ks) != len(self._slots) or len(e) != len(ks) or len(r) != 1 or len(given.keys() - {*_PARTS, "wid"}):
            return text
        depths = d if len(d) == len(self.stages) else [*d, *"1" * (len(self.stages) - len(d))]
        for place, (number, block, _) in enumerate(self._slots):
            if number <= len(depths) and block > int(depths[number - 1]):
                ks[place] = e[place] = "0"
        return f"{''.join(ks)}-{''.join(e)}-{''.join(depths)}-{r[0]}"

    def _parse(self, code: str) -> Arch:
        ks, e, d, r = code.split("-")
        depths = [DEPTHS.index(int(d[number - 1])) for number in self._elastic]
        blocks = [
            ABSENT if digit == "0" else options.index(int(digit))
            for digits, options in ((ks, KERNELS), (e, EXPANSIONS))
            for digit in digits
        ]
        return (self.resolutions.index(int(r)), *depths, *blocks)

    def problems(self, code: str) -> list[str]:
        """Every rule that `code` breaks; blocks and stages count from 1."""
        parts = code.split("-")
        if len(parts) != len(_PARTS):
            return [
                f"found {len(parts)} parts, allowed: 4 between dashes: kernels, expansions, depths, resolution, as in "
                f"{self.format(self.smallest)}"
            ]
        *digits, resolution = parts
        lengths = (len(self._slots), len(self._slots), len(self.stages))
        found = [
            f"{what}: found {len(part)} characters, allowed: {length} digits"
            for what, part, length in zip(("kernels", "expansions", "depths"), digits, lengths, strict=True)
            if len(part) != length
        ] or list(self._wrong(*digits))
        if resolution not in map(str, self.resolutions):
            found.append(f"resolution: found {shorten(resolution)!r}, allowed: {_listed(self.resolutions)}")
        return found

    def _wrong(self, ks: str, e: str, d: str) -> Iterator[str]:
        """The digits that break rules, where there are as many as there must be."""
        depths: dict[int, int] = {}
        for number, (stage, digit) in enumerate(zip(self.stages, d, strict=True), 1):
            allowed = DEPTHS if stage.elastic else (1,)
            if digit in map(str, allowed):
                depths[number] = int(digit)
            else:
                yield f"depth of stage {number}: found {digit!r}, allowed: {_listed(allowed)}"
        for what, digits, options in (("kernel", ks, KERNELS), ("expansion", e, EXPANSIONS)):
            for (number, block, _), digit in zip(self._slots, digits, strict=True):
                where = f"{what} of stage {number}, block {block}"
                depth = depths.get(number)
                if digit in map(str, options) and (depth is None or block <= depth):
                    continue
                if depth is None and digit == "0":
                    continue  # it is unclear whether the block should be there
                if depth is not None and block > depth:
                    if digit != "0":
                        yield f"{where}: found {digit!r}, allowed: 0, for the stage has {depth} blocks"
                else:
                    yield f"{where}: found {digit!r}, allowed: {_listed(options)}"


def _digit(number: object) -> str:
    """A number of one digit, as text.

    Raises:
        TypeError: it is none.
    """
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= 9:
        raise TypeError(number)
    return str(number)


def _listed(options: Sequence[int]) -> str:
    return ", ".join(map(str, options))


_PROXYLESS: dict[str, Any] = {
    "stages": PROXYLESS,
    "stem": 32,
    "expanded": 1280,
    "mixed": 0,
    "nonlinearity": "relu6",
    "inner": "relu6",
    "eps": 1e-3,
}
OFA_MBV3 = OFA("ofa-mbv3", "once-for-all: MobileNetV3, width 1.0, ImageNet")
OFA_MBV3_WIDE = OFA(
    "ofa-mbv3-w1.2", "once-for-all: MobileNetV3, width 1.2, ImageNet", multiplier=1.2, resolutions=LARGER
)
OFA_PROXYLESS = OFA("ofa-proxyless", "once-for-all: ProxylessNAS, width 1.0, ImageNet", **_PROXYLESS)
OFA_PROXYLESS_WIDE = OFA(
    "ofa-proxyless-w1.3", "once-for-all: ProxylessNAS, width 1.3, ImageNet", multiplier=1.3, **_PROXYLESS
)
_STRIDES = (1, 2, 2, 1, 2)
OFA_MINI = OFA(
    "ofa-mini",
    "a small once-for-all, MobileNetV3 of width 0.5, CIFAR-100 (a reduction of ours)",
    stages=tuple(
        Stage(stage.channels, stride, stage.squeeze, stage.nonlinearity)
        for stage, stride in zip(MBV3, _STRIDES, strict=True)
    ),
    multiplier=0.5,
    stem_stride=1,
    resolutions=(16, 20, 24, 28, 32),
    size=32,
    classes=100,
)
