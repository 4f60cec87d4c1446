"""The one table into which every shape is read."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from converters.tables.units import Unit
from toolkit.candidates import Table


class Row(NamedTuple):
    """What a file says about one network; `top1` is 0 where it holds a placeholder."""

    id: str
    code: str
    top1: float
    top5: float | None = None


@dataclass(frozen=True)
class Results:
    """Results of networks, whatever the shape they came in.

    Attributes:
        path: the file, as messages name it.
        shape: the name of its shape; None if it could not be read at all.
        rows: its whole entries, in file order, each id once.
        ids: every id, also those of broken entries.
        unit: of `top1` and `top5`; None if all are placeholders.
        problems: everything that is wrong with the file.
        notes: how it was read, where there was a choice.
    """

    path: Path
    shape: str | None
    rows: tuple[Row, ...] = field(repr=False)
    ids: tuple[str, ...] = field(repr=False)
    unit: Unit | None
    problems: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def has_top5(self) -> bool:
        """Whether every row has a top-5 accuracy."""
        return bool(self.rows) and all(row.top5 is not None for row in self.rows)

    @property
    def codes(self) -> dict[str, str]:
        """The codes by id."""
        return {row.id: row.code for row in self.rows}

    @property
    def table(self) -> Table:
        """The same as a file in the official shape, for the checks of submissions."""
        return Table(self.path, self.ids, self.codes, {row.id: row.top1 for row in self.rows}, self.problems)
