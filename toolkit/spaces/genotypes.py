"""Cells of DARTS as text, in all the shapes in which people publish them; nothing of it is executed.

Canonical is the text of the authors (quark0/darts), each node's edges by ascending input:

    Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ...], normal_concat=[2, 3, 4, 5], reduce=[...], ...)

Also read are `range(2, 6)` for what is concatenated; pairs grouped node by node; two lists of (input, number of the
operation), numbered as in NAS-Bench-301 and NASLib; and `OPERATION:INPUT` eight times, ` | `, and eight times more.
"""

import ast
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from toolkit.errors import InputError

OPERATIONS = (
    "max_pool_3x3",
    "avg_pool_3x3",
    "skip_connect",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "dil_conv_3x3",
    "dil_conv_5x5",
)
"""In the order of NAS-Bench-301 and NASLib, whose numbers begin with 0."""

NONE = "none"
"""An operation that does nothing."""

INPUTS = (0, 1)
NODES = (2, 3, 4, 5)
"""A cell's nodes besides its inputs; each has two edges from earlier ones."""

CELLS = ("normal", "reduce")

_CONCAT = list(NODES)
_LONGEST = 4096
_LITERAL = re.compile(r"[\w\s'\"()\[\],=]+", re.ASCII)
_EDGES = re.compile(r"[\w:\s|]+", re.ASCII)
_FORM = "allowed: Genotype(normal=[('sep_conv_3x3', 0), ...], normal_concat=[2, 3, 4, 5], reduce=[...], ...)"


@dataclass(frozen=True, slots=True)
class Edge:
    """An operation and the node that it reads."""

    operation: str
    source: int


Edges = tuple[tuple[Edge, Edge], ...]
"""Of a cell, the two edges of each node, by ascending source."""


def write(cells: Sequence[Edges]) -> str:
    """The canonical text of a normal and a reduction cell."""
    parts = []
    for name, cell in zip(CELLS, cells, strict=True):
        edges = ", ".join(f"({edge.operation!r}, {edge.source})" for edge in chain(*cell))
        parts.append(f"{name}=[{edges}], {name}_concat={_CONCAT}")
    return f"Genotype({', '.join(parts)})"


def read(text: str) -> tuple[Edges, Edges]:
    """The normal and the reduction cell that a text in any of these shapes means.

    Raises:
        InputError: it has none of them, or a cell is none of DARTS; lists every problem.
    """
    if len(text) > _LONGEST:
        raise InputError(f"found {len(text):,} characters, allowed: up to {_LONGEST:,}")
    if ":" in text and _EDGES.fullmatch(text):
        found = _of_edges(text)
    elif _LITERAL.fullmatch(text):
        found = _of_literal(text)
    else:
        raise InputError(f"found no genotype, {_FORM}")
    problems: list[str] = []
    normal, reduce = (_cell(name, pairs, problems) for name, pairs in zip(CELLS, found, strict=True))
    if problems:
        raise InputError(problems)
    return normal, reduce


def _cell(name: str, pairs: Sequence[object], problems: list[str]) -> Edges:
    """A cell from its (operation, input) pairs; what is wrong with them is added to `problems`."""
    if len(pairs) != 2 * len(NODES):
        problems.append(f"{name}: found {len(pairs)} edges, allowed: {2 * len(NODES)}, two for each of four nodes")
        return ()
    cell = []
    for node, first, second in zip(NODES, pairs[::2], pairs[1::2], strict=True):
        edges = [_edge(f"{name}, node {node}", node, pair, problems) for pair in (first, second)]
        before, after = sorted(edges, key=lambda edge: edge.source)
        if before.source == after.source >= 0:
            problems.append(f"{name}, node {node}: found two edges from {after.source}, allowed: from different nodes")
        cell.append((before, after))
    return tuple(cell)


def _edge(where: str, node: int, pair: object, problems: list[str]) -> Edge:
    """An edge; without a source, -1, if it is none."""
    match pair:
        case [str(operation), int(source)]:
            pass
        case _:
            problems.append(f"{where}: found {_short(pair)}, allowed: pairs of an operation and the node it reads")
            return Edge(NONE, -1)
    if operation not in (NONE, *OPERATIONS):
        problems.append(f"{where}: found operation {_short(operation)}, allowed: {', '.join(OPERATIONS)}")
    if not 0 <= source < node:
        problems.append(f"{where}: found input {source}, allowed: 0 to {node - 1}")
        source = -1
    return Edge(operation, source)


def _of_edges(text: str) -> list[list[object]]:
    """`OPERATION:INPUT` between spaces, a bar between the cells."""
    cells = text.split("|")
    if len(cells) != len(CELLS):
        raise InputError(f"found {len(cells)} cells, allowed: two with a bar between them")
    return [[_named(edge) for edge in cell.split()] for cell in cells]


def _named(edge: str) -> object:
    operation, _, source = edge.partition(":")
    return [operation, int(source)] if source.isdecimal() and len(source) < 4 else edge


def _of_literal(text: str) -> list[list[object]]:
    """A call of `Genotype`, or two lists of (input, number of the operation)."""
    text = text.strip()
    try:
        with warnings.catch_warnings(action="ignore"):
            tree = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise InputError(f"found brackets, quotes or commas that do not match, {_FORM}") from None
    match tree:
        case ast.Call(ast.Name("Genotype"), [], keywords):
            given = {str(keyword.arg): _literal(keyword.value, text) for keyword in keywords}
            return _of_keywords(given, len(keywords))
        case ast.Tuple() | ast.List():
            match _literal(tree, text):
                case [list(normal), list(reduce)]:
                    return [[_numbered(pair) for pair in cell] for cell in (normal, reduce)]
    raise InputError(f"found no genotype, {_FORM}")


def _of_keywords(given: dict[str, object], count: int) -> list[list[object]]:
    needed = [f"{name}{end}" for name in CELLS for end in ("", "_concat")]
    problems = [f"found no {name}, {_FORM}" for name in needed if name not in given]
    problems += [f"found {_short(name)}, allowed: {', '.join(needed)}" for name in given if name not in needed]
    if count > len(given):
        problems.append(f"found a keyword more than once, {_FORM}")
    cells = []
    for name in CELLS:
        match given.get(name):
            case list(pairs):
                cells.append(_ungrouped(pairs))
            case None:
                pass
            case other:
                problems.append(f"{name}: found {_short(other)}, allowed: a list of pairs")
        concat = f"{name}_concat"
        if concat in given and given[concat] != _CONCAT:
            problems.append(f"{concat}: found {_short(given[concat])}, allowed: {_CONCAT}, all nodes")
    if problems:
        raise InputError(problems)
    return cells


def _ungrouped(pairs: list[object]) -> list[object]:
    """Pairs in a row, also where they are grouped node by node."""
    groups = [pair for pair in pairs if isinstance(pair, list) and all(isinstance(each, list) for each in pair)]
    return list(chain(*groups)) if groups and len(groups) == len(pairs) else pairs


def _numbered(pair: object) -> object:
    """(operation, input) of (input, number of the operation)."""
    match pair:
        case [int(source), int(number)] if 0 <= number < len(OPERATIONS):
            return [OPERATIONS[number], source]
    return pair


def _literal(node: ast.expr, text: str) -> object:
    """What lists, tuples, texts, whole numbers and ranges of them say; a tuple is a list."""
    match node:
        case ast.Constant(int() | str() as value) if not isinstance(value, bool):
            return value
        case ast.List(parts) | ast.Tuple(parts):
            return [_literal(part, text) for part in parts]
        case ast.Call(ast.Name("range"), [ast.Constant(int(start)), ast.Constant(int(stop))], []):
            return list(range(start, min(stop, start + 99)))
    found = ast.get_source_segment(text, node) or text
    raise InputError(f"found {_short(found)}, allowed: lists, pairs, texts and whole numbers")


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}..."
