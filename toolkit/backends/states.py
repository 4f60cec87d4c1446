"""What flows between blocks: the newest activation or, where blocks read further back, a tuple of the last ones."""

from collections.abc import Iterable
from typing import Any

from toolkit.spaces.plans import Plan

State = Any
"""A tensor, or a tuple of tensors, the newest last."""


def reach(plans: Iterable[Plan | None]) -> int:
    """How far back any of these blocks reads."""
    return max((back for plan in plans if plan is not None for back in plan.reads), default=1)


def newest(state: State) -> Any:
    """What left the last block."""
    return state[-1] if isinstance(state, tuple) else state


def read(state: State, plan: Plan) -> tuple[Any, ...]:
    """The tensors that a block reads."""
    if not isinstance(state, tuple):
        return (state,) * len(plan.reads)
    return tuple(state[-back] for back in plan.reads)


def following(state: State, out: Any, reach: int) -> State:
    """The state after a block, in a network whose blocks reach so far back."""
    if reach == 1:
        return out
    before = state if isinstance(state, tuple) else (state,)
    return (*before, out)[-reach:]
