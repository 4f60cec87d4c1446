"""Spaces whose supernets may run as mixtures: on every edge a weighted sum of its operations, with weights that learn.

An edge's weights are a row of a table (edges, options), in the order of `edges` and of each edge's `options`. What a
mixture comes to, `derived`, is a candidate like others; the mixture itself is none. Edges are those of cells; where a
space chooses a block for each position instead, a position is a cell of a single edge (`chains.py`).
"""

from abc import abstractmethod
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import count
from typing import ClassVar, TypeVar

import numpy as np
import numpy.typing as npt

from toolkit.spaces.base import Arch, SearchSpace
from toolkit.spaces.plans import Cell, Choice, DualCell, Mixture, Plan, Plans
from toolkit.spaces.primitives import Norm, Scale
from toolkit.spaces.wiring import graph

NONE = "none"
"""The operation that does nothing: no mixture computes it."""

POSITIONS = "positions"
"""Under this name shares are told of the positions of a chain, all together."""

Floats = npt.NDArray[np.floating]

Active = tuple[tuple[bool, ...], ...]
"""Of each edge and option: whether the mixture has it; shape (edges, options)."""


@dataclass(frozen=True, slots=True)
class MixedEdge:
    """An edge of a cell.

    Attributes:
        cell: the kind of cell, such as `normal`.
        source, node: between which nodes it leads.
        output: whether `node` is one that the cell puts out.
        options: the operations that may stand there; the table has a column for each, and for more if others have more.
        blocks: the positions of these cells.
    """

    cell: str
    source: int
    node: int
    output: bool
    options: tuple[str, ...]
    blocks: tuple[int, ...]


class Mixable(SearchSpace):
    """A space whose supernet may run as a mixture.

    Attributes:
        pooled: by which name shares are told of all kinds of cell together; None: each has its own.
    """

    pooled: ClassVar[str | None] = None

    @property
    @abstractmethod
    def edges(self) -> tuple[MixedEdge, ...]:
        """All edges that are weighed, cell by cell and node by node."""

    @abstractmethod
    def mixture(self, active: Active, *, shared: bool = False) -> Plans:
        """What the supernet runs with these operations on its edges; their weights are `Network.run`'s.

        Args:
            shared: an operation on a node is computed once for all edges from there.
        """

    @abstractmethod
    def derived(self, strengths: Floats) -> Arch:
        """The candidate that an edge's options of such strengths, shape (edges, options), come to."""

    @abstractmethod
    def operations_of(self, arch: Arch) -> list[tuple[str, str]]:
        """Of a candidate, the kind of cell and the operation of each edge."""

    @cached_property
    def offered(self) -> npt.NDArray[np.bool_]:
        """Which options there are, shape (edges, options): some edges may have fewer than others."""
        counts = np.array([len(edge.options) for edge in self.edges])
        return np.asarray(np.arange(counts.max()) < counts[:, None])

    @cached_property
    def something(self) -> npt.NDArray[np.bool_]:
        """Which options compute something, shape (edges, options)."""
        found = self.offered.copy()
        for row, edge in zip(found, self.edges, strict=True):
            row[: len(edge.options)] = [option != NONE for option in edge.options]
        return found

    @cached_property
    def kinds(self) -> dict[str, tuple[int, ...]]:
        """The positions of each kind of cell."""
        return {edge.cell: edge.blocks for edge in self.edges}

    @cached_property
    def nodes(self) -> npt.NDArray[np.intp]:
        """Of each edge, the number of the node that it leads to, counted over all kinds of cell; shape (edges,)."""
        known = {key: number for number, key in enumerate(dict.fromkeys((e.cell, e.node) for e in self.edges))}
        return np.array([known[edge.cell, edge.node] for edge in self.edges])

    def shares(self, arch: Arch) -> dict[str, float]:
        """Of each kind of cell and operation (`normal.skip_connect`): its share of the edges of a candidate."""
        operations = [(self.pooled or cell, name) for cell, name in self.operations_of(arch)]
        found, edges = Counter(operations), Counter(kind for kind, _ in operations)
        options = dict.fromkeys((self.pooled or edge.cell, name) for edge in self.edges for name in edge.options)
        return {f"{kind}.{name}": found[kind, name] / edges[kind] for kind, name in options}


def active(weights: Floats, space: Mixable) -> Active:
    """Which options have a weight other than exactly 0, and compute something."""
    return tuple(map(tuple, ((weights != 0) & space.something).tolist()))


def in_words(kind: str) -> str:
    """What `shares` call it, in words: `normal` is a normal cell."""
    return kind if kind in ("cell", POSITIONS) else f"{kind} cell"


def broken_cells(space: Mixable, kept: npt.NDArray[np.bool_]) -> list[str]:
    """Kinds of cell in which no way leads from an input to the output over these options, shape (edges, options)."""
    alive: dict[str, set[int]] = {}
    whole: dict[str, bool] = dict.fromkeys(space.kinds, False)
    ends = {(edge.cell, edge.node) for edge in space.edges}
    for edge, there in zip(space.edges, np.any(kept & space.something, axis=1).tolist(), strict=True):
        reached = alive.setdefault(edge.cell, set())
        if there and ((edge.cell, edge.source) not in ends or edge.source in reached):
            reached.add(edge.node)
            whole[edge.cell] |= edge.output
    return [cell for cell, found in whole.items() if not found]


def norms(space: Mixable, blocks: Collection[int]) -> frozenset[str]:
    """Names of scales and shifts of all batch norms in these blocks of the supernet."""
    return frozenset(
        f"blocks.{position}.{step.name}.{part}"
        for position in blocks
        if (plan := space.widest[position]) is not None
        for step in graph(plan).steps
        if isinstance(step.op, Norm)
        for part in ("weight", "bias")
    )


def tables(plans: Plans) -> dict[int, tuple[int, int]]:
    """By position, the least shape that the weights of a mixture may have; other blocks have none."""
    found = {}
    for position, plan in enumerate(plans):
        scales = [] if plan is None else [step.op for step in graph(plan).steps if isinstance(step.op, Scale)]
        if scales:
            found[position] = 1 + max(op.row for op in scales), 1 + max(op.column for op in scales)
    return found


AnyChoice = TypeVar("AnyChoice", bound=Choice)


def weighed(choice: AnyChoice, row: int, options: Sequence[str], standardised: Sequence[str] = ()) -> AnyChoice:
    """A choice that runs as a weighted sum of its branches, by this row of the weights; see `mixed`."""
    names = [name for name, _ in choice.branches]
    columns, there = map(options.index, names), (name for name in names if name in standardised)
    return replace(choice, mixture=Mixture(row, tuple(columns), tuple(there)))


AnyCell = TypeVar("AnyCell", Cell, DualCell)


def mixed(
    cell: AnyCell, row: int, options: Sequence[str], *, standardised: tuple[str, ...] = (), shared: bool = False
) -> AnyCell:
    """A cell whose edges are weighted sums of what the supernet's has there, instead of a choice.

    Args:
        row: of the weights of its first edge.
        options: of every edge, in the order of the weights.
        standardised: operations that are followed by a batch norm.
    """
    rows = count(row)

    def edge(choice: Plan | None, row: int) -> Plan | None:
        return weighed(choice, row, options, standardised) if isinstance(choice, Choice) else choice

    nodes = tuple(tuple(edge(choice, next(rows)) for choice in edges) for edges in cell.nodes)
    return replace(cell, nodes=nodes, shared=shared)
