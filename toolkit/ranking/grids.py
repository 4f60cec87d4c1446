"""Cells of tables from outside, by column: CSV, parquet and JSON, every row whole and no column taken for an index.

A library that guesses is worse here than none: pandas takes the first column for an index where rows have one field
more than the heading, and believes what a parquet file says of pandas.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from toolkit.candidates import capped, name
from toolkit.errors import InputError
from toolkit.files import parse_json, reading
from toolkit.names import did_you_mean
from toolkit.spaces.base import shorten

ROWS = 5_000_000
"""Rows of a table; NAS-Bench-101, the largest there is, has 423,624."""

FIELD = 100_000
"""Characters of one cell."""

SEPARATORS = (",", ";", "\t", "|")
"""Of CSV, as people and spreadsheets write it; the first that divides the heading into the columns wanted."""


@dataclass(frozen=True)
class Cells:
    """Some columns of a table.

    Attributes:
        columns: cells by column, None or "" where one is empty.
        rows: how many.
        names: what messages call the rows, where they have names of their own.
    """

    columns: Mapping[str, Sequence[Any]]
    rows: int
    names: Sequence[str] = ()

    def place(self, row: int) -> str:
        """What messages call a row, counted from 0; a heading is none."""
        return name(self.names[row]) if self.names else f"row {row + 1:,}"


def _check_columns(path: Path, wanted: Sequence[str], there: Sequence[str]) -> None:
    """See that each column is there, and once."""
    problems = [
        f"{path}: has no column {shorten(column)!r}{did_you_mean(column, there)}"
        for column in wanted
        if column not in there
    ]
    problems += [
        f"{path}: has several columns {shorten(column)!r}; rename all but one"
        for column in wanted
        if there.count(column) > 1
    ]
    if problems:
        raise InputError(problems)


def csv_cells(
    path: Path, content: bytes, wanted: Sequence[str] | None, separator: str | None = None, first: int = ROWS
) -> Cells:
    """Columns of CSV: text as it stands there, so that codes keep their leading zeros. Blank lines do not count.

    Args:
        wanted: None: all that have a name.
        separator: None: whichever divides the heading best.
        first: so many rows are enough, for a look at the file.

    Raises:
        InputError: not CSV, a column is missing, or rows have more or fewer fields than the heading.
    """
    with reading(path, f"is not a table in {'tsv' if separator else 'csv'}"):
        text = content.decode("utf-8-sig")
        if "\0" in text:
            raise ValueError("it holds null characters")
        separator = separator or _separator(text, wanted or ())
        csv.field_size_limit(FIELD)
        lines = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
        heading: list[str] = []
        rows: list[list[str]] = []
        ragged = []
        for fields in lines:
            if not fields or (len(fields) == 1 and not fields[0].strip()):
                continue
            if not heading:
                heading = [field.strip() for field in fields]
            elif len(fields) != len(heading):
                ragged.append((lines.line_num, len(fields)))
            else:
                rows.append(fields)
            if first < ROWS and len(rows) >= first:
                break
            if len(rows) > ROWS:
                raise ValueError(f"it has more than {ROWS:,} rows")
    if not heading:
        raise InputError(f"{path}: is not a table in csv (it is empty); take the original or write it anew")
    if ragged:
        raise InputError(
            capped(
                [
                    f"{path}: line {line:,} has {count:,} fields, and the heading {len(heading):,}; is there a "
                    "separator too many at the end, or one inside a field that is not quoted?"
                    for line, count in ragged
                ]
            )
        )
    if wanted is None:
        wanted = [column for column in heading if column]
    else:
        _check_columns(path, wanted, heading)
    return Cells({column: [row[heading.index(column)] for row in rows] for column in wanted}, len(rows))


def _separator(text: str, wanted: Sequence[str]) -> str:
    first = next((line for line in text.splitlines() if line.strip()), "")[:FIELD]
    headings = {each: [field.strip() for field in next(csv.reader([first], delimiter=each))] for each in SEPARATORS}
    return max(SEPARATORS, key=lambda each: (sum(column in headings[each] for column in wanted), len(headings[each])))


def parquet_cells(path: Path, content: bytes, wanted: Sequence[str] | None, first: int = ROWS) -> Cells:
    """Columns of a parquet file, by Arrow's own types; what it says of pandas is not looked at.

    Args:
        wanted: None: all that hold text or numbers.
        first: so many rows are enough, for a look at the file.

    Raises:
        InputError: damaged, too long, a column is missing, or holds neither text nor numbers.
    """
    with reading(path, "is not a table in parquet"):
        file = pq.ParquetFile(io.BytesIO(content))
        if file.metadata.num_rows > ROWS:
            raise ValueError(f"it has {file.metadata.num_rows:,} rows, and {ROWS:,} are the most")
        there = list(file.schema_arrow.names)
        if wanted is None:
            wanted = [
                field.name for field in file.schema_arrow if _is_plain(field.type) and there.count(field.name) == 1
            ]
        else:
            _check_columns(path, wanted, there)
        kinds = {column: file.schema_arrow.field(column).type for column in wanted}
        if strange := [column for column, kind in kinds.items() if not _is_plain(kind)]:
            raise InputError(
                f"{path}: column {shorten(column)!r} is of type {kinds[column]}; it holds text or numbers"
                for column in strange
            )
        file = pq.ParquetFile(io.BytesIO(content), read_dictionary=list(wanted))
        if first < ROWS:
            batches = file.iter_batches(first, columns=list(wanted))
            schema = pa.schema([file.schema_arrow.field(column) for column in wanted])
            table = pa.Table.from_batches(islice(batches, 1), schema)
        else:
            table = file.read(columns=list(wanted), use_pandas_metadata=False)
        table.validate(full=True)
        return Cells({column: _cells(table[column]) for column in wanted}, table.num_rows)


def _is_plain(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    return bool(text or pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_null(kind))


def _cells(column: pa.ChunkedArray) -> list[Any]:
    """Python's values; a text that stands there a million times is one object."""
    cells: list[Any] = []
    for chunk in column.chunks:
        if isinstance(chunk, pa.DictionaryArray):
            values = chunk.dictionary.to_pylist()
            cells += [None if index is None else values[index] for index in chunk.indices.to_pylist()]
        else:
            cells += chunk.to_pylist()
    return cells


def parse_json_table(path: Path, content: bytes) -> Any:
    """What a JSON file holds.

    Raises:
        InputError: it is none.
    """
    return parse_json(path, content, "is not a table in JSON")


def json_cells(path: Path, document: Any, codes: Sequence[str], values: Sequence[str], keyed_by: str) -> Cells:
    """Columns of JSON: a list of objects; an object of objects; or one or more such objects by name.

    Where the objects hold no code, the keys that they stand under are the codes. A column may be a path of keys joined
    by dots: `cifar10.val_accuracy` is `val_accuracy` of each network in the object `cifar10`.

    Args:
        keyed_by: what the column of codes is called where nobody named it: then keys may be codes.

    Raises:
        InputError: another shape, or a column is missing.
    """
    asked = list(values)
    if isinstance(document, dict) and len(document) == 1:
        ((first, only),) = document.items()
        if _is_object_of_objects(only):  # a table under a name of its own
            document, asked = only, [each.removeprefix(f"{first}.") for each in values]
    if isinstance(document, list) and all(isinstance(record, dict) for record in document):
        rows, keys = document, []
    elif _is_object_of_objects(document):
        rows, keys = list(document.values()), list(document)
    else:
        raise InputError(
            f"{path}: is not a table in JSON (neither a list of objects nor an object of objects); take the original "
            "or write it anew"
        )
    if not rows:
        raise InputError(f"{path}: has no rows")
    missing = [column for column in codes if not any(column in row for row in rows)]
    cells: dict[str, Sequence[Any]] = {column: [row.get(column) for row in rows] for column in codes}
    if tuple(codes) == (keyed_by,) and keys and missing:
        heads = {value.partition(".")[0] for value in asked}
        if heads <= set(keys) and all(_is_object_of_objects(document[head]) for head in heads):
            return _by_set(path, document, codes[0], values)
        cells, missing = {codes[0]: keys}, []
    found = {column: [_inside(row, keyed) for row in rows] for column, keyed in zip(values, asked, strict=True)}
    missing += [column for column in values if all(each is _ABSENT for each in found[column])]
    _check_columns(path, missing, _keys(rows))
    return Cells(cells | {column: _cells_of(found[column]) for column in values}, len(rows), keys)


def _by_set(path: Path, document: dict[str, Any], code: str, values: Sequence[str]) -> Cells:
    """Columns `SET.COLUMN` of an object of objects by code: the networks of the first set."""
    first = document[values[0].partition(".")[0]]
    cells: dict[str, list[Any]] = {code: list(first)}
    for column in values:
        head, _, rest = column.partition(".")
        rows = [document[head].get(each, {}) for each in first]
        found = [_inside(row, rest) for row in rows]
        _check_columns(path, [column] if all(each is _ABSENT for each in found) else [], _keys(rows))
        cells[column] = _cells_of(found)
    return Cells(cells, len(first), list(first))


def _cells_of(found: Sequence[Any]) -> list[Any]:
    return [None if each is _ABSENT else each for each in found]


_ABSENT = object()


def _inside(row: Any, column: str) -> Any:
    """A cell: under the column's name or, by the dots in it, in inner objects."""
    if isinstance(row, dict) and column in row:
        return row[column]
    for key in column.split("."):
        if not isinstance(row, dict) or key not in row:
            return _ABSENT
        row = row[key]
    return row


def _is_object_of_objects(value: Any) -> bool:
    return isinstance(value, dict) and bool(value) and all(isinstance(each, dict) for each in value.values())


def _keys(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The keys of the first rows."""
    return list(dict.fromkeys(key for row in rows[:100] for key in row))
