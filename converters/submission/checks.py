"""Check a candidates file or a submission: all problems and notes, and in words what the file is."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from converters.submission import notes, problems
from converters.submission.subject import Subject, filled, is_template
from converters.tables import SHAPES, read_results
from toolkit.candidates import Candidates, Table, accepting_spaces, read_table
from toolkit.errors import InputError
from toolkit.spaces import SearchSpace

Kind = Literal["candidates", "submission"]


@dataclass(frozen=True, slots=True)
class Report:
    """The result of `check`.

    Attributes:
        kind: what the file is or looks like; None if it could not be read at all.
        entries, results: how many there are, and how many of them hold an accuracy.
    """

    path: str
    kind: Kind | None
    entries: int
    results: int
    problems: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def valid(self) -> bool:
        """Whether there are no problems."""
        return not self.problems

    @property
    def verdict(self) -> str:
        """What the file is, in words."""
        if self.kind is None:
            return "not a candidates file and not a submission"
        if self.kind == "candidates":
            if self.results:
                return f"a candidates file in which {self.results:,} of {self.entries:,} placeholders were edited"
            valid = "a valid candidates file, but no submission" if self.valid else "a candidates file with problems"
            return f"{valid}: all {self.entries:,} entries hold placeholders"
        valid = "a valid submission" if self.valid else "a submission that is not fit to hand in"
        return f"{valid}: {self.results:,} of {self.entries:,} entries hold results"


def check(
    path: Path | str,
    space: SearchSpace | None = None,
    candidates: Candidates | None = None,
    kind: Kind | Literal["auto"] = "auto",
) -> Report:
    """Every problem of a candidates file or a submission.

    `auto` takes a file with fewer than one result in a hundred entries for a candidates file (in which somebody edited
    a placeholder), any other for a submission; what is to agree with `candidates` is always a submission. Without a
    space, the codes are read as those of the first that accepts them.
    Results in another shape are no submission yet, and the report says what makes one of them.
    """
    try:
        table = read_table(path)
        if not table.codes:
            raise InputError(table.problems)
        spaces = [space] if space else accepting_spaces(path, (candidates or table.codes).values())
    except InputError as error:
        return Report(str(path), None, 0, 0, _foreign(path) or error.problems, ())
    if candidates is not None and kind == "auto":
        kind = "submission"
    report = examine(table, spaces[0], candidates, kind)
    if space:
        return report
    others = f"; {', '.join(other.name for other in spaces[1:])} would do as well" if spaces[1:] else ""
    return replace(report, notes=(f"the codes were read as those of space {spaces[0].name}{others}", *report.notes))


def _foreign(path: Path | str) -> tuple[str, ...]:
    """What to do with results in another shape; nothing if the file does not hold any."""
    results = read_results(path)
    if results.shape in (None, "official") or not results.rows:
        return ()
    return (
        f"{path}: holds {len(results.rows):,} results in the shape {results.shape} "
        f"({SHAPES[results.shape].example}), which is no submission; "
        "`supernet table` with `--to official --out FILE` makes one of it",
    )


def examine_codes(
    table: Table, space: SearchSpace | None, candidates: Candidates | None
) -> tuple[list[str], list[str]]:
    """Problems of ids and codes alone, if somebody said what they must be; otherwise a note on whose codes they are."""
    subject = Subject(table, space, candidates, {})
    found = [*problems.unknown_ids(subject), *problems.different_codes(subject), *problems.invalid_codes(subject)]
    if space or candidates is not None or not table.codes:
        return found, []
    codes = set(table.codes.values())
    try:
        nearest = accepting_spaces(table.path, codes)[0]
    except InputError:
        return found, ["no search space accepts any of its codes"]
    accepted = sum(not nearest.problems(code) for code in codes)
    return found, [f"{accepted:,} of {len(codes):,} codes are in space {nearest.name}"]


def examine(
    table: Table,
    space: SearchSpace | None,
    candidates: Candidates | None,
    kind: Kind | Literal["auto"],
    *,
    zeros_are_results: bool = False,
) -> Report:
    """`check` for a table at hand. A 0 is a placeholder that was left over, unless the caller knows better."""
    results = table.accs if zeros_are_results else filled(table.accs, candidates)
    if kind == "auto":
        kind = "candidates" if is_template(table.accs) else "submission"
    subject = Subject(table, space, candidates, results)
    finding = problems.SUBMISSION if kind == "submission" else problems.CANDIDATES
    noting = notes.SUBMISSION if kind == "submission" else ()
    return Report(
        path=str(table.path),
        kind=kind,
        entries=len(table.ids),
        results=len(results),
        problems=tuple(problem for check in problems.COMMON + finding for problem in check(subject)),
        notes=tuple(note for observe in notes.COMMON + noting for note in observe(subject)),
    )
