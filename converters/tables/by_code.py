"""Dictionaries whose keys are codes (challenge-2022.md 2.1).

| shape | entry | whose |
|---|---|---|
| inverted | `CODE: ["arch1", 0.5]` | the 9th place of 2022, one file for each of its processes |
| by-code | `CODE: 0.5` | the 7th place of 2022 |
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from converters.tables.results import Row
from converters.tables.shape import Found, Shape, json_file
from toolkit.candidates import capped, name, repeated, show
from toolkit.numeric import is_number

_PAIR = "an entry is a pair of an id and a finite number"


def _read_inverted(path: Path, entries: dict[str, Any]) -> Found:
    rows = []
    problems = _twice(path, entries)
    broken = []
    for code, entry in entries.items():
        match entry:
            case [str(key), acc] if is_number(acc):
                rows.append(Row(key, code, acc))
            case [key, acc]:
                broken.append(f"{path}: {name(code)} has [{show(key)}, {show(acc)}]; {_PAIR}")
            case _:
                broken.append(f"{path}: {name(code)} has {show(entry)}; {_PAIR}")
    return Found(rows, list(dict.fromkeys(row.id for row in rows)), problems + capped(broken))


def _read_by_code(path: Path, entries: dict[str, Any]) -> Found:
    rows = [Row("", code, acc) for code, acc in entries.items() if is_number(acc)]
    broken = [
        f"{path}: {name(code)} has {show(acc)}; an accuracy is a finite number"
        for code, acc in entries.items()
        if not is_number(acc)
    ]
    return Found(rows, (), _twice(path, entries) + capped(broken))


def _twice(path: Path, entries: dict[str, Any]) -> list[str]:
    return capped([f"{path}: {name(code)} stands there more than once; keep one of them" for code in repeated(entries)])


def _dump_inverted(rows: Sequence[Row]) -> bytes:
    return json_file({row.code: [row.id, row.top1] for row in rows})


def _dump_by_code(rows: Sequence[Row]) -> bytes:
    return json_file({row.code: row.top1 for row in rows})


INVERTED = Shape("inverted", '{CODE: ["arch1", 0.5]}', ids=True, top5=False, read=_read_inverted, dump=_dump_inverted)
BY_CODE = Shape("by-code", "{CODE: 0.5}", ids=False, top5=False, read=_read_by_code, dump=_dump_by_code)
