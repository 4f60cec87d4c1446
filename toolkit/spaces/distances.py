"""How different two architectures are."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil

Answers = tuple[int, ...]


@dataclass(frozen=True)
class Distance:
    """A distance between architectures of one space.

    Attributes:
        most: no two architectures are farther apart.
        far: from where on PGONAS calls a pair distant.
    """

    between: Callable[[Answers, Answers], float]
    most: float
    far: float

    def __call__(self, first: Answers, second: Answers) -> float:
        """How different two architectures are; 0 if they are equal."""
        return self.between(first, second)


def hamming(places: Sequence[int]) -> Distance:
    """The number of decisions, of those at `places`, that are answered differently.

    Absent against present is a difference.
    """
    # PGONAS's share of resnet48's digits; of six edges of NAS-Bench-201 that makes five, which is its port's choice.
    far = ceil(33 / 47 * len(places))
    return Distance(lambda first, second: sum(first[place] != second[place] for place in places), len(places), far)
