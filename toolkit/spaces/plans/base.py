"""What a block plan is: a frozen record that wires its block from primitives."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import ClassVar, Self

from toolkit.spaces.hyper import Hyper
from toolkit.spaces.own import Owns
from toolkit.spaces.primitives import Map
from toolkit.spaces.wiring import Value, Wiring


@dataclass(frozen=True, slots=True)
class Block(ABC):
    """A kind of block: a frozen dataclass with `wire`.

    Its integer fields called `...channels` are counts of channels, which enhancement may map; a field `activation` is
    what follows a residual addition.

    Attributes:
        own: groups of widths that have weights of their own, by the field that says the width.
        hyper: the HyperNet that modulates its weights, if they are shared weakly.
        answers: those to the decisions that the HyperNet knows of: what the block is conditioned on. Empty in what a
            supernet holds; run so, a block has the shared weights as they are. `ABSENT` is an answer that is not told.
        strength: how much of what the HyperNet says counts, from 0 to 1, which is all of it.
        label: what people call its position in a drawing; empty: stage and number.
        reads: which earlier states it reads, counted back: 1 is the block before, 2 the one before that.
    """

    own: Owns = field(default=(), kw_only=True)
    hyper: Hyper | None = field(default=None, kw_only=True)
    answers: tuple[int, ...] = field(default=(), kw_only=True)
    strength: float = field(default=1.0, kw_only=True)
    label: ClassVar[str] = ""

    @abstractmethod
    def wire(self, g: Wiring, /, *inputs: Value) -> Value:
        """Build the block of its inputs; returns the value that is its output."""

    @property
    def reads(self) -> tuple[int, ...]:
        """The block before, and nothing else."""
        return (1,)

    @property
    def inputs(self) -> tuple[Map, ...]:
        """The shapes of what it reads. Size 1 where the block would do with any."""
        channels = getattr(self, "in_channels", getattr(self, "channels", 1))
        return tuple(Map(channels, getattr(self, "size", 1)) for _ in self.reads)

    @property
    def structure(self) -> Self:
        """The block whatever it is conditioned on: graphs, costs and programs know no more."""
        return replace(self, answers=(), strength=1.0) if self.answers else self

    @property
    def condition(self) -> tuple[tuple[int, ...], float]:
        """What it is conditioned on. Blocks on different conditions share nothing."""
        return self.answers, self.strength

    @property
    def parts(self) -> tuple["Plan", ...]:
        """Blocks within it that together cost what it does; empty if it has to be counted step by step.

        Few edges make many cells: their costs need not be counted anew.
        """
        return ()

    def mapped(self, change: Callable[["Plan"], "Plan"]) -> Self:  # noqa: ARG002
        """The same block with every block within it changed."""
        return self


Plan = Block
Plans = tuple[Plan | None, ...]
"""One plan per position of the network, from stem to head; None where the block is absent."""


def unconditioned(plans: Plans) -> Plans:
    """The structures of plans."""
    return tuple(plan and plan.structure for plan in plans)
