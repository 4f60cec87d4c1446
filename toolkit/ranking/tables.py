"""Values of networks from files: the candidates format, or tables (CSV, parquet, JSON) whose columns the user names."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from math import isnan
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pandas.errors import EmptyDataError, ParserError

from toolkit.candidates import capped, name, read_table, show
from toolkit.errors import InputError
from toolkit.files import read_bytes
from toolkit.names import did_you_mean
from toolkit.ranking.concordance import FloatArray

CODE, VALUE = "arch", "acc"
"""What columns are called in the candidates format."""

_MISSING = ("", "nan", "na", "n/a", "none", "null", "<na>")


@dataclass(frozen=True)
class Table:
    """What a file says about networks, one a row.

    Attributes:
        ids: what messages call the rows.
        codes: the networks.
        values: by column, shape (rows,); NaN where a cell is empty.
        candidates: the file is in the candidates format, so that its ids mean something.
    """

    path: Path
    ids: tuple[str, ...]
    codes: tuple[str, ...]
    values: dict[str, FloatArray]
    candidates: bool

    def label(self, *columns: str) -> str:
        """What messages and reports call some columns."""
        return str(self.path) if self.candidates else f"{self.path}: {', '.join(columns)}"

    def column(self, column: str) -> dict[str, float]:
        """The values that there are, by code."""
        cells = zip(self.codes, self.values[column].tolist(), strict=True)
        return {code: value for code, value in cells if not isnan(value)}

    def contradictions(self) -> list[str]:
        """Problems: networks that stand there twice with different values."""
        found = []
        for column, values in self.values.items():
            first: dict[str, float] = {}
            found += [
                f"{self.path}: {name(row)} is a network that stands there before with another {column}; keep one"
                for row, code, value in zip(self.ids, self.codes, values.tolist(), strict=True)
                if not isnan(value) and first.setdefault(code, value) != value
            ]
        return capped(found)


def read_values(path: Path | str, codes: Sequence[str], values: Sequence[str]) -> Table:
    """Some columns of a file.

    A JSON file of which nothing but `acc` is wanted is in the candidates format. Any other is a list of objects with
    the columns as keys, or an object of such objects.

    Args:
        codes: what names a network: one column, or several that are joined by colons.
        values: columns of numbers.

    Raises:
        InputError: the file cannot be read, has no such columns, or holds what is no number; lists all problems.
    """
    path = Path(path)
    if path.suffix.lower() not in _READERS and tuple(values) == (VALUE,):
        table = read_table(path)
        if table.problems:
            raise InputError(table.problems)
        accs = np.array(list(table.accs.values()), dtype=np.float64)
        return Table(path, table.ids, tuple(table.codes.values()), {VALUE: accs}, candidates=True)
    frame = _frame(path)
    wanted = list(dict.fromkeys((*codes, *values)))
    if missing := [column for column in wanted if column not in frame.columns]:
        there = [str(column) for column in frame.columns]
        raise InputError(f"{path}: has no column {column!r}{did_you_mean(column, there)}" for column in missing)
    cells = frame[wanted]
    text = cells.astype(object).where(cells.notna(), "").astype(str).apply(lambda column: column.str.strip())
    problems = capped([f"{path}: row {row:,} has no {column}" for column in codes for row in _rows(text[column] == "")])
    numbers = {}
    for column in values:
        known = text[column].mask(text[column].str.lower().isin(_MISSING))
        numbers[column] = pd.to_numeric(known, errors="coerce").to_numpy(np.float64, na_value=np.nan)
        problems += capped(
            [
                f"{path}: row {row:,} has {show(known.iloc[row - 1])} as {column}; it is a finite number, or empty"
                for row in _rows(known.notna() & ~np.isfinite(numbers[column]))
            ]
        )
    if problems:
        raise InputError(problems)
    joined = text[codes[0]].str.cat([text[column] for column in codes[1:]], sep=":")
    return Table(path, tuple(f"row-{row}" for row in range(1, len(text) + 1)), tuple(joined), numbers, candidates=False)


def _rows(where: "pd.Series[bool]") -> list[int]:
    """The numbers of rows, from 1; a heading is not counted."""
    return (np.flatnonzero(where) + 1).tolist()


def _csv(content: bytes, separator: str = ",") -> pd.DataFrame:
    """Text as it stands there, so that codes keep their leading zeros."""
    return pd.read_csv(BytesIO(content), sep=separator, dtype=str, keep_default_na=False, encoding="utf-8-sig")


def _tsv(content: bytes) -> pd.DataFrame:
    return _csv(content, "\t")


def _parquet(content: bytes) -> pd.DataFrame:
    return pd.read_parquet(BytesIO(content))


def _json(content: bytes) -> pd.DataFrame:
    value = json.loads(content)
    records: Any = list(value.values()) if isinstance(value, dict) else value
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise ValueError("neither a list of objects nor an object of objects")
    return pd.DataFrame(records)


_READERS: dict[str, Callable[[bytes], pd.DataFrame]] = {".csv": _csv, ".tsv": _tsv, ".parquet": _parquet}
"""By suffix; everything else is JSON."""


def _frame(path: Path) -> pd.DataFrame:
    """The whole table."""
    content = read_bytes(path)
    try:
        frame = _READERS.get(path.suffix.lower(), _json)(content)
    except (EmptyDataError, ParserError, OSError, ValueError, RecursionError) as error:
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        kind = path.suffix.lower()[1:] if path.suffix.lower() in _READERS else "JSON"
        raise InputError(f"{path}: is not a table in {kind} ({reason}); take the original or write it anew") from None
    if frame.empty:
        raise InputError(f"{path}: has no rows")
    return frame
