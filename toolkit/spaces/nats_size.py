"""The size space of NATS-Bench: five widths around a fixed cell.

Its code is five widths joined by colons, `8:64:32:16:48`: stem and first cell, then by turns a reduction and a cell.
The cell is `|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|` of
NAS-Bench-201. Definition: Dong et al., arXiv 2009.00437 (D-X-Y/AutoDL-Projects).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property

from toolkit.spaces.base import Arch, Decision, SearchSpace, shorten
from toolkit.spaces.features import FeatureKind, centred_logs, chosen, inverse_widths, log_widths, products
from toolkit.spaces.plans import Cell, Choice, ConvNorm, Head, Identity, NormReLU, Plans, Reduction
from toolkit.spaces.primitives import shrink

WIDTHS = tuple(range(8, 65, 8))
ENTRIES = 5
_BLOCKS = ((0, 1, 2), (2, 3), (3, 4), (4, 5), (5, 6, 7))
"""The positions that each width shapes: what it is the output of, and what reads that."""

_SPELLINGS = frozenset(map(str, WIDTHS))
_Skip = Callable[[int, int, int], Choice]


@dataclass(frozen=True)
class NATSSize(SearchSpace):
    """Three cells with a reduction between them, every combination of widths valid.

    A cell's skip connection is the identity where its width stays, else a 1x1 convolution with batch norm. The supernet
    holds that projection beside the identity, so each path runs exactly its stand-alone network.
    """

    name: str
    summary: str = ""
    channels: int = 3
    size: int = 32
    classes: int = 10

    @cached_property
    def decisions(self) -> tuple[Decision, ...]:
        """The five widths."""
        return tuple(Decision(f"width{i}", WIDTHS, blocks) for i, blocks in enumerate(_BLOCKS, start=1))

    def plans(self, arch: Arch) -> Plans:
        """8 positions: stem, a cell, twice a reduction and a cell, last norm, head."""
        return self._network([WIDTHS[answer] for answer in arch], _skip)

    @cached_property
    def widest(self) -> Plans:
        """Width 64 everywhere, with both kinds of skip connection where a width may change."""
        return self._network(ENTRIES * WIDTHS[-1:], _any_skip)

    def _network(self, widths: Sequence[int], skip: _Skip) -> Plans:
        """The network with these widths and `skip(in_channels, channels, size)` in the cells that may change theirs."""
        first, second, third, fourth, fifth = widths
        half = shrink(self.size, 2)
        quarter = shrink(half, 2)
        return (
            ConvNorm(self.channels, first, 3, stride=1, relu=None, size=self.size),
            _cell(first, first, self.size, _skip),
            Reduction(first, second, self.size),
            _cell(second, third, half, skip),
            Reduction(third, fourth, half),
            _cell(fourth, fifth, quarter, skip),
            NormReLU(fifth),
            Head(fifth, self.classes),
        )

    @property
    def largest(self) -> Arch:
        """Width 64 everywhere."""
        return ENTRIES * (len(WIDTHS) - 1,)

    @property
    def smallest(self) -> Arch:
        """Width 8 everywhere."""
        return ENTRIES * (0,)

    def active(self, answers: Sequence[int]) -> list[bool]:
        """Every decision always applies."""
        return [True] * len(answers)

    @property
    def feature_kinds(self) -> Mapping[str, FeatureKind]:
        """Besides those of every space, log c and 1/c of each width."""
        decisions = self.decisions
        return {
            **super().feature_kinds,
            "log-widths": lambda archs: log_widths(chosen(decisions, archs)),
            "inverse-widths": lambda archs: inverse_widths(chosen(decisions, archs)),
            "pairs": lambda archs: products(centred_logs(decisions, archs)),
        }

    @property
    def predicted_from(self) -> tuple[str, ...]:
        """The logarithms of the widths alone say nearly everything (tau .81 of their sum)."""
        return ("log-widths",)

    def format(self, arch: Arch) -> str:
        """Five widths joined by colons."""
        return ":".join(str(WIDTHS[answer]) for answer in arch)

    def _parse(self, code: str) -> Arch:
        return tuple(WIDTHS.index(int(width)) for width in code.split(":"))

    def problems(self, code: str) -> list[str]:
        """Every entry that is not a width; entries count from 1."""
        entries = code.split(":")
        if len(entries) != ENTRIES:
            return [f"found {len(entries)} entries, allowed: {ENTRIES} widths joined by ':'"]
        return [
            f"entry {i}: found {shorten(entry)!r}, allowed: a multiple of 8 from 8 to 64"
            for i, entry in enumerate(entries, start=1)
            if entry not in _SPELLINGS
        ]


@cache
def _cell(in_channels: int, channels: int, size: int, skip: _Skip) -> Cell:
    """The fixed cell; its first convolutions change the width."""
    first, later = (
        ConvNorm(width, channels, 3, stride=1, relu="before", size=size) for width in (in_channels, channels)
    )
    nodes = (first,), (first, later), (skip(in_channels, channels, size), later, later)
    return Cell(in_channels, channels, nodes)


def _skip(in_channels: int, channels: int, size: int) -> Choice:
    """The skip connection of one network."""
    identity, projection = _any_skip(in_channels, channels, size).branches
    return Choice(in_channels, channels, (identity if in_channels == channels else projection,))


def _any_skip(in_channels: int, channels: int, size: int) -> Choice:
    """Both kinds of skip connection."""
    projection = ConvNorm(in_channels, channels, 1, stride=1, relu=None, size=size)
    return Choice(in_channels, channels, (("identity", Identity()), ("projection", projection)))


NATS_SIZE = NATSSize("nats-size", "NATS-Bench size: five widths around a fixed cell, CIFAR")
