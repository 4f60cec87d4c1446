"""A space whose decisions constrain each other: channels may grow, but not shrink; it has a law and a distance."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.interference.toys import Toy
from toolkit.spaces import Arch, Decision, Plans
from toolkit.spaces.plans import ConvNorm, Head

WIDTHS = (2, 3, 4)


@dataclass(frozen=True)
class Growing(Toy):
    @property
    def cardinality(self) -> int:
        return 10  # of 27: three widths in ascending order

    def allows(self, arch: Arch) -> bool:
        return list(arch) == sorted(arch)

    def distance(self, first: Arch, second: Arch) -> int:
        return sum(abs(a - b) for a, b in zip(first, second, strict=True))

    def problems(self, code: str) -> list[str]:
        allowed = re.fullmatch("[012]-[012]-[012]", code) and self.allows(self._parse(code))
        return [] if allowed else [f"found {code}, allowed: ascending widths"]


class ByItsOwnLaw(Growing):
    """Every allowed architecture equally likely but the largest, which never comes."""

    def sample(self, rng: np.random.Generator) -> Arch:
        archs = [(a, b, c) for a in range(3) for b in range(a, 3) for c in range(b, 3)]
        return archs[rng.integers(len(archs) - 1)]


def _plans(options: Sequence[Any]) -> Plans:
    a, b, c = options
    if not a <= b <= c:
        raise AssertionError("asked for the plans of no architecture")
    layers = (ConvNorm(before, after, 3, 1, "after", 8) for before, after in ((1, a), (a, b), (b, c)))
    return (*layers, Head(c, 10))


_DECISIONS = tuple(Decision(f"width{i}", WIDTHS, (i, i + 1)) for i in range(3))
_IMAGES = {"channels": 1, "size": 8, "classes": 10}

GROWING = Growing(_DECISIONS, _plans, _plans((4, 4, 4)), "growing", **_IMAGES)
OWN_LAW = ByItsOwnLaw(_DECISIONS, _plans, _plans((4, 4, 4)), "own-law", **_IMAGES)
