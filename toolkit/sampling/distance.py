"""How different two architectures are."""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

from toolkit.errors import InputError
from toolkit.names import did_you_mean
from toolkit.sampling.base import underived
from toolkit.spaces import Arch, SearchSpace
from toolkit.spaces.nasbench201 import OPERATIONS, NASBench201
from toolkit.spaces.resnet48 import CODE_LENGTH, ResNet48

_FIRST_WIDTH = 5
"""Where the width digits begin in a code of 52 digits: after the image size and four depths."""

_CONVOLUTIONS = frozenset(i for i, operation in enumerate(OPERATIONS) if "conv" in operation)


@dataclass(frozen=True)
class Distance:
    """A distance between architectures of one space.

    Attributes:
        most: no two architectures are farther apart.
        far: from where on PGONAS calls a pair distant.
    """

    between: Callable[[Arch, Arch], float]
    most: float
    far: float

    def __call__(self, first: Arch, second: Arch) -> float:
        """How different two architectures are; 0 if they are equal."""
        return self.between(first, second)


def distance_of(name: str, space: SearchSpace) -> Distance:
    """The distance called `name`.

    - `decisions`: Hamming, the number of decisions answered differently; absent against present is a difference, and
      decisions that shape no block do not count.
    - `digits`: Hamming over the 47 width digits of a code of resnet48 (PGONAS). A stage's width stands in each of its
      blocks, so it counts as often.
    - `adaptive`: for NAS-Bench-201 (its author's port): an edge that changes between convolutions and others counts 2,
      any other change 0.5.

    Raises:
        InputError: there is none, or it is not one of this space.
    """
    if name not in _DISTANCES:
        raise InputError(f"unknown distance {name!r}{did_you_mean(name, _DISTANCES)}")
    kind, make = _DISTANCES[name]
    if not isinstance(underived(space), kind):
        raise InputError(f"distance {name!r} is not for space {space.name}; 'decisions' is for every space")
    return make(space)


def usual_distance(space: SearchSpace) -> str:
    """The name of PGONAS's own: `digits` in the family of resnet48, `decisions` elsewhere."""
    return "digits" if isinstance(underived(space), ResNet48) else "decisions"


def _decisions(space: SearchSpace) -> Distance:
    counting = [place for place, decision in enumerate(space.decisions) if decision.blocks]
    most = len(counting)
    # PGONAS's share of resnet48's digits; of six edges of NAS-Bench-201 that makes five, which is its port's choice.
    far = ceil(33 / 47 * most)
    return Distance(lambda first, second: sum(first[place] != second[place] for place in counting), most, far)


def _digits(space: SearchSpace) -> Distance:
    def between(first: Arch, second: Arch) -> int:
        codes = space.format(first)[_FIRST_WIDTH:], space.format(second)[_FIRST_WIDTH:]
        return sum(a != b for a, b in zip(*codes, strict=True))

    return Distance(between, CODE_LENGTH - _FIRST_WIDTH, 33)


def _adaptive(space: SearchSpace) -> Distance:
    def change(first: int, second: int) -> float:
        if first == second:
            return 0.0
        return 2.0 if (first in _CONVOLUTIONS) != (second in _CONVOLUTIONS) else 0.5

    return Distance(lambda first, second: sum(map(change, first, second)), 2.0 * len(space.decisions), 6.7)


_DISTANCES: dict[str, tuple[type[SearchSpace], Callable[[SearchSpace], Distance]]] = {
    "decisions": (SearchSpace, _decisions),
    "digits": (ResNet48, _digits),
    "adaptive": (NASBench201, _adaptive),
}
