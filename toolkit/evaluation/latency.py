"""Latency tables from files: how long whole networks take on devices, measured by whoever wrote the file.

CSV (or TSV, parquet) with the network's code in a column `code` or `arch`, and a column of milliseconds for each
device, as published tables have it (HELP, Lee et al., NeurIPS 2021: one row a network of NAS-Bench-201).
"""

from collections.abc import Mapping
from pathlib import Path

from toolkit.candidates import capped, code_problems
from toolkit.errors import InputError
from toolkit.files import read_bytes
from toolkit.ranking.grids import csv_cells, parquet_cells
from toolkit.ranking.tables import are_numbers, read_values
from toolkit.spaces import Arch, SearchSpace

CODES = ("code", "arch")
"""What the column with the network may be called."""

SUFFIXES = (".csv", ".tsv", ".parquet")
PEEKED = 50
"""Rows that are looked at to tell devices from other columns."""


def read_latencies(path: Path | str, space: SearchSpace) -> Mapping[str, Mapping[Arch, float]]:
    """Milliseconds of networks of `space`, by device.

    Raises:
        InputError: no such table, codes that are not of the space, or latencies that are not above 0; lists all.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise InputError(f"{path}: a latency table is a file {', '.join(SUFFIXES)}")
    content = read_bytes(path)
    if suffix == ".parquet":
        cells = parquet_cells(path, content, None)
    else:
        cells = csv_cells(path, content, None, "\t" if suffix == ".tsv" else None, first=PEEKED)
    code = next((column for column in CODES if column in cells.columns), None)
    if code is None:
        raise InputError(
            f"{path}: has no column {' or '.join(CODES)} that names the networks; rename the one that does"
        )
    devices = [column for column, found in cells.columns.items() if column not in CODES and are_numbers(found[:PEEKED])]
    if not devices:
        raise InputError(f"{path}: has no column of milliseconds beside {code}; there is one for each device")
    table = read_values(path, [code], devices)
    rows = dict(zip(table.ids, table.codes, strict=True))
    problems = [*code_problems(path, rows, space), *table.contradictions()]
    for device in devices:
        wrong = [row for row, value in zip(table.ids, table.values[device], strict=True) if value <= 0]
        problems += capped([f"{path}: {row} has no latency above 0 under {device}; leave it empty" for row in wrong])
    if problems:
        raise InputError(problems)
    archs = {each: space.parse(each) for each in dict.fromkeys(table.codes)}
    return {device: {archs[each]: value for each, value in table.column(device).items()} for device in devices}
