"""Latency tables from files: how long whole networks take on devices, measured by whoever wrote the file.

CSV with the network's code in a column `code` or `arch`, and a column of milliseconds for each device, as published
tables have it (HELP, Lee et al., NeurIPS 2021: one row a network of NAS-Bench-201).
"""

import csv
import io
from collections.abc import Mapping
from pathlib import Path

from toolkit.candidates import capped, show
from toolkit.errors import InputError
from toolkit.files import read_bytes, reading
from toolkit.spaces import Arch, SearchSpace

CODES = ("code", "arch")
"""What the column with the network may be called."""

PEEKED = 50
"""Rows that are looked at to tell devices from other columns."""


def read_latencies(path: Path | str, space: SearchSpace) -> Mapping[str, Mapping[Arch, float]]:
    """Milliseconds of networks of `space`, by device. An empty cell is a network that was not measured there.

    Raises:
        InputError: no such table, codes that are not of the space, latencies that are not above 0, or two of one
            network; lists all problems.
    """
    path = Path(path)
    with reading(path, "is no table of latencies (CSV with a header)"):
        header, *rows = list(csv.reader(io.StringIO(read_bytes(path).decode("utf-8-sig"), newline=""), strict=True))
    code = next((name for name in CODES if name in header), None)
    if code is None:
        wanted = " or ".join(CODES)
        raise InputError(f"{path}: has no column {wanted} that names the networks; rename the one that does")
    place = header.index(code)
    devices = {number: name for number, name in enumerate(header) if name not in CODES and _numbers(rows, number)}
    if not devices:
        raise InputError(f"{path}: has no column of milliseconds beside {code}; there is one for each device")
    found: dict[str, dict[Arch, float]] = {name: {} for name in devices.values()}
    problems: list[str] = []
    for line, row in enumerate(rows, start=2):
        if len(row) != len(header):
            problems.append(f"{path}: line {line:,} has {len(row)} cells, the header {len(header)}")
            continue
        if wrong := space.problems(row[place]):
            problems.append(f"{path}: line {line:,}: {show(row[place])} is not in space {space.name}: {wrong[0]}")
            continue
        arch = space.parse(row[place])
        for number, device in devices.items():
            if not row[number]:
                continue
            latency = _number(row[number])
            if latency is None or not 0 < latency < float("inf"):
                problems.append(
                    f"{path}: line {line:,} has {show(row[number])} as {device}; a latency is above 0, and one that is "
                    "not known an empty cell"
                )
            elif found[device].setdefault(arch, latency) != latency:
                problems.append(f"{path}: line {line:,} is a network that stands there before with another {device}")
    if problems:
        raise InputError(capped(problems))
    return found


def _numbers(rows: list[list[str]], column: int) -> bool:
    """Whether a column's first cells are numbers, as far as they are there."""
    cells = [row[column] for row in rows[:PEEKED] if column < len(row) and row[column]]
    return bool(cells) and None not in map(_number, cells)


def _number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None
