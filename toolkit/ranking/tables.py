"""Values of networks from files: the candidates format, or tables (CSV, parquet, JSON) whose columns the user names."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import isinf, isnan
from pathlib import Path

import numpy as np

from toolkit.candidates import capped, load_object, mangled, name, show, to_table
from toolkit.errors import InputError
from toolkit.files import read_bytes
from toolkit.numeric import LARGEST, is_number
from toolkit.ranking.concordance import FloatArray
from toolkit.ranking.grids import csv_cells, json_cells, parquet_cells, parse_json_table

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

    A JSON file of which nothing but `acc` is wanted, and whose entries have `arch`, is in the candidates format. Any
    other is a list of objects with the columns as keys; or an object of such objects, whose keys are the codes where
    the objects have none.

    Args:
        codes: what names a network: one column, or several that are joined by colons.
        values: columns of numbers. In JSON, dots lead into inner objects.

    Raises:
        InputError: the file cannot be read, has no such columns, or holds what is no number; lists all problems.
    """
    path = Path(path)
    wanted = list(dict.fromkeys((*codes, *values)))
    content = read_bytes(path)
    suffix = path.suffix.lower()
    if suffix in (".csv", ".tsv"):
        cells = csv_cells(path, content, wanted, "\t" if suffix == ".tsv" else None)
    elif suffix == ".parquet":
        cells = parquet_cells(path, content, wanted)
    else:
        document = parse_json_table(path, content)
        if tuple(values) == (VALUE,) and _candidates_format(document, codes):
            return _candidates(path, content)
        cells = json_cells(path, document, codes, values, keyed_by=CODE)
    if not cells.rows:
        raise InputError(f"{path}: has no rows")
    text = {column: [_text(cell) for cell in cells.columns[column]] for column in wanted}
    problems = []
    for column in codes:
        problems += capped([f"{path}: {cells.place(row)} has no {column}" for row in _where(text[column], "")])
        problems += capped(
            [
                f"{path}: {cells.place(row)} has {show(code)} as {column}; {mangled(code)}"
                for row, code in enumerate(text[column])
                if len(codes) == 1 and mangled(code)
            ]
        )
    numbers = {}
    for column in values:
        numbers[column] = np.array([_number(cell) for cell in cells.columns[column]], np.float64)
        problems += capped(
            [
                f"{path}: {cells.place(row)} has {show(text[column][row])} as {column}; it is a finite number "
                f"up to {LARGEST:.0e}, or empty{_comma(text[column][row])}"
                for row in np.flatnonzero(np.isinf(numbers[column])).tolist()
            ]
        )
    if problems:
        raise InputError(problems)
    joined = tuple(map(":".join, zip(*(text[column] for column in codes), strict=True)))
    return Table(path, tuple(f"row-{row}" for row in range(1, cells.rows + 1)), joined, numbers, candidates=False)


def _candidates_format(document: object, codes: Sequence[str]) -> bool:
    """Whether JSON is, or was meant to be, a candidates file: entries that name their network themselves."""
    if not isinstance(document, dict) or not document:
        return not isinstance(document, list)
    entries = [entry for entry in document.values() if isinstance(entry, dict)]
    return not entries or tuple(codes) != (CODE,) or any(CODE in entry for entry in entries)


def _candidates(path: Path, content: bytes) -> Table:
    table = to_table(path, load_object(path, content))
    if table.problems:
        raise InputError(table.problems)
    accs = np.array(list(table.accs.values()), dtype=np.float64)
    return Table(path, table.ids, tuple(table.codes.values()), {VALUE: accs}, candidates=True)


def _text(cell: object) -> str:
    """A cell as text; empty where there is none."""
    if cell is None or (isinstance(cell, float) and isnan(cell)):
        return ""
    return cell.strip() if isinstance(cell, str) else str(cell)


def _number(cell: object) -> float:
    """A cell as a number; NaN if it is empty, and infinity if it is none."""
    if cell is None or (isinstance(cell, float) and isnan(cell)):
        return np.nan
    if isinstance(cell, str):
        text = cell.strip()
        if text.lower() in _MISSING:
            return np.nan
        if not _PLAIN.fullmatch(text):
            return np.inf
        cell = float(text)
    return float(cell) if is_number(cell) else np.inf


def are_numbers(cells: Sequence[object]) -> bool:
    """Whether every cell that is filled holds a number, and any is filled."""
    numbers = [_number(cell) for cell in cells]
    return not any(map(isinf, numbers)) and not all(map(isnan, numbers))


_PLAIN = re.compile(r"[+-]?(\d{1,400}\.?\d{0,400}|\.\d{1,400})([eE][+-]?\d{1,5})?", re.ASCII)
"""A number as programs print it."""


def _comma(text: str) -> str:
    return "; write a point for the decimal comma" if re.fullmatch(r"[+-]?\d+,\d+", text) else ""


def _where(cells: Sequence[str], wanted: str) -> list[int]:
    return [row for row, cell in enumerate(cells) if cell == wanted]
