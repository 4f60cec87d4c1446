"""From the table to a file: another score or unit, counts repaired, another shape, and what is lost on the way."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Literal

from converters.tables.counts import find_granularity
from converters.tables.recognise import SHAPES, recognise
from converters.tables.results import Results, Row
from converters.tables.shape import Shape
from converters.tables.units import WORDS, Unit, convert, inexact, mixed_scales, out_of_range
from toolkit.candidates import name
from toolkit.errors import InputError

Column = Literal["top1", "top5"]

NO_COUNTS = "its values are not counts of any number of images that can be told; leave them as they are"


def take(results: Results, column: Column) -> Results:
    """The table with `column` as its first; taking top-5 leaves no other.

    Raises:
        InputError: rows have no top-5 accuracy.
    """
    if column == "top1":
        return results
    missing = sum(row.top5 is None for row in results.rows)
    if missing:
        raise InputError(
            f"{results.path}: {missing:,} of {len(results.rows):,} rows have no top-5 accuracy; take top-1"
        )
    return replace(results, rows=tuple(Row(row.id, row.code, row.top5) for row in results.rows if row.top5 is not None))


def read_as(results: Results, unit: Unit | None) -> Results:
    """The table with its unit settled: as the caller says, or by the rule, which a note then states.

    Raises:
        InputError: values are no accuracies, are of two units, or cannot be of this one.
    """
    top1 = {row.id: row.top1 for row in results.rows}
    top5 = {row.id: row.top5 for row in results.rows if row.top5 is not None}
    problems = [*out_of_range(results.path, top1), *out_of_range(results.path, top5)]
    if unit is None:
        problems += [*mixed_scales(results.path, top1, top1), *mixed_scales(results.path, top5, top5)]
    if unit == "fraction" and results.unit == "percent":
        problems.append(f"{results.path}: holds values above 1, which are no fractions; they are percentages")
    if problems:
        raise InputError(problems)
    if unit and results.unit:
        return replace(results, unit=unit)
    if results.unit == "fraction":
        note = "no value is above 1, so they are taken for fractions; if they are percentages: `--read-as percent`"
        return replace(results, notes=(*results.notes, note))
    return results


def in_unit(results: Results, unit: Unit | None) -> Results:
    """The table in `unit`; a note says what would not come back exactly."""
    if unit is None or results.unit in (None, unit):
        return results
    before: Unit = "percent" if unit == "fraction" else "fraction"
    rows = tuple(
        row._replace(top1=convert(row.top1, unit), top5=None if row.top5 is None else convert(row.top5, unit))
        for row in results.rows
    )
    lost = inexact(_values(results.rows), _values(rows), before)
    notes = [*results.notes, f"brought from {WORDS[before]} to {WORDS[unit]}"]
    if lost:
        notes.append(f"lost: the last digit of {lost:,} values, which {WORDS[unit]} cannot hold")
    return replace(results, rows=rows, unit=unit, notes=tuple(notes))


def _values(rows: Iterable[Row]) -> list[float]:
    """Everything in the table that is no placeholder."""
    return [value for row in rows for value in (row.top1, row.top5) if value]


def repair_counts(results: Results) -> Results:
    """The table with equal numbers for equal counts of images.

    Raises:
        InputError: its values show no number of images.
    """
    found = find_granularity(_values(results.rows))
    if found is None:
        raise InputError(f"{results.path}: {NO_COUNTS}")
    rows = tuple(
        row._replace(top1=row.top1 and found.repair(row.top1), top5=row.top5 and found.repair(row.top5))
        for row in results.rows
    )
    changed = sum(new != old for new, old in zip(rows, results.rows, strict=True))
    note = f"counts repaired: {changed:,} rows were changed; {found.summary}"
    return replace(results, rows=rows, notes=(*results.notes, note))


def count_from_zero(results: Results) -> Results:
    """The table with ids arch0, arch1, ... in the place of arch1, arch2, ...

    Raises:
        InputError: ids are not numbered so.
    """
    try:
        rows = tuple(row._replace(id=_before(row.id)) for row in results.rows)
    except ValueError:
        raise InputError(f"{results.path}: its ids are not arch1, arch2, ...; leave them as they are") from None
    return replace(results, rows=rows, ids=tuple(row.id for row in rows))


def _before(key: str) -> str:
    number = int(key.removeprefix("arch")) - 1
    if number < 0 or key != f"arch{number + 1}":
        raise ValueError(key)
    return f"arch{number}"


def losses(results: Results, shape: Shape) -> list[str]:
    """What a file in `shape` does not say any more."""
    lost = []
    if not shape.ids:
        lost.append("lost: the ids; with `--candidates` they are found again from the codes")
    with_top5 = sum(row.top5 is not None for row in results.rows)
    if with_top5 and not shape.top5:
        lost.append(f"lost: the top-5 accuracies of {with_top5:,} rows; `--score top5` writes them instead")
    if results.shape == "ledger":
        lost.append("lost: what else the ledger knows: the number of images, losses, times, checkpoint and batch norm")
    return lost


def dump(results: Results, shape: Shape) -> bytes:
    """The table as a file in `shape`, read back to be sure.

    Raises:
        InputError: the table has problems, is empty, or cannot be written so that it reads the same.
    """
    if results.problems:
        raise InputError(results.problems)
    if not results.rows:
        raise InputError(f"{results.path}: has no results; there is nothing to write")
    if shape.dump is None:
        writable = ", ".join(other.name for other in SHAPES.values() if other.dump)
        raise InputError(f"the shape {shape.name} is only read; choose one of {writable}")
    content = shape.dump(results.rows)
    expected = [_held(row, shape) for row in results.rows]
    if (read := _read_back(content, shape)) != expected:
        same = next((i for i, pair in enumerate(zip(expected, read, strict=False)) if len({*pair}) > 1), len(read))
        lost = expected[min(same, len(expected) - 1)]
        raise InputError(
            f"{results.path}: {name(lost.id or lost.code)} cannot be written in the shape {shape.name} "
            f"({shape.example}) and read back; choose another shape"
        )
    return content


def _read_back(content: bytes, shape: Shape) -> list[Row]:
    """What others will read; nothing if they take it for another shape."""
    path = Path("what was written")
    try:
        again, source = recognise(path, content)
    except InputError:
        return []
    return [_held(row, shape) for row in again.read(path, source).rows] if again is shape else []


def _held(row: Row, shape: Shape) -> Row:
    """What the shape can hold of a row."""
    return Row(row.id if shape.ids else "", row.code, row.top1, row.top5 if shape.top5 else None)
