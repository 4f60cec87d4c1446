"""The table that probes fill, `RUN/interference.parquet`: one measurement a row, and what each measure means.

| column | type | meaning |
|---|---|---|
| `step` | int64 | optimiser steps done when it was measured |
| `epoch` | float64 | the same in epochs |
| `measure` | string | a name of `MEASURES` |
| `block` | int64 | position in the network's plans; -1: the whole network |
| `decision` | string | the decision whose branches are compared; "" where there is none |
| `first`, `second` | string | two branches (their options as text) or two paths (their codes); "" where there is none |
| `distance` | int64 | distance of two paths, by the space (`SearchSpace.distance`); -1 otherwise |
| `value` | float64 | NaN: no number, as for branches that share no parameter |
| `error` | float64 | standard error of `value` over draws; NaN: not known, as for a single draw |
| `n` | int64 | draws averaged |

Rows whose `first` is `CHANCE` are about no branch: see there. A row about a decision that shapes several blocks stands
once for each of them. A symmetric measure has one row for a pair, the option or path that comes first in front.
"""

import io
from collections.abc import Iterable
from dataclasses import dataclass, fields
from math import nan
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from toolkit.errors import InputError
from toolkit.files import atomic_write, read_bytes, reading
from toolkit.interference.measures import CHANCE, MEASURES, Measure
from toolkit.names import did_you_mean

_SCHEMA = pa.schema(
    [
        pa.field(name, kind, nullable=False)
        for name, kind in {
            "step": pa.int64(),
            "epoch": pa.float64(),
            "measure": pa.string(),
            "block": pa.int64(),
            "decision": pa.string(),
            "first": pa.string(),
            "second": pa.string(),
            "distance": pa.int64(),
            "value": pa.float64(),
            "error": pa.float64(),
            "n": pa.int64(),
        }.items()
    ]
)
COLUMNS = tuple(_SCHEMA.names)
_ROWS = 20_000_000
"""Rows of a table; a probe of a large supernet writes thousands."""

_DTYPES = {pa.int64(): "int64", pa.float64(): "float64", pa.string(): "object"}
__all__ = [
    "CHANCE",
    "COLUMNS",
    "MEASURES",
    "Measure",
    "Row",
    "add_probe",
    "as_frame",
    "read_interference",
    "rewind_interference",
    "write_interference",
]


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement of a probe; the columns of the table but for `step` and `epoch`."""

    measure: str
    value: float
    error: float = nan
    n: int = 1
    block: int = -1
    decision: str = ""
    first: str = ""
    second: str = ""
    distance: int = -1


def as_frame(rows: Iterable[Row], step: int, epoch: float) -> pd.DataFrame:
    """The measurements of one probe as a table."""
    listed = list(rows)
    columns = {field.name: [getattr(row, field.name) for row in listed] for field in fields(Row)}
    return _typed(pd.DataFrame({"step": step, "epoch": epoch} | columns, columns=list(COLUMNS)))


def _typed(table: pd.DataFrame) -> pd.DataFrame:
    return table.astype({field.name: _DTYPES[field.type] for field in _SCHEMA})


def read_interference(path: Path | str) -> pd.DataFrame:
    """The table at `path`, columns as above.

    Raises:
        InputError: absent, damaged, or not such a table; lists all that is wrong.
    """
    data = read_bytes(path)
    remedy = "delete it and probe again: supernet probe RUN"
    with reading(path, "damaged, or no parquet table", remedy):
        file = pq.ParquetFile(io.BytesIO(data))
        if file.metadata.num_rows > _ROWS:
            raise ValueError(f"it has {file.metadata.num_rows:,} rows, and {_ROWS:,} are the most")
        found = file.read()
        problems = [f"column {name!r} is missing" for name in COLUMNS if name not in found.column_names]
        problems += [
            f"column {field.name!r} is {found.schema.field(field.name).type}, not {field.type}"
            for field in _SCHEMA
            if found.column_names.count(field.name) == 1 and found.schema.field(field.name).type != field.type
        ]
        problems += [f"column {name!r} stands there twice" for name in COLUMNS if found.column_names.count(name) > 1]
        if not problems:
            found.validate(full=True)
            found = found.select(COLUMNS)
            problems = [f"column {name!r} has gaps" for name in COLUMNS if found[name].null_count]
    if not problems:
        table = _typed(found.to_pandas(ignore_metadata=True))
        problems = _implausible(table)
        if not problems:
            return table
    raise InputError(f"{path}: {problem}; {remedy}" for problem in problems)


def _implausible(table: pd.DataFrame) -> list[str]:
    """What no probe would have written."""
    unknown = sorted(set(table["measure"]) - MEASURES.keys())
    problems = [f"unknown measure {name[:60]!r}{did_you_mean(name, MEASURES)}" for name in unknown[:9]]
    lowest = {"step": 0, "epoch": 0, "block": -1, "distance": -1, "n": 0}
    problems += [f"column {name!r} holds less than {low}" for name, low in lowest.items() if (table[name] < low).any()]
    problems += [f"column {name!r} holds infinity" for name in ("value", "error") if np.isinf(table[name]).any()]
    if not np.isfinite(table["epoch"]).all():
        problems.append("column 'epoch' holds what is no number")
    if (table["error"] < 0).any():
        problems.append("column 'error' holds negative numbers")
    return problems


def write_interference(path: Path | str, table: pd.DataFrame) -> None:
    """Write the whole table atomically.

    Raises:
        InputError: the file cannot be written; what was there before is untouched.
    """
    arrays = [pa.array(table[field.name].to_numpy(), field.type, from_pandas=False) for field in _SCHEMA]  # NaN stays
    with atomic_write(path) as file:
        pq.write_table(pa.Table.from_arrays(arrays, schema=_SCHEMA), file)


def add_probe(path: Path | str, probe: pd.DataFrame) -> None:
    """Add a probe's measurements; those of the same measures at the same step are replaced.

    Raises:
        InputError: the table that is there is damaged, or cannot be written.
    """
    if Path(path).exists():
        kept = read_interference(path)
        again = set(zip(probe["step"], probe["measure"], strict=True))
        old = np.array([key not in again for key in zip(kept["step"], kept["measure"], strict=True)], dtype=bool)
        probe = pd.concat([kept[old], probe], ignore_index=True)
    write_interference(path, probe.sort_values("step", kind="stable", ignore_index=True))


def rewind_interference(path: Path | str, step: int) -> None:
    """Forget what was measured after `step`: a resumed run will measure it again.

    Raises:
        InputError: the table that is there is damaged, or cannot be written.
    """
    if Path(path).exists():
        table = read_interference(path)
        if (table["step"] > step).any():
            write_interference(path, table[table["step"] <= step])
