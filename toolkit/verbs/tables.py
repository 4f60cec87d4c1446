"""Results of other teams, from any shape into any other."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from converters.submission.checks import examine_codes
from converters.tables import SHAPES, Results, count_from_zero, dump, in_unit, losses, read_results, take
from converters.tables import read_as as taken_as
from converters.tables import repair_counts as repaired
from toolkit.errors import InputError
from toolkit.files import atomic_write
from toolkit.spaces import get_space
from toolkit.verbs.outputs import refuse_existing
from toolkit.verbs.submission import known_candidates

Unit = Literal["fraction", "percent"]
Shape = Literal["official", "arc", "inverted", "by-code", "lines", "id-lines"]


@dataclass(frozen=True, slots=True)
class Tabled:
    """What was recognised in each file, with its problems; the file, if it was written; and what that lost."""

    read: tuple[Results, ...]
    written: Path | None
    lost: tuple[str, ...]

    @property
    def whole(self) -> bool:
        """Whether no file has problems."""
        return not any(results.problems for results in self.read)


def table(
    files: Sequence[Path],
    out: Path | str | None = None,
    *,
    candidates: Path | str | None = None,
    space: str | None = None,
    to: Shape = "official",
    read_as: Unit | None = None,
    unit: Unit | None = None,
    score: Literal["top1", "top5"] = "top1",
    repair_counts: bool = False,
    from_zero: bool = False,
    overwrite: bool = False,
) -> Tabled:
    """Say in which shape files hold results, and write one in another; nothing is written if there are problems.

    Args:
        candidates: which ids the codes have.
        read_as: what the values are; by default percent if any is above 1.
        unit: what to write; by default what was read.
        score: the column to write where only one fits.
        repair_counts: make values equal again that count equally many images but were rounded differently.
        from_zero: write ids that count from 0.

    Raises:
        InputError: `out` is there already, or is to hold several files; `candidates` cannot be read.
    """
    out = None if out is None else Path(out)
    if out and len(files) > 1:
        raise InputError(f"{out}: cannot hold {len(files)} tables; convert one, or put them together: `supernet merge`")
    refuse_existing(out, overwrite=overwrite)
    known = known_candidates(Path(candidates), space) if candidates else None
    named = get_space(space) if space else None
    read: list[Results] = []
    for file in files:
        results = read_results(Path(file), known)
        problems, notes = examine_codes(results.table, named, known)
        results = replace(results, problems=(*results.problems, *problems), notes=(*results.notes, *notes))
        try:
            results = in_unit(take(taken_as(results, read_as), score), unit)
            results = repaired(results) if repair_counts else results
            results = count_from_zero(results) if from_zero else results
        except InputError as error:
            results = replace(results, problems=(*results.problems, *error.problems))
        read.append(results)
    if out is None or not (found := Tabled(tuple(read), out, ())).whole:
        return Tabled(tuple(read), None, ())
    content, lost = dump(read[0], SHAPES[to]), losses(read[0], SHAPES[to])
    with atomic_write(out) as target:
        target.write(content)
    return replace(found, lost=tuple(lost))
