"""Give every row the id it has in the candidates file."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from converters.tables.results import Row
from converters.tables.shape import Found
from toolkit.candidates import capped, name, show

_NUMBERED = re.compile(r"arch(0|[1-9][0-9]{0,9})")


@dataclass(frozen=True, slots=True)
class Identified:
    """Rows with the candidates' ids, every id of the file, and how that was done."""

    rows: Sequence[Row]
    ids: Sequence[str]
    problems: Sequence[str]
    notes: Sequence[str]


def identify(path: Path, found: Found, ids: bool, candidates: Mapping[str, str] | None) -> Identified:
    """The entries of a file, under the candidates' ids.

    * Ids that count from 0 are moved up by one: if every known code stands one id too low; without candidates, if
      there is an arch0.
    * Without ids (`ids` is false), rows have those of their codes and come in the candidates' order; without candidates
      either, a code has its number in the file.
    * Codes of 51 digits lack the image size, as in the documentation of 2022 (challenge-2022.md 1.2): they get the 1
      before them if that makes all of them codes of candidates.
    * A row that stands there again is dropped if it says the same, and a problem otherwise.
    """
    rows, keys, notes = found.rows, found.ids, []
    by_code: dict[str, list[str]] = defaultdict(list)
    for key, code in (candidates or {}).items():
        by_code[code].append(key)
    if rows and by_code and not any(row.code in by_code for row in rows):
        longer = [row._replace(code="1" + row.code) for row in rows]
        if all(row.code in by_code for row in longer):
            rows = longer
            notes.append("its codes lack the first digit, that of the image size; it was put there")
    problems: list[str] = []
    if not ids and rows:
        rows, problems, note = _numbered(rows) if candidates is None else _from_codes(path, rows, by_code, candidates)
        keys = list(dict.fromkeys(row.id for row in rows))
        notes += note
    elif ids and _from_zero(rows, keys, candidates):
        rows = [row._replace(id=_next(row.id)) for row in rows]
        keys = list(map(_next, keys))
        notes.append("its ids count from 0; they were moved up by one")
    rows, twice, note = _once(path, rows)
    return Identified(rows, keys, [*found.problems, *problems, *twice], [*notes, *note])


def _from_codes(
    path: Path, rows: Sequence[Row], by_code: Mapping[str, Sequence[str]], candidates: Iterable[str]
) -> tuple[list[Row], list[str], list[str]]:
    place = {key: i for i, key in enumerate(candidates)}
    known = [row._replace(id=key) for row in rows for key in by_code.get(row.code, ())]
    known.sort(key=lambda row: place[row.id])
    strangers = dict.fromkeys(row.code for row in rows if row.code not in by_code)
    problems = [f"{path}: code {show(code)} is not in the candidates file; remove it" for code in strangers]
    return known, capped(problems), ["it has no ids; those of its codes were taken from the candidates file"]


def _numbered(rows: Sequence[Row]) -> tuple[list[Row], list[str], list[str]]:
    codes = dict.fromkeys(row.code for row in rows)
    keys = {code: f"arch{number}" for number, code in enumerate(codes, start=1)}
    note = "it has no ids; its codes were numbered in file order, for lack of a candidates file to take their ids from"
    return [row._replace(id=keys[row.code]) for row in rows], [], [note]


def _from_zero(rows: Sequence[Row], keys: Sequence[str], candidates: Mapping[str, str] | None) -> bool:
    if not keys or not all(map(_NUMBERED.fullmatch, keys)):
        return False
    if candidates is None:
        return "arch0" in keys
    known = set(candidates.values())
    rows = [row for row in rows if row.code in known]
    moved = bool(rows) and all(candidates.get(_next(row.id)) == row.code for row in rows)
    return moved and any(candidates.get(row.id) != row.code for row in rows)


def _next(key: str) -> str:
    return f"arch{int(key.removeprefix('arch')) + 1}"


def _once(path: Path, rows: Sequence[Row]) -> tuple[list[Row], list[str], list[str]]:
    """Every id once."""
    first: dict[str, Row] = {}
    again = [row for row in rows if first.setdefault(row.id, row) is not row]
    if not again:
        return list(rows), [], []
    problems = [
        f"{path}: {name(row.id)} stands there more than once, with {_says(first[row.id])} and {_says(row)}; keep one"
        for row in again
        if row != first[row.id]
    ]
    same = sum(row == first[row.id] for row in again)
    return list(first.values()), capped(problems), [f"{same:,} rows stand there more than once; they count once"]


def _says(row: Row) -> str:
    return f"{show(row.top1)} for {show(row.code)}"
