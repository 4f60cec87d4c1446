"""Many networks at once, by the different blocks that they are made of.

A block's plan follows from the decisions that shape it, and there are few different answers to these. So each distinct
block is looked at once, not once in every network; for 50,000 candidates that is many times faster than one by one.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from toolkit.spaces.cost import block_cost
from toolkit.spaces.plans import Plan, Plans

if TYPE_CHECKING:
    from toolkit.spaces.base import Arch, SearchSpace

_LARGEST = 2**62
"""What a number that stands for several answers may reach; then it is numbered anew."""

Numbers = npt.NDArray[np.intp]


def distinct_blocks(space: "SearchSpace", archs: Sequence["Arch"]) -> Iterator[tuple[Plans, Numbers]]:
    """Position by position, of the stand-alone networks: the blocks there, and which of them each network has.

    The latter has shape (archs,). Blocks that follow from other answers may be equal all the same.
    """
    answers = np.array(archs, dtype=np.int16).reshape(len(archs), len(space.decisions))
    kinds: dict[Arch, Plans] = {}
    for position in range(len(space.widest)):
        shaping = [number for number, decision in enumerate(space.decisions) if position in decision.blocks]
        first, which = _distinct(answers[:, shaping])
        plans: list[Plan | None] = []
        for representative in first.tolist():
            arch = archs[representative]
            if arch not in kinds:
                kinds[arch] = space.plans(arch)
            plans.append(kinds[arch][position])
        yield tuple(plans), which


def costs(space: "SearchSpace", archs: Sequence["Arch"]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """MACs and parameters of the stand-alone networks, exact, each of shape (archs,)."""
    macs, params = np.zeros((2, len(archs)), dtype=np.int64)
    for plans, which in distinct_blocks(space, archs):
        found = [(0, 0) if plan is None else (block_cost(plan).macs, block_cost(plan).params) for plan in plans]
        each = np.array(found, dtype=np.int64).reshape(-1, 2)[which]
        macs += each[:, 0]
        params += each[:, 1]
    return macs, params


def number_networks(space: "SearchSpace", archs: Sequence["Arch"]) -> Numbers:
    """For each architecture the number of its stand-alone network, shape (archs,): equal ones have equal numbers."""
    columns = []
    for plans, which in distinct_blocks(space, archs):
        numbers: dict[Plan | None, int] = {}
        columns.append(np.array([numbers.setdefault(plan, len(numbers)) for plan in plans], dtype=np.intp)[which])
    return _distinct(np.stack(columns, axis=1))[1]


def _distinct(answers: npt.NDArray[np.integer]) -> tuple[Numbers, Numbers]:
    """A row of each kind, and for every row which kind it is."""
    codes, kinds = np.zeros(len(answers), dtype=np.int64), 1
    for column in answers.T:
        lowest = int(column.min(initial=0))
        options = int(column.max(initial=0)) - lowest + 1
        if kinds * options > _LARGEST:
            found, codes = np.unique(codes, return_inverse=True)
            kinds = len(found)
        codes, kinds = codes * options + (column - lowest), kinds * options
    _, first, which = np.unique(codes, return_index=True, return_inverse=True)
    return first, which
