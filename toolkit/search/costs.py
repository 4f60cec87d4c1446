"""What an architecture costs, and how a reward pays for it."""

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from toolkit.candidates import capped, show
from toolkit.errors import InputError
from toolkit.files import read_bytes, reading
from toolkit.names import did_you_mean
from toolkit.spaces import Arch, SearchSpace

Kind = Literal["macs", "parameters", "latency"]
Form = Literal["linear", "hinge", "power"]
Cost = Callable[[Arch], float]

CODES = ("code", "arch")
"""What the column of codes may be called."""


def cost_of(kind: Kind, space: SearchSpace, table: Path | None = None, column: str | None = None) -> Cost:
    """MACs or parameters of the stand-alone network, or a latency from a table that has one for every network.

    Raises:
        InputError: a latency without a table or its column; the table has gaps or is none; lists all problems.
    """
    if kind == "macs":
        return lambda arch: float(space.cost(arch).macs)
    if kind == "parameters":
        return lambda arch: float(space.cost(arch).params)
    if table is None or column is None:
        raise InputError("a latency comes from a table: name its file, and the column of the device")
    return read_latencies(table, space, column).__getitem__


def read_latencies(path: Path, space: SearchSpace, column: str) -> dict[Arch, float]:
    """Latencies from CSV with a header: a column `code` or `arch`, and one for each device, in any unit.

    Raises:
        InputError: no such table or column, a code of another space, a cell that is no number above 0, or networks of
            the space that are missing; lists all problems.
    """
    with reading(path, "is no table of latencies (CSV with a header)"):
        rows = list(csv.reader(io.StringIO(read_bytes(path).decode("utf-8-sig"), newline=""), strict=True))
    header = rows[0] if rows else []
    codes = next((name for name in CODES if name in header), None)
    if codes is None or column not in header:
        wanted = " or ".join(CODES) if codes is None else column
        raise InputError(f"{path}: has no column {wanted}{did_you_mean(wanted, header)}")
    place, value = header.index(codes), header.index(column)
    found: dict[Arch, float] = {}
    problems = []
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(header):
            problems.append(f"{path}: line {number:,} has {len(row)} cells, the header {len(header)}")
            continue
        if wrong := space.problems(row[place]):
            problems.append(f"{path}: line {number:,}: {show(row[place])} is not in space {space.name}: {wrong[0]}")
            continue
        latency = _number(row[value])
        if not 0 < latency < float("inf"):
            problems.append(f"{path}: line {number:,} has {show(row[value])} as {column}; a latency is above 0")
        elif found.setdefault(space.parse(row[place]), latency) != latency:
            problems.append(f"{path}: line {number:,} is a network that stands there before with another {column}")
    problems = capped(problems)
    if not problems and len(found) < space.cardinality:
        problems = [
            f"{path}: has {len(found):,} of the {space.cardinality:,} networks of space {space.name}; no latency can "
            "be made up for the others, so complete the table, or take macs or parameters"
        ]
    if problems:
        raise InputError(problems)
    return found


def priced(value: float, ratio: float, form: Form, weight: float) -> float:
    """A reward less what a network costs.

    linear: value - weight * ratio; hinge: value - weight * max(0, ratio - 1); power: value * min(1, ratio^-weight), for
    values from 0 (MnasNet's and ProxylessNAS's form).

    Args:
        ratio: the cost over the cost aimed at.
    """
    match form:
        case "linear":
            return value - weight * ratio
        case "hinge":
            return value - weight * max(0.0, ratio - 1)
        case "power":
            return value * min(1.0, 1 / float(ratio**weight))


def _number(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return 0.0
