"""The space of DARTS: a normal and a reduction cell, repeated, whose four nodes read two earlier ones each.

Its code is the authors' text, `Genotype(normal=[('sep_conv_3x3', 0), ...], ...)`; other spellings are read too
(`genotypes.py`). Definition: Liu et al., arXiv 1806.09055 (quark0/darts).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from itertools import combinations
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import Field

from toolkit.errors import InputError
from toolkit.spaces.base import Arch, Auxiliary, Decision
from toolkit.spaces.features import Columns, FeatureKind
from toolkit.spaces.genotypes import CELLS, INPUTS, NODES, NONE, OPERATIONS, Edge, Edges, read, write
from toolkit.spaces.mixtures import Active, Floats, Mixable, MixedEdge, mixed
from toolkit.spaces.options import SpaceOptions
from toolkit.spaces.plans import (
    AuxiliaryHead,
    AvgPool,
    Choice,
    ConvNorm,
    DualCell,
    FactorizedReduce,
    Head,
    Identity,
    MaxPool,
    Plan,
    Plans,
    Separable,
)
from toolkit.spaces.primitives import Map, shrink
from toolkit.spaces.wiring import graph

PAIRS = tuple(tuple(combinations(range(node), 2)) for node in NODES)
"""The inputs that each node may have, in the order of options."""

_DEPTHS = {"sep_conv_3x3": 2, "sep_conv_5x5": 2, "dil_conv_3x3": 1, "dil_conv_5x5": 1}
"""How many depthwise convolutions an operation has in a row."""

MIXED = (*OPERATIONS, NONE)
"""What is weighed on an edge of a mixture, whether candidates may do nothing there or not."""

_POOLINGS = ("max_pool_3x3", "avg_pool_3x3")

_Present = tuple[tuple[tuple[str, ...], ...], ...]
"""Of a cell: for each node and each earlier one, the operations on the edge between them."""


class DARTSOptions(SpaceOptions):
    """Options of DARTS."""

    init_channels: int | None = Field(
        None, ge=2, multiple_of=2, description="channels of a node in the first cells; reduction cells double them"
    )
    layers: int | None = Field(None, ge=3, description="cells; one a third of the way and one at two thirds reduce")
    auxiliary_weight: float | None = Field(
        None,
        gt=0,
        description="of the loss of a second classifier after two thirds of the cells, where candidates are trained "
        "alone; 0.4 with the authors; there is none by default",
    )
    drop_path: float | None = Field(
        None,
        ge=0,
        lt=1,
        description="share of the edges that candidates trained alone are without, image by image, in the end; it "
        "rises epoch by epoch from 0; 0.2 with the authors, none by default",
    )


@dataclass(frozen=True)
class DARTS(Mixable):
    """Stem, cells, head; every combination of inputs and operations is valid.

    Weights belong to a cell, an edge and an operation: the supernet holds all 14 edges of each cell, of which a path
    runs eight. Its blocks are those of the networks alone, whose batch norms scale and shift, and none follows a
    pooling. In a mixture one does, as in the network that the authors search in.

    Attributes:
        init_channels: of a node in the first cells (C in the paper).
        layers: cells (L in the paper).
        none: whether an edge may also do nothing.
        imagenet: whether the stem has three convolutions of stride 2, else one of stride 1.
        auxiliary_weight: of the loss of a second classifier when candidates are trained alone; 0: there is none.
        drop_path: see `SearchSpace`.
    """

    options_type: ClassVar[type[SpaceOptions]] = DARTSOptions

    name: str
    summary: str = ""
    init_channels: int = 36
    layers: int = 20
    none: bool = False
    imagenet: bool = False
    auxiliary_weight: float = 0.0
    drop_path: float = 0.0
    channels: int = 3
    size: int = 32
    classes: int = 10

    @cached_property
    def operations(self) -> tuple[str, ...]:
        """What may stand on an edge."""
        return (*OPERATIONS, NONE) if self.none else OPERATIONS

    @cached_property
    def reductions(self) -> frozenset[int]:
        """The cells that halve the map, counted from 0."""
        return frozenset((self.layers // 3, 2 * self.layers // 3))

    @cached_property
    def decisions(self) -> tuple[Decision, ...]:
        """For each cell and node: which two inputs, if there are more; the operations on the edges from both."""
        found = []
        for reduces, cell in enumerate(CELLS):
            blocks = self._positions(reduces=bool(reduces))
            for node, pairs in zip(NODES, PAIRS, strict=True):
                if len(pairs) > 1:
                    inputs = tuple(f"{first}+{second}" for first, second in pairs)
                    found.append(Decision(f"{cell}{node}.inputs", inputs, blocks))
                found += [Decision(f"{cell}{node}.{edge}", self.operations, blocks) for edge in ("first", "second")]
        return tuple(found)

    def cells(self, arch: Arch) -> tuple[Edges, ...]:
        """The edges of the normal cell and of the reduction cell."""
        answers = iter(arch)

        def edge(source: int) -> Edge:
            return Edge(self.operations[next(answers)], source)

        def node(pairs: Sequence[tuple[int, int]]) -> tuple[Edge, Edge]:
            first, second = pairs[next(answers) if len(pairs) > 1 else 0]
            return edge(first), edge(second)

        return tuple(tuple(map(node, PAIRS)) for _ in CELLS)

    def plans(self, arch: Arch) -> Plans:
        """Stem, cells, head."""
        return self._network([_present(edges) for edges in self.cells(arch)])

    @cached_property
    def widest(self) -> Plans:
        """Every operation on every edge."""
        operations = tuple(operation for operation in self.operations if operation != NONE)
        return self._network([tuple(node * (operations,) for node in NODES)] * len(CELLS))

    @cached_property
    def edges(self) -> tuple[MixedEdge, ...]:
        """14 of a normal cell and 14 of a reduction cell; all nodes are put out."""
        found = []
        for reduces, cell in enumerate(CELLS):
            blocks = self._positions(reduces=bool(reduces))
            found += [
                MixedEdge(cell, source, node, output=True, options=MIXED, blocks=blocks)
                for node in NODES
                for source in range(node)
            ]
        return tuple(found)

    def mixture(self, active: Active, *, shared: bool = False) -> Plans:
        """Stem, cells in which every edge is a weighted sum, head."""
        return _mixture(self, active, shared=shared)

    def derived(self, strengths: Floats) -> Arch:
        """Of each edge its strongest operation that does something; of each node the two edges where that is strongest.

        Of equals the first. Where both edges of a node are to have no strength at all, which no softmax gives, they do
        nothing, or, in a space in which they must do something, are skip connections.
        """
        rows, cells = iter(strengths[:, : len(OPERATIONS)]), []
        for _ in CELLS:
            nodes = []
            for node in NODES:
                table = np.array([next(rows) for _ in range(node)])
                best = sorted(np.argsort(-table.max(axis=1), kind="stable")[:2].tolist())
                nodes.append((self._strongest(table[best[0]], best[0]), self._strongest(table[best[1]], best[1])))
            cells.append(nodes)
        return self._answers(cells)

    def _strongest(self, strengths: Floats, source: int) -> Edge:
        if strengths.any():
            return Edge(OPERATIONS[int(np.argmax(strengths))], source)
        return Edge(NONE if self.none else "skip_connect", source)

    def operations_of(self, arch: Arch) -> list[tuple[str, str]]:
        """Eight of each cell."""
        cells = zip(CELLS, self.cells(arch), strict=True)
        return [(name, edge.operation) for name, cell in cells for node in cell for edge in node]

    def _positions(self, *, reduces: bool) -> tuple[int, ...]:
        return tuple(len(self._stem) + place for place in range(self.layers) if (place in self.reductions) == reduces)

    @cached_property
    def _stem(self) -> tuple[Plan, ...]:
        """What stands before the cells."""
        width, size = self.init_channels, self.size
        if not self.imagenet:
            return (ConvNorm(self.channels, 3 * width, 3, 1, None, size),)
        half, quarter = shrink(size, 2), shrink(shrink(size, 2), 2)
        return (
            ConvNorm(self.channels, width // 2, 3, 2, "after", size),
            ConvNorm(width // 2, width, 3, 2, None, half),
            ConvNorm(width, width, 3, 2, "before", quarter),
        )

    def _network(self, present: Sequence[_Present]) -> Plans:
        """The network with these operations in its normal and its reduction cells."""
        plans, width, reduced = [*self._stem], self.init_channels, self.imagenet
        before = last = Map(3 * width, self.size)
        if self.imagenet:
            before, last = (Map(width, -(-self.size // stride)) for stride in (4, 8))
        for place in range(self.layers):
            reduces = place in self.reductions
            stride = 2 if reduces else 1
            width *= stride
            first = place == 0 and not self.imagenet
            plans.append(_cell(present[reduces], before, last, width, stride, reduced=reduced, first=first))
            before, last, reduced = last, Map(len(NODES) * width, shrink(last.size, stride)), reduces
        return (*plans, Head(last.channels, self.classes))

    @property
    def auxiliary(self) -> Auxiliary | None:
        """After the second reduction; the authors' for ImageNet lacks a batch norm."""
        if not self.auxiliary_weight:
            return None
        position = len(self._stem) + max(self.reductions)
        cell = graph(self.plans(self.smallest)[position])  # type: ignore[arg-type]
        read = cell.map(cell.output)
        if read.size < 2:
            raise InputError(
                f"space {self.name}: no auxiliary_weight for images of {self.size}x{self.size}, of which a single "
                "pixel is left there; take larger ones, or leave it out"
            )
        plan = AuxiliaryHead(read.channels, self.classes, read.size, norm=not self.imagenet)
        return Auxiliary(plan, position, self.auxiliary_weight)

    @cached_property
    def largest(self) -> Arch:
        """`sep_conv_5x5` on every edge."""
        return self._alike(["sep_conv_5x5"] * len(CELLS))

    @cached_property
    def smallest(self) -> Arch:
        """Skip connections in normal cells; in reduction cells, where they have weights, poolings."""
        return self._alike(["skip_connect", "max_pool_3x3"])

    def _alike(self, operations: Sequence[str]) -> Arch:
        """Each cell with one operation on every edge, from the earliest inputs."""
        return self._answers([[(Edge(name, 0), Edge(name, 1)) for _ in NODES] for name in operations])

    def _answers(self, cells: Sequence[Sequence[tuple[Edge, Edge]]]) -> Arch:
        answers = []
        for cell in cells:
            for pairs, (first, second) in zip(PAIRS, cell, strict=True):
                if len(pairs) > 1:
                    answers.append(pairs.index((first.source, second.source)))
                answers += [self.operations.index(edge.operation) for edge in (first, second)]
        return tuple(answers)

    def active(self, answers: Sequence[int]) -> list[bool]:
        """Every decision always applies."""
        return [True] * len(answers)

    def connected(self, arch: Arch) -> bool:
        """Whether cells that do something lead from the images to the classifier."""
        sources = [
            {edge.source for node in cell for edge in node if edge.operation != NONE} for cell in self.cells(arch)
        ]
        before = last = True
        for place in range(self.layers):
            inputs = sources[place in self.reductions]
            before, last = last, (0 in inputs and before) or (1 in inputs and last)
        return last

    def format(self, arch: Arch) -> str:
        """The authors' text, each node's edges by ascending input."""
        return write(self.cells(arch))

    def respelled(self, text: str) -> str:
        """The authors' text of any spelling that `genotypes.read` knows."""
        try:
            return write(read(text))
        except InputError:
            return text  # whoever parses it says what is wrong

    def _parse(self, code: str) -> Arch:
        return self._answers(read(code))

    def problems(self, code: str) -> list[str]:
        """Everything that makes it no genotype, or none of this space."""
        try:
            cells = read(code)
        except InputError as error:
            return list(error.problems)
        foreign = sorted(
            {edge.operation for cell in cells for node in cell for edge in node}.difference(self.operations)
        )
        if foreign:
            return [f"found operation {each}, allowed: {', '.join(self.operations)}" for each in foreign]
        return [] if write(cells) == code else [f"found another spelling, allowed: {write(cells)}"]

    @property
    def feature_kinds(self) -> Mapping[str, FeatureKind]:
        """Besides those of every space, what there is how often in each cell."""
        return {**super().feature_kinds, "counts": self._counts}

    @property
    def predicted_from(self) -> tuple[str, ...]:
        """Counts: with few labels, one-hot columns do not learn that operations matter more than where they stand."""
        return "counts", "costs"

    def _counts(self, archs: Sequence[Arch]) -> Columns:
        """Of each cell: every operation, and those on the cell's inputs; edges from each; depths in convolutions."""
        answers = np.array(archs, dtype=np.int16).reshape(len(archs), len(CELLS), -1)
        found: Columns = {}
        for number, cell in enumerate(CELLS):
            operations, sources = _edges(answers[:, number])
            names = np.array(self.operations)[operations]
            there = names != NONE
            for name in self.operations:
                found[f"{cell} {name}"] = np.sum(names == name, axis=(1, 2))
                found[f"{cell} {name} on inputs"] = np.sum((names == name) & (sources < len(INPUTS)), axis=(1, 2))
            for source in INPUTS:
                found[f"{cell} edges from {source}"] = np.sum((sources == source) & there, axis=(1, 2))
            convolutions = np.array([_DEPTHS.get(name, 0) for name in self.operations])[operations]
            depths = _depths(convolutions, sources, there)
            found[f"{cell} longest depth"], found[f"{cell} mean depth"] = depths.max(axis=1), depths.mean(axis=1)
        return {name: values.astype(np.float64) for name, values in found.items()}


_Integers = npt.NDArray[np.int16]


def _edges(answers: _Integers) -> tuple[_Integers, _Integers]:
    """Numbers of operations and sources of a cell's edges, both of shape (networks, nodes, 2)."""
    columns = iter(answers.T)
    operations, sources = [], []
    for pairs in PAIRS:
        chosen = next(columns) if len(pairs) > 1 else np.zeros(len(answers), dtype=np.int16)
        sources.append(np.array(pairs)[chosen])
        operations.append(np.stack([next(columns), next(columns)], axis=1))
    return np.stack(operations, axis=1), np.stack(sources, axis=1)


def _depths(convolutions: _Integers, sources: _Integers, there: npt.NDArray[np.bool_]) -> _Integers:
    """The most convolutions on a way from an input to each node, shape (networks, nodes)."""
    depths = np.zeros((len(convolutions), len(INPUTS) + len(NODES)), dtype=np.int16)
    for place, node in enumerate(NODES):
        reached = np.take_along_axis(depths, sources[:, place], axis=1) + convolutions[:, place]
        depths[:, node] = np.where(there[:, place], reached, 0).max(axis=1)
    return depths[:, len(INPUTS) :]


def _present(edges: Edges) -> _Present:
    """Which operations a cell has where; one that does nothing is not there."""
    chosen = [{edge.source: edge.operation for edge in node if edge.operation != NONE} for node in edges]
    return tuple(
        tuple((at[source],) if source in at else () for source in range(node))
        for node, at in zip(NODES, chosen, strict=True)
    )


@lru_cache(maxsize=1 << 14)
def _cell(
    present: _Present, before: Map, last: Map, channels: int, stride: int, *, reduced: bool, first: bool
) -> DualCell:
    """The cell with these operations."""
    inner = shrink(last.size, stride)
    nodes = tuple(
        tuple(
            _edge(names, channels, stride, last.size) if source < len(INPUTS) else _edge(names, channels, 1, inner)
            for source, names in enumerate(edges)
        )
        for edges in present
    )
    return DualCell(
        before.channels, last.channels, channels, nodes, stride, before.size, last.size, reduced=reduced, first=first
    )


@lru_cache(maxsize=256)
def _mixture(space: DARTS, active: Active, *, shared: bool) -> Plans:
    """See `DARTS.mixture`."""
    there = iter(tuple(name for name, on in zip(MIXED, row, strict=True) if on and name != NONE) for row in active)
    present = [tuple(tuple(next(there) for _ in range(node)) for node in NODES) for _ in CELLS]
    plans = space._network(present)
    first = {edge.blocks: row for row, edge in reversed([*enumerate(space.edges)])}
    rows = {position: row for blocks, row in first.items() for position in blocks}
    return tuple(
        mixed(plan, rows[position], MIXED, standardised=_POOLINGS, shared=shared)
        if isinstance(plan, DualCell)
        else plan
        for position, plan in enumerate(plans)
    )


@cache
def _edge(operations: tuple[str, ...], channels: int, stride: int, size: int) -> Choice | None:
    """These operations on one edge, or None if there are none."""
    branches: dict[str, Plan] = {
        "max_pool_3x3": MaxPool(stride),
        "avg_pool_3x3": AvgPool(stride),
        "skip_connect": Identity() if stride == 1 else FactorizedReduce(channels, channels, size),
        "sep_conv_3x3": Separable(channels, 3, stride, size, times=2),
        "sep_conv_5x5": Separable(channels, 5, stride, size, times=2),
        "dil_conv_3x3": Separable(channels, 3, stride, size, dilation=2),
        "dil_conv_5x5": Separable(channels, 5, stride, size, dilation=2),
    }
    present = tuple((name, branches[name]) for name in operations)
    return Choice(channels, channels, present) if present else None


DARTS_CIFAR = DARTS("darts", "DARTS: two cells of four nodes, 20 in a row, CIFAR-10")
DARTS_NONE = DARTS("darts-none", "DARTS with `none` among its operations, CIFAR-10", none=True)
DARTS_IMAGENET = DARTS(
    "darts-imagenet",
    "DARTS: two cells of four nodes, 14 in a row, ImageNet",
    init_channels=48,
    layers=14,
    imagenet=True,
    size=224,
    classes=1000,
)
DARTS_MINI = DARTS(
    "darts-mini",
    "DARTS of five narrow cells, images of 16x16, CIFAR-100 (a reduction of ours)",
    init_channels=8,
    layers=5,
    size=16,
    classes=100,
)
