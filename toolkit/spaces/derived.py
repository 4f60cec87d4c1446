"""Spaces made of a space: the same candidates, codes and costs, but another supernet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from toolkit.spaces.base import Arch, Auxiliary, Decision, SearchSpace
from toolkit.spaces.distances import Distance
from toolkit.spaces.features import FeatureKind
from toolkit.spaces.options import SpaceOptions
from toolkit.spaces.plans import Plans


@dataclass(frozen=True)
class DerivedSpace(SearchSpace):
    """All that is `base`'s; what a subclass changes is the supernet: `supernet_plans` and `widest`."""

    base: SearchSpace

    def __post_init__(self) -> None:
        for field in ("name", "summary", "channels", "size", "classes", "drop_path"):
            object.__setattr__(self, field, getattr(self.base, field))

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """Those of the base."""
        return self.base.decisions

    def plans(self, arch: Arch) -> Plans:
        """The stand-alone candidate: sharing does not concern it."""
        return self.base.plans(arch)

    def supernet_plans(self, arch: Arch) -> Plans:
        """Those of the base."""
        return self.base.supernet_plans(arch)

    def trunk_plans(self, arch: Arch) -> Plans:
        """Those of the base."""
        return self.base.trunk_plans(arch)

    def in_training(self, plans: Plans, progress: float, rng: np.random.Generator | None = None) -> Plans:
        """As in the base."""
        return self.base.in_training(plans, progress, rng)

    @property
    def widest(self) -> Plans:
        """That of the base."""
        return self.base.widest

    @property
    def largest(self) -> Arch:
        """That of the base."""
        return self.base.largest

    @property
    def smallest(self) -> Arch:
        """That of the base."""
        return self.base.smallest

    @property
    def cardinality(self) -> int:
        """That of the base."""
        return self.base.cardinality

    def sample(self, rng: np.random.Generator) -> Arch:
        """By the base's law."""
        return self.base.sample(rng)

    def allows(self, arch: Arch) -> bool:
        """As in the base."""
        return self.base.allows(arch)

    @property
    def auxiliary(self) -> Auxiliary | None:
        """That of the base."""
        return self.base.auxiliary

    @property
    def image_decisions(self) -> tuple[int, ...]:
        """Those of the base."""
        return self.base.image_decisions

    @property
    def constrained(self) -> bool:
        """As in the base."""
        return self.base.constrained

    def distance(self, first: Arch, second: Arch) -> int:
        """The base's."""
        return self.base.distance(first, second)

    @property
    def distances(self) -> Mapping[str, Distance]:
        """The base's."""
        return self.base.distances

    def connected(self, arch: Arch) -> bool:
        """The base's."""
        return self.base.connected(arch)

    def with_options(self, options: SpaceOptions) -> Self:
        """The same supernet of the base with these options."""
        return replace(self, base=self.base.with_options(options))

    def format(self, arch: Arch) -> str:
        """The base's code."""
        return self.base.format(arch)

    def problems(self, code: str) -> list[str]:
        """Those by the base's rules."""
        return self.base.problems(code)

    def respelled(self, text: str) -> str:
        """As the base does."""
        return self.base.respelled(text)

    def _parse(self, code: str) -> Arch:
        return self.base.parse(code)

    def active(self, answers: Sequence[int]) -> Sequence[bool]:
        """As in the base."""
        return self.base.active(answers)

    @property
    def feature_kinds(self) -> Mapping[str, FeatureKind]:
        """Those of the base."""
        return self.base.feature_kinds

    @property
    def predicted_from(self) -> tuple[str, ...]:
        """As in the base."""
        return self.base.predicted_from

    def for_images(self, channels: int, size: int, classes: int) -> Self:
        """The same supernet of the base for other images."""
        return replace(self, base=self.base.for_images(channels, size, classes))
