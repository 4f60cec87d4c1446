"""`CODE TOP1 TOP5` and `ID CODE TOP1 TOP5`, one network a line (challenge-2022.md 2.1).

The first is written by the official demo of 2022 and was used by the 1st, 3rd and 7th place; the second is the 3rd
place's. Both append, so that a file may hold several runs. A top-5 accuracy may be missing from the first.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from converters.tables.results import Row
from converters.tables.shape import Found, Shape, text_file
from toolkit.candidates import capped, show
from toolkit.numeric import is_number

NUMBER = r"[+-]?\d{1,30}(?:\.\d{0,40})?(?:[eE][+-]?\d{1,3})?"
"""A number as programs print it; `nan`, `inf` and novelties such as 1_000 are none."""

_NUMBER = re.compile(NUMBER, re.ASCII)


def _read(path: Path, lines: Sequence[str], ids: bool) -> Found:
    rows: list[Row] = []
    problems = []
    form = ID_LINES.example if ids else f"{LINES.example} or without TOP5"
    for number, line in enumerate(lines, start=1):
        fields = line.split()
        if not fields:
            continue
        key = fields.pop(0) if ids else ""
        if len(fields) != 3 and (ids or len(fields) != 2):
            problems.append(f"{path}: line {number:,} is {show(line.strip())}, not {form}; repair or remove it")
        elif wrong := [field for field in fields[1:] if not _is_number(field)]:
            problems.append(f"{path}: line {number:,} has {show(wrong[0])} as an accuracy; it is a finite number")
        else:
            rows.append(Row(key, fields[0], *map(to_number, fields[1:])))
    return Found(rows, list(dict.fromkeys(row.id for row in rows)) if ids else (), capped(problems))


def columns_of(line: str) -> int:
    """How many fields a line has, if it may be one of these shapes: two to four, a number last. Otherwise 0."""
    fields = line.split()
    return len(fields) if 2 <= len(fields) <= 4 and _NUMBER.fullmatch(fields[-1]) else 0


def to_number(field: str) -> float:
    """The number that `NUMBER` matched; a whole one stays whole, as the placeholder of 2021 is."""
    return int(field) if field.isdigit() else float(field)


def _is_number(field: str) -> bool:
    return bool(_NUMBER.fullmatch(field)) and is_number(to_number(field))


def _dump(rows: Sequence[Row]) -> bytes:
    return text_file((row.code, repr(row.top1), *_top5(row)) for row in rows)


def _dump_ids(rows: Sequence[Row]) -> bytes:
    return text_file((row.id, row.code, repr(row.top1), *_top5(row)) for row in rows)


def _top5(row: Row) -> tuple[str, ...]:
    return () if row.top5 is None else (repr(row.top5),)


LINES = Shape(
    "lines", "CODE TOP1 TOP5", ids=False, top5=True, read=lambda path, lines: _read(path, lines, ids=False), dump=_dump
)
ID_LINES = Shape(
    "id-lines",
    "ID CODE TOP1 TOP5",
    ids=True,
    top5=True,
    read=lambda path, lines: _read(path, lines, ids=True),
    dump=_dump_ids,
)
