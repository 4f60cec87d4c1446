"""What a sampler is: a law by which a training step draws its paths."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from toolkit.errors import InputError
from toolkit.spaces import Arch, SearchSpace
from toolkit.spaces.derived import DerivedSpace

State = dict[str, npt.NDArray[Any]]
"""What a sampler with a memory remembers, as it goes into a checkpoint."""


class SamplerOptions(BaseModel):
    """What a recipe may say in its `[method.sampling]` table; subclasses add `name` as a `Literal`."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    name: str


@dataclass(frozen=True, slots=True)
class Moment:
    """When paths are drawn. The same in every process of a data-parallel run, so that all of them draw the same paths.

    Attributes:
        progress: share of the training that is done, in [0, 1).
        loss: a path's loss on the batch at hand, computed without gradients; None where nobody can tell.
    """

    progress: float
    loss: Callable[[Arch], float] | None = None


class Sampler(ABC):
    """A law by which paths are drawn. Knows no framework.

    Subclasses set `name`, `summary` (one line, with the source) and `options_type`. One that remembers what it drew
    gives and takes its memory by `state` and `load_state`: a training resumed draws exactly as one never interrupted.

    Attributes:
        needs_loss: it looks at `Moment.loss`; `make_sampler` refuses it where there is none.
        needs_reward: it learns from rewards; `make_sampler` refuses it where nobody gives any.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    options_type: ClassVar[type[SamplerOptions]]
    needs_loss: ClassVar[bool] = False
    needs_reward: ClassVar[bool] = False

    def __init__(self, space: SearchSpace, options: SamplerOptions) -> None:
        self.space = space
        self.options = options

    @abstractmethod
    def draw(self, rng: np.random.Generator, count: int, moment: Moment) -> list[Arch]:
        """Draw `count` architectures. All randomness comes from `rng`, which lives no longer than a step."""

    def learn(self, archs: Sequence[Arch], rewards: Sequence[float]) -> None:  # noqa: B027 (most do not)
        """Take in how good architectures turned out to be, which it drew or which stand beside them; more is better.

        A method calls this, with the same numbers in every process of a data-parallel run (`Ops.average`).
        """

    def state(self) -> State:
        """A copy of the memory: arrays by name, always the same names; empty without a memory."""
        return {}

    def load_state(self, state: Mapping[str, npt.NDArray[Any]]) -> None:  # noqa: B027 (most have no memory)
        """Go on from a memory that `state` gave.

        Raises:
            InputError: it is not one of such a sampler; nothing was taken over.
        """


def require_free(space: SearchSpace, sampler: str) -> None:
    """Refuse a space whose decisions constrain each other, for a law that deals with each decision by itself.

    Raises:
        InputError: it is such a space.
    """
    if space.constrained:
        raise InputError(
            f"method.sampling.name: {sampler} answers each decision by itself, but in space {space.name} they "
            "constrain each other; choose uniform, or another that draws whole architectures"
        )


def option_counts(space: SearchSpace) -> tuple[int, ...]:
    """How many options each decision has."""
    return tuple(len(decision.options) for decision in space.decisions)


def underived(space: SearchSpace) -> SearchSpace:
    """The space that says what the candidates are, whatever was made of its supernet."""
    while isinstance(space, DerivedSpace):
        space = space.base
    return space
