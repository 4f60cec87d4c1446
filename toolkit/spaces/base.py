"""A network is a sequence of blocks; an architecture answers a list of decisions, and its plans follow from them."""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import ClassVar, Self

import numpy as np

from toolkit.errors import InputError
from toolkit.spaces.cost import Cost, network_cost
from toolkit.spaces.distances import Distance, hamming
from toolkit.spaces.features import FeatureKind, costs, one_hot, option_pairs
from toolkit.spaces.options import SpaceOptions
from toolkit.spaces.plans import Plan, Plans

Arch = tuple[int, ...]
"""One answer per decision: the index of the chosen option, or ABSENT where the decision does not apply."""

_TRIES = 10_000
"""Draws of a constrained space before giving up."""

ABSENT = -1
"""The one canonical answer of an inactive decision, such as the width of a block that is not there."""


@dataclass(frozen=True, slots=True)
class Decision:
    """A free variable of the architecture.

    `options` are its values in the space's own terms (a depth, a digit, a width, an operation); `blocks` are the
    positions of the network whose plans it shapes. A *branch* is the pair (decision, index of an option).
    """

    name: str
    options: tuple[int | str, ...]
    blocks: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Auxiliary:
    """A second classifier, for trainings alone: its plan, the position whose output it reads, its loss's weight."""

    plan: Plan
    position: int
    weight: float


class SearchSpace(ABC):
    """A description from which everything follows: codec, sampling, costs, the stand-alone network and the supernet.

    A space is a frozen dataclass that holds plain data. `summary` says in a few words what it is; `channels`, `size`
    and `classes` describe the images it is built for; `options_type` says what recipes may change of it.
    """

    options_type: ClassVar[type[SpaceOptions]] = SpaceOptions
    drop_path: float = 0.0
    """Share of the edges of cells that candidates trained alone are without in the end; it rises from 0."""
    name: str
    summary: str
    channels: int
    size: int
    classes: int

    @property
    @abstractmethod
    def decisions(self) -> tuple[Decision, ...]:
        """The free variables, in the order in which an `Arch` answers them."""

    @abstractmethod
    def plans(self, arch: Arch) -> Plans:
        """The blocks of the true, stand-alone candidate, from stem to head."""

    def supernet_plans(self, arch: Arch) -> Plans:
        """The blocks a supernet runs for `arch`; they differ from `plans` only where weight sharing requires it."""
        return self.plans(arch)

    def trunk_plans(self, arch: Arch) -> Plans:
        """`supernet_plans` through the weights that all widths share, where groups of widths have their own too."""
        return self.supernet_plans(arch)

    def in_training(self, plans: Plans, progress: float, rng: np.random.Generator | None = None) -> Plans:  # noqa: ARG002
        """A path's plans as they are run when a training has come so far: others only where weights are shared weakly.

        Args:
            progress: share of the training that is done, in [0, 1).
            rng: for what a step leaves out; None where nothing is learnt.
        """
        return plans

    @property
    @abstractmethod
    def widest(self) -> Plans:
        """What the supernet must hold at each position so that every `supernet_plans` fits by leading slices."""

    @property
    @abstractmethod
    def largest(self) -> Arch:
        """The candidate whose path through the supernet has the most MACs."""

    @property
    @abstractmethod
    def smallest(self) -> Arch:
        """The candidate whose path through the supernet has the fewest MACs."""

    @abstractmethod
    def format(self, arch: Arch) -> str:
        """The code of `arch`, as it stands in candidates files."""

    @abstractmethod
    def problems(self, code: str) -> list[str]:
        """Every rule that `code` breaks: the position, what was found and what is allowed. Empty if it is valid."""

    @abstractmethod
    def _parse(self, code: str) -> Arch:
        """`parse` for a code known to be valid."""

    @abstractmethod
    def active(self, answers: Sequence[int]) -> Sequence[bool]:
        """Which decisions apply, given answers for all of them."""

    def parse(self, code: str) -> Arch:
        """The architecture that `code` names.

        Raises:
            InputError: the code is not one of this space; lists every violation.
        """
        problems = self.problems(code)
        if problems:
            raise InputError(f"code {shorten(code)!r} is not in space {self.name}: {problem}" for problem in problems)
        return self._parse(code)

    def respelled(self, text: str) -> str:
        """The code that `text` means, where an architecture is published in another spelling; by default `text`."""
        return text

    def canonical(self, answers: Sequence[int]) -> Arch:
        """`answers` with every inactive decision set to ABSENT."""
        return tuple(answer if active else ABSENT for answer, active in zip(answers, self.active(answers), strict=True))

    def sample(self, rng: np.random.Generator) -> Arch:
        """Draw an architecture, by the space's own law: what "uniform" means to samplers and drawn candidates.

        By default every decision is uniform and independent, and inactive ones are dropped afterwards: the distribution
        of both challenges' candidate files. Where decisions constrain each other, it is drawn again until they agree.

        Raises:
            InputError: next to no answers agree; such a space has to say how it is drawn.
        """
        for _ in range(_TRIES):
            arch = self.canonical(rng.integers(self._option_counts).tolist())
            if self.allows(arch):
                return arch
        raise InputError(f"space {self.name}: {_TRIES:,} draws gave no architecture; its `sample` has to find them")

    def with_option(self, decision: int, option: int) -> Arch:
        """An architecture that answers this decision so, else the largest; one drawn if that is none.

        Raises:
            InputError: no architecture seems to have that option.
        """
        answers = [max(answer, 0) for answer in self.largest]
        answers[decision] = option
        if self.allows(arch := self.canonical(answers)):
            return arch
        rng = np.random.default_rng((decision, option))
        for _ in range(_TRIES):
            if (arch := self.sample(rng))[decision] == option:
                return arch
        asked = self.decisions[decision]
        raise InputError(f"space {self.name}: none of {_TRIES:,} drawn has {asked.name} = {asked.options[option]}")

    def changed(self, arch: Arch, decision: int, option: int, rng: np.random.Generator) -> Arch:
        """`arch` with another answer to one decision. Decisions that come to apply by it are answered at random.

        Where decisions constrain each other, it need not be allowed.
        """
        answers = [
            int(rng.integers(count)) if answer == ABSENT else answer
            for answer, count in zip(arch, self._option_counts, strict=True)
        ]
        answers[decision] = option
        return self.canonical(answers)

    def allows(self, arch: Arch) -> bool:  # noqa: ARG002
        """Whether the answers of a canonical `arch` agree, for spaces whose decisions constrain each other.

        Such a space also says its `cardinality`; its `plans` are asked for allowed architectures only.
        """
        return True

    def connected(self, arch: Arch) -> bool:  # noqa: ARG002
        """Whether the classifier sees anything of the images, as it does in most spaces whatever the architecture."""
        return True

    @property
    def auxiliary(self) -> Auxiliary | None:
        """What candidates alone are trained with besides, if options say so; neither code nor cost knows of it.

        Raises:
            InputError: the images are too small for it.
        """
        return None

    @property
    def image_decisions(self) -> tuple[int, ...]:
        """Decisions on what becomes of the images, such as a resolution: a teacher answers them as its student does."""
        return ()

    @property
    def constrained(self) -> bool:
        """Whether some answers that apply do not agree, so that options cannot be chosen one by one."""
        return type(self).allows is not SearchSpace.allows

    def distance(self, first: Arch, second: Arch) -> int:
        """How different two architectures are: by default the number of decisions answered differently.

        Absent against present counts as a difference.
        """
        return sum(a != b for a, b in zip(first, second, strict=True))

    @property
    def distances(self) -> Mapping[str, Distance]:
        """By name, the usual one first: `decisions` counts those answered differently that shape a block."""
        return {"decisions": hamming([place for place, decision in enumerate(self.decisions) if decision.blocks])}

    def for_images(self, channels: int, size: int, classes: int) -> Self:
        """The same space for other images: only the stem's inputs, the maps' sizes and the classifier differ."""
        return replace(self, channels=channels, size=size, classes=classes)  # type: ignore[type-var]

    def with_options(self, options: SpaceOptions) -> Self:
        """The same space, with what a recipe says of it."""
        return replace(self, **options.given) if options.given else self  # type: ignore[type-var]

    @property
    def cardinality(self) -> int:
        """The number of architectures, and so of codes; different codes may name equal networks.

        By default the product of the numbers of options, which is right where all decisions apply to all architectures,
        and none constrains another.
        """
        return math.prod(self._option_counts)

    def cost(self, arch: Arch) -> Cost:
        """MACs and parameters of the stand-alone candidate, exact."""
        return network_cost(self.plans(arch))

    @property
    def feature_kinds(self) -> Mapping[str, FeatureKind]:
        """What a predictor may know of networks, by kind: `kind(archs)` gives named columns, one value per network."""
        return {
            "one-hot": partial(one_hot, self.decisions),
            "pairs": partial(option_pairs, self.decisions),
            "costs": partial(costs, self),
        }

    @property
    def predicted_from(self) -> tuple[str, ...]:
        """The kinds of features that a predictor of this space uses unless told otherwise."""
        return "one-hot", "costs"

    @cached_property
    def _option_counts(self) -> tuple[int, ...]:
        return tuple(len(decision.options) for decision in self.decisions)

    def contains(self, arch: Arch) -> bool:
        """Whether `arch` is a canonical architecture of this space."""
        return (
            len(arch) == len(self.decisions)
            and all(ABSENT <= answer < count for answer, count in zip(arch, self._option_counts, strict=True))
            and all(active == (answer != ABSENT) for answer, active in zip(arch, self.active(arch), strict=True))
            and self.allows(arch)
        )


def matrix(archs: Sequence[Arch]) -> np.ndarray[tuple[int, int], np.dtype[np.int16]]:
    """Architectures as an int16 array of shape (archs, decisions)."""
    return np.array(archs, dtype=np.int16)


def shorten(code: str, limit: int = 60) -> str:
    """`code`, shortened for a message if it is far too long."""
    return code if len(code) <= limit else f"{code[:limit]}... ({len(code)} characters)"
