"""The topology space of NAS-Bench-201 (NATS-Bench): one cell, repeated; an operation on each of its six edges.

Its code is the benchmark's own: `|op~0|+|op~0|op~1|+|op~0|op~1|op~2|`, three nodes with the operations on their edges
from the input and all earlier nodes. Definition: Dong and Yang, arXiv 2001.00326 (D-X-Y/AutoDL-Projects).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from itertools import islice

import numpy as np

from toolkit.spaces.base import Arch, Decision, shorten
from toolkit.spaces.distances import Distance
from toolkit.spaces.features import Columns, FeatureKind
from toolkit.spaces.mixtures import Active, Floats, Mixable, MixedEdge, mixed
from toolkit.spaces.plans import (
    AvgPool,
    Cell,
    Choice,
    ConvNorm,
    Head,
    Identity,
    NormReLU,
    Plan,
    Plans,
    Reduction,
)
from toolkit.spaces.primitives import shrink

OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
NODES = (1, 2, 3)
"""A cell's nodes beside its input, node 0; node n has an edge from each of the n nodes before it."""

_SKIP, _CONV3 = OPERATIONS.index("skip_connect"), OPERATIONS.index("nor_conv_3x3")
_CONVOLUTIONS = frozenset(i for i, operation in enumerate(OPERATIONS) if "conv" in operation)
_PATHS = ((3,), (0, 4), (1, 5), (0, 2, 5))
"""The ways through a cell, from its input to its output, as edges in the order of the code."""
_REACH = np.array([{"nor_conv_1x1": 2.0, "nor_conv_3x3": 3.0}.get(operation, 0.0) for operation in OPERATIONS])
"""What an operation adds to the depth of a path: a 3x3 convolution more than a 1x1."""


def _adaptive(first: Arch, second: Arch) -> float:
    """An edge that changes between convolutions and other operations counts 2, any other change 0.5."""
    changes = [(a in _CONVOLUTIONS) != (b in _CONVOLUTIONS) for a, b in zip(first, second, strict=True) if a != b]
    return sum(2.0 if change else 0.5 for change in changes)


@dataclass(frozen=True)
class NASBench201(Mixable):
    """Three stages of equal cells with a residual reduction between them; every combination of operations is valid.

    The five operations of an edge share no weights. Different codes may compute the same function (an edge whose result
    nobody reads); the benchmark trained and counted each of them, and so do we.

    Attributes:
        widths: channels of each stage.
        cells: cells in each stage.
    """

    name: str
    summary: str = ""
    widths: tuple[int, ...] = (16, 32, 64)
    cells: int = 5
    channels: int = 3
    size: int = 32
    classes: int = 10

    @cached_property
    def decisions(self) -> tuple[Decision, ...]:
        """The operation on each edge, in the order of the code; each shapes every cell alike."""
        stage = self.cells + 1  # and a stem or a reduction before the cells
        cells = tuple(position for position in range(stage * len(self.widths)) if position % stage)
        return tuple(Decision(f"edge{source}-{node}", OPERATIONS, cells) for node in NODES for source in range(node))

    def plans(self, arch: Arch) -> Plans:
        """20 positions: stem, three stages of five cells with a reduction between them, last norm, head."""
        return self._network([(OPERATIONS[answer],) for answer in arch])

    @cached_property
    def widest(self) -> Plans:
        """Every operation on every edge."""
        return self._network(sum(NODES) * [OPERATIONS])

    @cached_property
    def edges(self) -> tuple[MixedEdge, ...]:
        """The six of the cell, whose last node is put out."""
        (blocks,) = {decision.blocks for decision in self.decisions}
        ends = [(source, node) for node in NODES for source in range(node)]
        return tuple(MixedEdge("cell", source, node, node == NODES[-1], OPERATIONS, blocks) for source, node in ends)

    def mixture(self, active: Active, *, shared: bool = False) -> Plans:
        """The network in whose cells every edge is a weighted sum."""
        return _mixture(self, active, shared=shared)

    def derived(self, strengths: Floats) -> Arch:
        """The strongest option of each edge, `none` among them; of equals the first, where that is `none` anyway."""
        return tuple(np.argmax(strengths, axis=1).tolist())

    def operations_of(self, arch: Arch) -> list[tuple[str, str]]:
        """Six."""
        return [("cell", OPERATIONS[answer]) for answer in arch]

    def _network(self, operations: Sequence[tuple[str, ...]]) -> Plans:
        """The network with these operations on each edge."""
        width, size = self.widths[0], self.size
        plans: list[Plan | None] = [ConvNorm(self.channels, width, 3, stride=1, relu=None, size=size)]
        plans += self.cells * [_cell(operations, width, size)]
        for channels in self.widths[1:]:
            plans.append(Reduction(width, channels, size))
            width, size = channels, shrink(size, 2)
            plans += self.cells * [_cell(operations, width, size)]
        return (*plans, NormReLU(width), Head(width, self.classes))

    @property
    def largest(self) -> Arch:
        """A 3x3 convolution on every edge."""
        return sum(NODES) * (_CONV3,)

    @property
    def smallest(self) -> Arch:
        """A skip connection on every edge. No cell has fewer MACs, and this one passes on what it was given."""
        return sum(NODES) * (_SKIP,)

    def active(self, answers: Sequence[int]) -> list[bool]:
        """Every decision always applies."""
        return [True] * len(answers)

    @property
    def feature_kinds(self) -> Mapping[str, FeatureKind]:
        """Besides those of every space, what is alive in the cell."""
        return {"live-graph": live_graph, **super().feature_kinds}

    @property
    def predicted_from(self) -> tuple[str, ...]:
        """What lies on no way through the cell does not matter; with few labels one-hot columns cannot learn that."""
        return "live-graph", "costs"

    def format(self, arch: Arch) -> str:
        """The arch string of the benchmark."""
        answers = iter(arch)
        return "+".join(
            "|" + "".join(f"{OPERATIONS[next(answers)]}~{source}|" for source in range(node)) for node in NODES
        )

    def _parse(self, code: str) -> Arch:
        edges = [edge for node in code.split("+") for edge in node.strip("|").split("|")]
        return tuple(OPERATIONS.index(edge.partition("~")[0]) for edge in edges)

    @property
    def distances(self) -> Mapping[str, Distance]:
        """`decisions`; `adaptive`, of PGONAS's port, where a change between convolutions and others weighs most."""
        return {**super().distances, "adaptive": Distance(_adaptive, 2.0 * len(self.decisions), 6.7)}

    def connected(self, arch: Arch) -> bool:
        """Whether a way without `none` leads through the cell."""
        return bool(live_graph([arch])["connected"][0])

    def problems(self, code: str) -> list[str]:
        """Every node or edge that is not as in `|op~0|+|op~0|op~1|+|op~0|op~1|op~2|`."""
        nodes = code.split("+")
        if len(nodes) != len(NODES):
            return [f"found {len(nodes)} nodes, allowed: 3 joined by '+', as in |op~0|+|op~0|op~1|+|op~0|op~1|op~2|"]
        problems = []
        for node, text in zip(NODES, nodes, strict=True):
            before, *edges, after = text.split("|") if "|" in text else (text, text)
            if before or after or len(edges) != node:
                form = "".join(f"op~{source}|" for source in range(node))
                problems.append(f"node {node}: found {shorten(text)!r}, allowed: the form |{form}")
                continue
            for source, edge in enumerate(edges):
                operation, mark, origin = edge.partition("~")
                where = f"node {node}, edge {source + 1}"
                if operation not in OPERATIONS:
                    problems.append(f"{where}: found {shorten(operation)!r}, allowed: {', '.join(OPERATIONS)}")
                if mark + origin != f"~{source}":
                    problems.append(f"{where}: found {shorten(mark + origin)!r}, allowed: '~{source}', its input")
        return problems


def live_graph(archs: Sequence[Arch]) -> Columns:
    """Counts of what lies on a way from a cell's input to its output on which no edge is `none`."""
    answers = np.array(archs, dtype=np.int16).reshape(len(archs), -1)
    open_paths = [np.all(answers[:, path] != OPERATIONS.index("none"), axis=1) for path in _PATHS]
    alive = np.zeros(answers.shape, dtype=bool)
    depth = np.zeros(len(answers))
    for path, is_open in zip(_PATHS, open_paths, strict=True):
        alive[:, path] |= is_open[:, None]
        depth = np.maximum(depth, np.where(is_open, _REACH[answers[:, path]].sum(axis=1), 0.0))
    counts = {
        f"live {name}": np.sum(alive & (answers == index), axis=1)
        for index, name in enumerate(OPERATIONS)
        if name != "none"
    }
    numbers = counts | {
        "live edges": alive.sum(axis=1),
        "live paths": np.sum(open_paths, axis=0),
        "longest convolutional depth": depth,
        "direct skip": answers[:, _PATHS[0][0]] == _SKIP,
        "connected": np.any(open_paths, axis=0),
    }
    return {name: values.astype(np.float64) for name, values in numbers.items()}


def _cell(operations: Sequence[tuple[str, ...]], channels: int, size: int) -> Cell:
    """The cell with these operations on each edge."""
    edges = (_edge(names, channels, size) for names in operations)
    return Cell(channels, channels, tuple(tuple(islice(edges, node)) for node in NODES))


@lru_cache(maxsize=256)
def _mixture(space: NASBench201, active: Active, *, shared: bool) -> Plans:
    """See `NASBench201.mixture`."""
    names = [tuple(name for name, there in zip(OPERATIONS, row, strict=True) if there) for row in active]
    return tuple(
        mixed(plan, 0, OPERATIONS, shared=shared) if isinstance(plan, Cell) else plan for plan in space._network(names)
    )


@cache
def _edge(operations: tuple[str, ...], channels: int, size: int) -> Choice | None:
    """These operations on one edge, or None if they do nothing."""
    branches: dict[str, Plan] = {
        "skip_connect": Identity(),
        "nor_conv_1x1": ConvNorm(channels, channels, 1, stride=1, relu="before", size=size),
        "nor_conv_3x3": ConvNorm(channels, channels, 3, stride=1, relu="before", size=size),
        "avg_pool_3x3": AvgPool(),
    }
    present = tuple((name, branches[name]) for name in operations if name in branches)
    return Choice(channels, channels, present) if present else None


NASBENCH201 = NASBench201("nasbench201", "NAS-Bench-201 (NATS-Bench topology): six edges of a cell, CIFAR")
