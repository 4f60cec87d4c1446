"""Part files: which results they hold, and which rows only look like results.

A part file may have any shape that `converters.tables` reads. It holds some of the candidates, or all of them with
placeholders where nothing was evaluated. In real entries there are also rows that are no results of that part, so two
kinds of *suspects* are looked for. Neighbours are neighbours in the candidates file.

* **stale**: the part was begun as a copy of an older file. A row is taken for stale if it lies outside its part's main
  window (the longest run of results) and contradicts another part, in whose main window it lies.
* **edited**: a lone number among placeholders, typed into the template by hand. A part with more than three of them is
  one that evaluates scattered candidates, and they are results.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isclose

from converters.submission.subject import filled
from converters.tables.results import Results
from converters.tables.units import Unit, convert, unit_of
from toolkit.candidates import Candidates, Table, Window, windows

_LONE = 3
_ROUNDING = 1e-6  # relative: float32 averages of equal counts differ by less, different counts by more


@dataclass(frozen=True)
class Part:
    """What one part file holds, as far as it belongs to the candidates.

    Attributes:
        shape: the name of the file's shape.
        entries: how many there are, with placeholders.
        results: the others, by id, in the candidates' order; suspects included.
        unit: of the results, judged by those that are not edited if there are any; None if there are no results.
        windows: the runs of neighbouring results.
        main: the longest run; empty if it is a suspect itself.
        edited, stale: the suspects.
    """

    path: str
    shape: str
    entries: int
    results: Mapping[str, float] = field(repr=False)
    unit: Unit | None
    windows: tuple[Window, ...]
    main: frozenset[str] = field(repr=False)
    edited: frozenset[str]
    stale: frozenset[str] = field(default=frozenset(), repr=False)

    @property
    def trusted(self) -> dict[str, float]:
        """The results without the suspects."""
        return {key: acc for key, acc in self.results.items() if key not in self.edited and key not in self.stale}

    def in_unit(self, unit: Unit) -> "Part":
        """The part with its results in `unit`."""
        if self.unit in (None, unit):
            return self
        return replace(self, unit=unit, results={key: convert(acc, unit) for key, acc in self.results.items()})


def to_part(results: Results, candidates: Candidates) -> Part:
    """The part in a file, not yet compared with others."""
    order, table = tuple(candidates), results.table
    held = filled(table.accs, candidates)
    filled_in = {key: held[key] for key in order if key in held}
    found = windows(filled_in, order)
    main: frozenset[str] = frozenset()
    if found:
        longest = max(found, key=lambda window: window.count)
        start = order.index(longest.first)
        main = frozenset(order[start : start + longest.count])
    lone = _lone(found, table, order)
    edited = frozenset(lone if len(lone) <= _LONE else ())
    return Part(
        path=str(table.path),
        shape=results.shape or "",
        entries=len(table.ids),
        results=filled_in,
        unit=unit_of(acc for key, acc in filled_in.items() if key not in edited) or unit_of(filled_in.values()),
        windows=found,
        main=main - edited,
        edited=edited,
    )


def _lone(found: Sequence[Window], table: Table, order: tuple[str, ...]) -> list[str]:
    """Results whose neighbours are placeholders in the file; neighbours that are not in the file prove nothing."""
    alone = {window.first for window in found if window.count == 1}
    beside = {key: order[max(i - 1, 0) : i] + order[i + 1 : i + 2] for i, key in enumerate(order) if key in alone}
    return [key for key, near in beside.items() if near and all(neighbour in table.accs for neighbour in near)]


def mark_stale(parts: Sequence[Part]) -> list[Part]:
    """The parts with their stale rows known."""
    owners: dict[str, list[Part]] = {}
    for part in parts:
        for key in part.main:
            owners.setdefault(key, []).append(part)
    return [
        replace(
            part,
            stale=frozenset(
                key
                for key, acc in part.results.items()
                if key not in part.main
                and key not in part.edited
                and any(not same(acc, owner.results[key]) for owner in owners.get(key, ()))
            ),
        )
        for part in parts
    ]


def same(first: float, second: float) -> bool:
    """Whether two results are equal up to rounding."""
    return isclose(first, second, rel_tol=_ROUNDING)
