"""Tables of operations: a network's latency is what a call costs, and the sum over its blocks.

CSV with a row for each operation on each device: `operation` (a block, by its widths, kernels and strides), `shape` (of
what it reads), `device`, `ms`, and `low` and `high`, between which ms lies. One more row for each device, `call`, says
what running anything at all takes; it counts once, and is not in the others. Adding up is what ProxylessNAS
(arXiv 1812.00332) and FBNet (arXiv 1812.03443) do; how true it is of whole networks, `supernet latency` measures.
"""

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from toolkit.candidates import capped, show
from toolkit.errors import InputError
from toolkit.files import write_text
from toolkit.latencies.base import is_latency, number, read_rows
from toolkit.spaces import Arch, Plan, SearchSpace
from toolkit.spaces.plans import Block, Plans
from toolkit.spaces.wiring import by_structure, graph

COLUMNS = ("operation", "shape", "device", "ms", "low", "high")
CALL = "call"
"""The operation that is none: what it takes to call a network."""

_UNSEEN = {field.name for field in fields(Block)}
"""Fields of all blocks: they say how weights are shared, which takes no time in a network alone."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One row: milliseconds, and between which they lie."""

    ms: float
    low: float
    high: float


Key = tuple[str, str]
"""An operation and the shape of what it reads."""


@dataclass(frozen=True, slots=True)
class OperationTable:
    """What was measured on one device."""

    space: SearchSpace
    rows: Mapping[Key, Operation]

    def get(self, arch: Arch) -> float | None:
        """Milliseconds of a network; None if an operation of it was not measured."""
        keys = self._keys(arch)
        return sum(self.rows[each].ms for each in keys) if all(each in self.rows for each in keys) else None

    def missing(self, arch: Arch) -> list[Key]:
        """Operations of a network that were not measured."""
        return [each for each in self._keys(arch) if each not in self.rows]

    def _keys(self, arch: Arch) -> list[Key]:
        return [(CALL, ""), *map(key, operations(self.space.plans(arch)))]


def operations(plans: Plans) -> list[Plan]:
    """The blocks of a network that do anything, one by one; of a cell its parts, for few parts make many cells."""
    found: list[Plan] = []
    for plan in plans:
        if plan is not None and plan.parts:
            found += operations(plan.parts)
        elif plan is not None and graph(plan).steps:
            found.append(plan.structure)
    return found


@by_structure
def key(plan: Plan) -> Key:
    """What a block is called in a table, and what it reads, such as 16x32x32 (channels, height, width)."""
    return words(plan), " + ".join(f"{map_.channels}x{map_.size}x{map_.size}" for map_ in graph(plan).inputs)


def words(value: object) -> str:
    """A block in words: its kind, and its fields in their order."""
    if isinstance(value, Block):
        said = [f"{one.name}={words(getattr(value, one.name))}" for one in fields(value) if one.name not in _UNSEEN]
        return f"{type(value).__name__}({', '.join(said)})"
    if isinstance(value, tuple):
        return f"({', '.join(map(words, value))})"
    return str(value)


def operation_latencies(
    path: Path, space: SearchSpace, header: list[str], rows: Iterable[list[str]]
) -> Mapping[str, OperationTable]:
    """The operations of a table by device.

    Raises:
        InputError: other columns, latencies that are none, an operation twice, or a device without `call`; lists all.
    """
    if tuple(header) != COLUMNS:
        raise InputError(f"{path}: has the columns {', '.join(header)}; a table of operations has {', '.join(COLUMNS)}")
    found: dict[str, dict[Key, Operation]] = {}
    problems: list[str] = []
    for line, row in enumerate(rows, start=2):
        if len(row) != len(COLUMNS):
            problems.append(f"{path}: line {line:,} has {len(row)} cells, the header {len(COLUMNS)}")
            continue
        operation, shape, device, *cells = row
        values = [number(cell) for cell in cells]
        if wrong := [cell for cell, value in zip(cells, values, strict=True) if not is_latency(value)]:
            problems.append(f"{path}: line {line:,} has {show(wrong[0])} milliseconds; they are numbers above 0")
            continue
        if (operation, shape) in found.setdefault(device, {}):
            problems.append(f"{path}: line {line:,} has an operation that stands there before for {show(device)}")
        found[device][operation, shape] = Operation(*(value for value in values if value is not None))
    for device, measured in found.items():
        if (CALL, "") not in measured:
            problems.append(f"{path}: has no row {CALL} for {show(device)}; `supernet latency` measures it")
    if not found and not problems:
        problems.append(f"{path}: holds no operation; `supernet latency` measures them")
    if problems:
        raise InputError(capped(problems))
    return {device: OperationTable(space, measured) for device, measured in found.items()}


def read_operations(path: Path, space: SearchSpace) -> dict[str, OperationTable]:
    """A table of operations; none if the file is not there.

    Raises:
        InputError: it has problems, or is another kind of table.
    """
    return dict(operation_latencies(path, space, *read_rows(path))) if path.exists() else {}


def write_operations(path: Path, tables: Mapping[str, OperationTable]) -> None:
    """Write a table, the operations of each device in their order.

    Raises:
        InputError: the file cannot be written.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for device, table in tables.items():
        for (operation, shape), row in table.rows.items():
            writer.writerow((operation, shape, device, *(f"{value:.6g}" for value in (row.ms, row.low, row.high))))
    write_text(path, text.getvalue())


def all_operations(space: SearchSpace, archs: Iterable[Arch]) -> dict[Key, Plan]:
    """Every operation of these networks, once."""
    return {key(plan): plan for arch in archs for plan in operations(space.plans(arch))}
