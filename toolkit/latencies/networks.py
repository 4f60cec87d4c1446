"""Tables of whole networks: how long each takes on devices, measured by whoever wrote the file.

CSV with the network's code in a column `code` or `arch`, and a column of milliseconds for each device, as published
tables have it (HELP, Lee et al., NeurIPS 2021: one row a network of NAS-Bench-201).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from toolkit.candidates import capped, show
from toolkit.errors import InputError
from toolkit.latencies.base import is_latency, number
from toolkit.spaces import Arch, SearchSpace

CODES = ("code", "arch")
"""What the column with the network may be called."""

PEEKED = 50
"""Rows that are looked at to tell devices from other columns."""


def network_latencies(
    path: Path, space: SearchSpace, header: list[str], rows: Sequence[list[str]]
) -> Mapping[str, Mapping[Arch, float]]:
    """Milliseconds by device. An empty cell is a network that was not measured there.

    Raises:
        InputError: no such table, codes that are not of the space, latencies that are not above 0, or two of one
            network; lists all problems.
    """
    code = next((name for name in CODES if name in header), None)
    if code is None:
        wanted = " or ".join(CODES)
        raise InputError(f"{path}: has no column {wanted} that names the networks; rename the one that does")
    place = header.index(code)
    devices = {column: name for column, name in enumerate(header) if name not in CODES and _numbers(rows, column)}
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
        for column, device in devices.items():
            if not row[column]:
                continue
            latency = number(row[column])
            if latency is None or not is_latency(latency):
                problems.append(
                    f"{path}: line {line:,} has {show(row[column])} as {device}; a latency is above 0, and one that is "
                    "not known an empty cell"
                )
            elif found[device].setdefault(arch, latency) != latency:
                problems.append(f"{path}: line {line:,} is a network that stands there before with another {device}")
    if problems:
        raise InputError(capped(problems))
    return found


def _numbers(rows: Sequence[list[str]], column: int) -> bool:
    """Whether a column's first cells are numbers, as far as they are there."""
    cells = [row[column] for row in rows[:PEEKED] if column < len(row) and row[column]]
    return bool(cells) and None not in map(number, cells)
