"""Why the numbers of a tensor changed: told from what the optimiser had in hand."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from toolkit.backends.base import Decay, Weights
from toolkit.spaces import Arch, Plans

Cause = Literal["gradient", "momentum", "decay", "forward", "unknown"]
"""An update moves a number by its gradient; or, where that is 0, by momentum, and without any by weight decay alone.
A forward pass moves running statistics. What nobody should have moved has no known cause."""

_Array = npt.NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class Pass:
    """A forward pass, the `number`-th of its step; `update`: that of the step which it came before. Both from 0.

    `path`: the architecture, if the method said so; `constant`: without gradients.
    """

    number: int
    plans: Plans
    path: Arch | None
    trunk: bool
    constant: bool
    update: int


@dataclass(frozen=True, slots=True)
class Move:
    """`elements` numbers of a tensor that changed for one reason, together by a Euclidean `distance`.

    `update` is that of the step, from 0, which moved them or which was the next; `by` is the forward pass, if one did.
    """

    tensor: str
    cause: Cause
    elements: int
    distance: float
    update: int
    by: Pass | None = None


@dataclass(frozen=True, slots=True)
class Notes:
    """What happened in one step: passes and moves in their order, and the number of updates."""

    passes: tuple[Pass, ...]
    moves: tuple[Move, ...]
    updates: int


def decays(name: str, config: Decay, weights: Weights) -> bool:
    """Whether weight decay pulls a parameter."""
    if f"{name.rpartition('.')[0]}.running_mean" in weights:
        allowed = config.decay_norm
    else:
        allowed = config.decay_bias or not name.endswith(".bias")
    return allowed and config.weight_decay > 0


def update_causes(
    before: _Array, after: _Array, gradient: _Array | None, momentum: _Array | None, *, decayed: bool
) -> dict[Cause, _Array]:
    """What an update changed in a parameter, by cause: the differences after - before.

    Args:
        gradient: as it was before the update; None: there was none, and the parameter should rest.
        momentum: the optimiser's buffer before the update, if it had one.
        decayed: whether weight decay pulls this parameter.
    """
    difference, moved = after - before, after != before
    if gradient is None:
        return {"unknown": difference[moved]}
    taught, pushed = gradient != 0, np.zeros(before.shape, bool) if momentum is None else momentum != 0
    pulled = decayed & (before != 0)
    return {
        "gradient": difference[moved & taught],
        "momentum": difference[moved & ~taught & pushed],
        "decay": difference[moved & ~taught & ~pushed & pulled],
        "unknown": difference[moved & ~taught & ~pushed & ~pulled],
    }
