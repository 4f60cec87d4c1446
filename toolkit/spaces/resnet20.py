"""The space of the CVPR 2021 Lightweight NAS Challenge, track 1: a CIFAR ResNet-20 with free widths.

Its code is 20 widths joined by dashes: the stem, then (conv1, conv2) of nine basic blocks, then one without effect:
the official network never uses entry 20 (it builds its classifier from entry 19).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

from toolkit.spaces.base import Arch, Decision, SearchSpace
from toolkit.spaces.features import FeatureKind, centred_logs, chosen, inverse_widths, log_widths, products
from toolkit.spaces.plans import BasicBlock, Head, Plan, Plans, Stem
from toolkit.spaces.primitives import shrink

ENTRIES = 20
BLOCKS = range(9)
BLOCKS_PER_STAGE = 3
_SETS = 7 * (tuple(range(4, 17, 4)),) + 6 * (tuple(range(4, 33, 4)),) + 7 * (tuple(range(4, 65, 4)),)
_SPELLINGS = tuple(frozenset(map(str, options)) for options in _SETS)
_block = lru_cache(maxsize=None)(BasicBlock)


@dataclass(frozen=True)
class ResNet20(SearchSpace):
    """Widths of the stem and of 18 convolutions, every combination valid.

    In the stand-alone network the first block of each stage projects its shortcut, and another only where its width
    changes (the official rule). All published supernets project always, and so does ours if `always_project`, because a
    shared block cannot be an identity in one path and a projection in the next without being trained as both.
    """

    name: str
    summary: str = ""
    always_project: bool = True
    channels: int = 3
    size: int = 32
    classes: int = 100

    @cached_property
    def decisions(self) -> tuple[Decision, ...]:
        """One width per entry of the code; the last shapes no block."""
        stem = Decision("stem", _SETS[0], (0, 1))
        blocks = [
            Decision(f"block{b + 1}.conv{conv}", _SETS[2 * b + conv], (b + 1,) if conv == 1 else (b + 1, b + 2))
            for b in BLOCKS
            for conv in (1, 2)
        ]
        return (stem, *blocks, Decision("unused", _SETS[-1], ()))

    def plans(self, arch: Arch) -> Plans:
        """11 positions: stem, nine blocks, head, with the official shortcut rule."""
        widths = [options[answer] for options, answer in zip(_SETS, arch, strict=True)]
        size = self.size
        plans: list[Plan | None] = [Stem(self.channels, widths[0], kernel=3, stride=1, pool=False, size=size)]
        for b in BLOCKS:
            before, middle, after = widths[2 * b : 2 * b + 3]
            first = b % BLOCKS_PER_STAGE == 0
            stride = 2 if first and b else 1
            plans.append(_block(before, middle, after, stride, first or before != after, size))
            size = shrink(size, stride)
        plans.append(Head(widths[18], self.classes))
        return tuple(plans)

    def supernet_plans(self, arch: Arch) -> Plans:
        """The official plans, but every shortcut projects if `always_project`."""
        plans = self.plans(arch)
        return _projected(plans) if self.always_project else plans

    @property
    def widest(self) -> Plans:
        """The largest plans, each with a projection: some path needs it in every block."""
        return _projected(self.plans(self.largest))

    @cached_property
    def largest(self) -> Arch:
        """Every width the largest of its set. Stand-alone, the few that need more projections cost a little more."""
        return tuple(len(options) - 1 for options in _SETS)

    @cached_property
    def smallest(self) -> Arch:
        """Every width 4."""
        return (0,) * ENTRIES

    def active(self, answers: Sequence[int]) -> list[bool]:
        """Every decision always applies; the unused entry is part of the code."""
        return [True] * len(answers)

    @property
    def feature_kinds(self) -> Mapping[str, FeatureKind]:
        """Besides those of every space, log c and 1/c of each of the 19 widths that shape a block."""
        used = self.decisions[:-1]
        return {
            **super().feature_kinds,
            "log-widths": lambda archs: log_widths(chosen(used, _used(archs))),
            "inverse-widths": lambda archs: inverse_widths(chosen(used, _used(archs))),
            "pairs": lambda archs: products(centred_logs(used, _used(archs))),
        }

    @property
    def predicted_from(self) -> tuple[str, ...]:
        """Accuracy is nearly additive in log c and 1/c of the layers."""
        return "log-widths", "inverse-widths", "costs"

    def format(self, arch: Arch) -> str:
        """20 widths joined by dashes."""
        return "-".join(str(options[answer]) for options, answer in zip(_SETS, arch, strict=True))

    def _parse(self, code: str) -> Arch:
        return tuple(int(width) // 4 - 1 for width in code.split("-"))

    def problems(self, code: str) -> list[str]:
        """Every entry that is not a width of its set; entries count from 1, as in the challenge's description."""
        entries = code.split("-")
        if len(entries) != ENTRIES:
            return [f"found {len(entries)} entries, allowed: {ENTRIES} widths joined by '-'"]
        return [
            f"entry {i}: found {entry!r}, allowed: a multiple of 4 from 4 to {options[-1]}"
            for i, (entry, options, spellings) in enumerate(zip(entries, _SETS, _SPELLINGS, strict=True), start=1)
            if entry not in spellings
        ]


def _used(archs: Sequence[Arch]) -> list[Arch]:
    return [arch[:-1] for arch in archs]


def _projected(plans: Plans) -> Plans:
    return tuple(replace(plan, project=True) if isinstance(plan, BasicBlock) else plan for plan in plans)


RESNET20 = ResNet20("resnet20", "CVPR 2021 challenge: ResNet-20 with free widths, CIFAR-100")
