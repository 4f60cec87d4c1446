"""The space of the CVPR 2022 Lightweight NAS Challenge, track 1, and its small relatives.

A ResNet of basic blocks in four stages. Its code has 52 digits: the image size (always 1), four depths, the stem's
width, then two width digits (conv1, conv2) for each of the 5 + 5 + 8 + 5 block slots, `00` where a block is absent. The
documentation's codes have 51 digits: they lack the first. Digit d in 1..7 is the ratio 1.0, 0.95, ... 0.7: a bigger
digit is a narrower layer. Inside a stage every conv2 has the same digit (the residual stream), in stage 1 the stem's.
Rules checked on all 45,000 official codes; sources in the challenge's demo kit (xiteng01/CVPR_2022_Track1_demo).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import accumulate
from math import prod

import numpy as np

from toolkit.spaces.base import ABSENT, Arch, Decision, SearchSpace
from toolkit.spaces.distances import Distance
from toolkit.spaces.features import Columns, FeatureKind, one_hot, products
from toolkit.spaces.plans import BasicBlock, Head, Plan, Plans, Stem
from toolkit.spaces.primitives import shrink
from toolkit.spaces.widths import make_divisible

RATIOS = (1.0, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7)
"""What the width digits 1..7 stand for, officially."""

MIN_DEPTH = 2
MAX_DEPTHS = (5, 5, 8, 5)
STRIDES = (1, 2, 2, 2)
STAGES = range(4)
CODE_LENGTH = 52
_FIRST_WIDTH = 5
"""Where the width digits begin in a code: after the image size and four depths."""

_FIRST_BLOCKS = tuple(accumulate(MAX_DEPTHS[:-1], initial=1))
"""Position of each stage's first block slot in the network; the stem is position 0."""

_FIRST_SLOT = 6
"""Position of the first block's digits in the code."""

_OPTIONS = bytes((byte - ord("1")) % 256 for byte in range(256))
"""Of a digit, as signed bytes: 1 is option 0, and 0, an absent block, becomes -1, which is ABSENT."""

_stem = lru_cache(maxsize=None)(Stem)
_block = lru_cache(maxsize=None)(BasicBlock)
_head = lru_cache(maxsize=None)(Head)


@dataclass(frozen=True)
class ResNet48(SearchSpace):
    """One definition for the official space and its variants; they differ in these numbers only.

    Attributes:
        digits: per stage, the largest width digit allowed.
        ratios: what the width digits 1..7 stand for.
        base: per stage, the channels at ratio 1.
        divisor: widths are multiples of it.
        stem_kernel, stem_stride, stem_pool: the first convolution, and whether a max pooling follows it.
    """

    name: str
    summary: str = ""
    digits: tuple[int, int, int, int] = (3, 3, 5, 7)
    ratios: tuple[float, ...] = RATIOS
    base: tuple[int, int, int, int] = (64, 128, 256, 512)
    divisor: int = 8
    stem_kernel: int = 7
    stem_stride: int = 2
    stem_pool: bool = True
    channels: int = 3
    size: int = 224
    classes: int = 1000

    @cached_property
    def decisions(self) -> tuple[Decision, ...]:
        """Four depths, four stage widths, then the middle width of each of the 23 block slots."""
        depths, widths, middles = [], [], []
        for stage, maximum in enumerate(MAX_DEPTHS):
            first, width_digits = _FIRST_BLOCKS[stage], tuple(range(1, self.digits[stage] + 1))
            blocks = tuple(range(first, first + maximum))
            following = first + maximum  # its input is this stage's residual stream
            depths.append(Decision(f"depth{stage + 1}", tuple(range(MIN_DEPTH, maximum + 1)), blocks[MIN_DEPTH:]))
            before = (0,) if stage == 0 else ()  # the stem shares stage 1's width
            widths.append(Decision(f"width{stage + 1}", width_digits, (*before, *blocks, following)))
            middles += [Decision(f"middle{stage + 1}.{i + 1}", width_digits, (b,)) for i, b in enumerate(blocks)]
        return (*depths, *widths, *middles)

    @cached_property
    def _widths(self) -> tuple[tuple[int, ...], ...]:
        """Channels by stage and option index."""
        return tuple(
            tuple(make_divisible(base * ratio, self.divisor) for ratio in self.ratios[:digits])
            for base, digits in zip(self.base, self.digits, strict=True)
        )

    @cached_property
    def _digits_allowed(self) -> tuple[frozenset[str], ...]:
        """The width digits of a present block, by stage."""
        return tuple(frozenset("1234567"[:limit]) for limit in self.digits)

    @cached_property
    def _valid(self) -> re.Pattern[str]:
        """The grammar of 52 digits in one expression: tens of thousands of codes are read at a time, most are right."""
        stages = []
        for stage, (maximum, digits) in enumerate(zip(MAX_DEPTHS, self.digits, strict=True)):
            between = _FIRST_SLOT + 2 * (_FIRST_BLOCKS[stage] - 1) - (2 + stage)  # from the depth to the first block
            depths = []
            for depth in range(MIN_DEPTH, maximum + 1):
                width = f"(?P<w{stage}d{depth}>[1-{digits}])"
                # The residual stream: in stage 1 the stem's width, which comes just before the blocks.
                begin = f".{{{between - 1}}}{width}" if stage == 0 else f".{{{between}}}[1-{digits}]{width}"
                more = depth - (stage > 0)
                blocks = f"(?:[1-{digits}](?P=w{stage}d{depth})){{{more}}}" + "00" * (maximum - depth)
                depths.append(f"{depth}{begin}{blocks}")
            stages.append(f"(?=.{{{1 + stage}}}(?:{'|'.join(depths)}))")
        return re.compile(f"{''.join(stages)}1[0-9]{{{CODE_LENGTH - 1}}}")

    @cached_property
    def _stage_sizes(self) -> tuple[int, ...]:
        """Height at the input of each stage."""
        size = shrink(self.size, self.stem_stride)
        if self.stem_pool:
            size = shrink(size, 2)
        return tuple(accumulate(STRIDES[:-1], shrink, initial=size))

    def plans(self, arch: Arch) -> Plans:
        """25 positions: stem, 23 block slots, head. A shortcut projects exactly where a stage begins with a stride."""
        width = self._widths[0][arch[4]]
        stem = _stem(self.channels, width, self.stem_kernel, self.stem_stride, self.stem_pool, self.size)
        plans: list[Plan | None] = [stem]
        for stage in STAGES:
            maximum, widths = MAX_DEPTHS[stage], self._widths[stage]
            depth, channels = arch[stage] + MIN_DEPTH, widths[arch[4 + stage]]
            stride, size = STRIDES[stage], self._stage_sizes[stage]
            first = 7 + len(plans)  # index of this stage's first middle decision: 8 decisions before, 1 plan before
            for middle in arch[first : first + depth]:
                plans.append(_block(width, widths[middle], channels, stride, stride != 1 or width != channels, size))
                size, stride, width = shrink(size, stride), 1, channels
            plans += [None] * (maximum - depth)
        plans.append(_head(width, self.classes))
        return tuple(plans)

    @property
    def widest(self) -> Plans:
        """The plans of the largest candidate: it is the widest at every position."""
        return self.plans(self.largest)

    @cached_property
    def largest(self) -> Arch:
        """Every block present, every ratio 1."""
        return (*(maximum - MIN_DEPTH for maximum in MAX_DEPTHS), *[0] * (4 + sum(MAX_DEPTHS)))

    @cached_property
    def smallest(self) -> Arch:
        """Two blocks a stage, every ratio the smallest that the stage allows."""
        narrowest = [count - 1 for count in self.digits]
        middles = [narrowest[stage] for stage in STAGES for _ in range(MAX_DEPTHS[stage])]
        return self.canonical((0, 0, 0, 0, *narrowest, *middles))

    @cached_property
    def cardinality(self) -> int:
        """Per stage: its width times, for each depth, the middle widths of as many blocks."""
        return prod(
            digits * sum(digits**depth for depth in range(MIN_DEPTH, maximum + 1))
            for digits, maximum in zip(self.digits, MAX_DEPTHS, strict=True)
        )

    def active(self, answers: Sequence[int]) -> list[bool]:
        """A middle width applies where its block is present."""
        active = [True] * 8
        for stage, maximum in enumerate(MAX_DEPTHS):
            depth = answers[stage] + MIN_DEPTH
            active += [True] * depth + [False] * (maximum - depth)
        return active

    @property
    def feature_kinds(self) -> Mapping[str, FeatureKind]:
        """Besides those of every space: depths, the logarithms of width ratios, products of what stages have."""
        return {
            **super().feature_kinds,
            "depths": lambda archs: one_hot(self.decisions[:4], archs),
            "log-widths": self._log_widths,
            "pairs": lambda archs: products(self._stages(archs)),
        }

    @property
    def predicted_from(self) -> tuple[str, ...]:
        """Depths and width ratios, and what they cost."""
        return "depths", "log-widths", "costs"

    def _log_widths(self, archs: Sequence[Arch]) -> Columns:
        """log of channels as a share of the stage's most: 0 in the widest block, and 0 where there is none."""
        answers = np.array(archs, dtype=np.int16).reshape(len(archs), -1)
        stages = [*STAGES, *(stage for stage in STAGES for _ in range(MAX_DEPTHS[stage]))]
        found = {}
        for place, (stage, decision) in enumerate(zip(stages, self.decisions[4:], strict=True), start=4):
            widths = np.array(self._widths[stage], dtype=np.float64)
            ratios = np.append(np.log(widths / widths[0]), 0.0)  # ABSENT, -1, is the last
            found[f"log {decision.name}"] = ratios[answers[:, place]]
        return found

    def _stages(self, archs: Sequence[Arch]) -> Columns:
        """Of each stage its depth, its width and the middle widths of its blocks together, about centred."""
        logs = self._log_widths(archs)
        answers = np.array(archs, dtype=np.float64).reshape(len(archs), -1)
        found: Columns = {}
        for stage, maximum in enumerate(MAX_DEPTHS):
            number, ratios = stage + 1, np.log(np.array(self._widths[stage]) / self._widths[stage][0])
            middles = [logs[f"log middle{number}.{block}"] for block in range(1, maximum + 1)]
            depth = answers[:, stage] + MIN_DEPTH
            found[f"depth{number}"] = depth - (MIN_DEPTH + maximum) / 2
            found[f"log width{number}"] = logs[f"log width{number}"] - ratios.mean()
            found[f"log middles{number}"] = np.sum(middles, axis=0) / depth - ratios.mean()
        return found

    def format(self, arch: Arch, *, image_digit: bool = True) -> str:
        """The 52-digit code of the official file, or the 51 digits of its documentation."""
        digits = ["1"] if image_digit else []
        digits += [str(answer + MIN_DEPTH) for answer in arch[:4]]
        digits.append(str(arch[4] + 1))
        middles = iter(arch[8:])
        for stage in STAGES:
            width = str(arch[4 + stage] + 1)
            for _ in range(MAX_DEPTHS[stage]):
                middle = next(middles)
                digits.append("00" if middle == ABSENT else f"{middle + 1}{width}")
        return "".join(digits)

    def _parse(self, code: str) -> Arch:
        options = memoryview(code[1 - CODE_LENGTH :].encode().translate(_OPTIONS)).cast("b").tolist()
        slots = options[_FIRST_SLOT - 1 :]
        depths = [option + 1 - MIN_DEPTH for option in options[:4]]
        return (*depths, *[slots[2 * block - 1] for block in _FIRST_BLOCKS], *slots[::2])

    @property
    def distances(self) -> Mapping[str, Distance]:
        """`digits`, of PGONAS: Hamming over the code's 47 width digits. `decisions` counts a stage's width once."""

        def between(first: Arch, second: Arch) -> int:
            codes = self.format(first)[_FIRST_WIDTH:], self.format(second)[_FIRST_WIDTH:]
            return sum(a != b for a, b in zip(*codes, strict=True))

        return {"digits": Distance(between, CODE_LENGTH - _FIRST_WIDTH, 33), **super().distances}

    def problems(self, code: str) -> list[str]:
        """Every rule that `code` breaks; positions count from 0 in the code as given."""
        if self._valid.fullmatch(code):
            return []
        if len(code) not in (CODE_LENGTH, CODE_LENGTH - 1):
            return [
                f"found {len(code)} characters, allowed: {CODE_LENGTH} digits, "
                f"or {CODE_LENGTH - 1} without the leading image-size digit"
            ]
        if not (code.isascii() and code.isdigit()):
            found = ((i, char) for i, char in enumerate(code) if char not in "0123456789")
            return [f"position {i}: found {char!r}, allowed: digits" for i, char in found]
        shift = CODE_LENGTH - len(code)
        if shift and code[0] == "1":  # the documented form begins with a depth, 2 or more
            return [f"found {len(code)} digits that begin with the image size, allowed: {CODE_LENGTH} (one is missing)"]
        return list(self._violations(code if shift == 0 else "1" + code, shift))

    def _violations(self, code: str, shift: int) -> Iterator[str]:
        """The broken rules of 52 digits. `shift` is how far positions in the user's own string lie to the left."""

        def wrong(position: int, what: str, allowed: str) -> str:
            return f"position {position - shift} ({what}): found {code[position]!r}, allowed: {allowed}"

        if code[0] != "1":
            yield wrong(0, "image size", "1")
        stem, stage1 = code[5], code[_FIRST_SLOT + 1]
        if stem not in self._digits_allowed[0]:
            yield wrong(5, "stem width", f"1-{self.digits[0]}")
        elif stem != stage1 and stage1 in self._digits_allowed[0]:
            yield wrong(5, "stem width", f"{stage1}, as conv2 of stage 1: its shortcut is the identity")
        for stage, maximum in enumerate(MAX_DEPTHS):
            depth, allowed = int(code[1 + stage]), self._digits_allowed[stage]
            depth_known = MIN_DEPTH <= depth <= maximum
            if not depth_known:
                yield wrong(1 + stage, f"depth of stage {stage + 1}", f"{MIN_DEPTH}-{maximum}")
            first = _FIRST_SLOT + 2 * (_FIRST_BLOCKS[stage] - 1)
            slots = code[first : first + 2 * maximum]
            residual = slots[1]
            for slot, digit in enumerate(slots):
                block, conv = slot // 2 + 1, slot % 2 + 1
                what = f"stage {stage + 1}, block {block}, conv{conv}"
                if depth_known and block > depth:
                    if digit != "0":
                        yield wrong(first + slot, what, f"0, for the stage has {depth} blocks")
                elif digit == "0":
                    if depth_known:  # otherwise it is unclear whether the block should be there
                        yield wrong(first + slot, what, f"1-{len(allowed)}, for the stage has {depth} blocks")
                elif digit not in allowed:
                    yield wrong(first + slot, what, f"1-{len(allowed)}")
                elif conv == 2 and digit != residual and residual in allowed:
                    yield wrong(first + slot, what, f"{residual}, as in block 1: conv2 is the same in the whole stage")


RESNET48 = ResNet48("resnet48", "CVPR 2022 challenge: ResNet-48, ImageNet, the grammar of its 45,000 candidates")
RESNET48_WIDE = ResNet48("resnet48-wide", "resnet48 with all seven widths in every stage", digits=(7, 7, 7, 7))
RESNET48_MINI = ResNet48(
    "resnet48-mini",
    "the codes of resnet48, an eighth of its widths, for 8x8 digits: fits a laptop",
    base=(8, 16, 32, 64),  # an eighth of every official width, exactly
    divisor=1,
    stem_kernel=3,
    stem_pool=False,
    channels=1,
    size=8,
    classes=10,
)
RESNET48_TINY = replace(
    RESNET48_MINI,
    name="resnet48-tiny",
    summary="the codes of resnet48 for `turned-digits`, widths from 1 to 0.12: networks that differ",
    ratios=(1.0, 0.6, 0.4, 0.3, 0.22, 0.16, 0.12),
    classes=40,
)
