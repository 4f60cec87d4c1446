"""Leaderboard files: the run's own, those that somebody uploads, and one made from the ledger."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from app.store import kept_table
from converters.submission import (
    Conflicts,
    Options,
    Part,
    Prepared,
    Report,
    Score,
    build,
    check,
    dump_part,
    merge_results,
    prepare_submission,
)
from converters.submission.checks import examine
from converters.tables import SHAPES, WORDS, Results, parse_results
from toolkit.candidates import Candidates, list_windows, parse_table, read_candidates, windows
from toolkit.errors import InputError
from toolkit.evaluation.ledger import Ledger, Setting
from toolkit.files import read_bytes
from toolkit.runs.folder import RunFolder
from toolkit.runs.recipe import read_recipe
from toolkit.spaces import SearchSpace, get_space
from toolkit.spaces.base import shorten

MB = 2**20
UPLOAD_MB = 16
"""A leaderboard file of 45,000 candidates has 5, the winner's log of 50,000 would have 13."""
ALL_UPLOADS_MB = 64
UPLOADS = 128
"""The winner of 2021 had 100 part files of 0.05 MB each."""

Upload = tuple[str, bytes]
"""The name and the content of a file."""


def check_own(run: RunFolder) -> Report:
    """Every problem of the run's submission."""
    return check(run.submission, _space(run), _candidates(run), "submission")


MOSTLY = 0.05
"""Of all pairs of networks: 20 values or fewer tie more than that, which is a coarse ranking of tens of thousands."""


@dataclass(frozen=True, slots=True)
class Tied:
    """How far results order the networks.

    Attributes:
        share: of all pairs of networks, those with equal results.
    """

    results: int
    distinct: int
    share: float

    @property
    def mostly(self) -> bool:
        """Whether something should be done about it."""
        return self.share > MOSTLY

    @classmethod
    def of(cls, content: bytes) -> "Tied | None":
        """Of a submission; None if it cannot be read."""
        try:
            accs = pd.Series(parse_table("submission.json", content).accs)
        except InputError:
            return None
        counts = accs.value_counts().to_numpy()
        every = max(len(accs) * (len(accs) - 1), 1)
        return cls(len(accs), len(counts), float((counts * (counts - 1)).sum() / every))


def tied(run: RunFolder) -> Tied | None:
    """The same of the run's own."""
    return Tied.of(read_bytes(run.submission))


def count_problems(run: RunFolder) -> int | None:
    """The number of problems of the run's submission, None if there is none."""
    if not run.submission.is_file():
        return None
    try:
        read = [read_bytes(path) if path.is_file() else b"" for path in (run.recipe, run.candidates, run.submission)]
        kept = kept_table("problems", read, lambda: pd.DataFrame({"problems": [len(check_own(run).problems)]}))
        return int(kept["problems"].iloc[0])
    except InputError as error:
        return len(error.problems)


def build_submission(run: RunFolder, setting: Setting, score: Score) -> Prepared:
    """The leaderboard file that follows from one setting of the ledger; nothing is written.

    Raises:
        InputError: results are missing, or the file would have problems; lists all.
    """
    candidates = read_candidates(run.candidates, _space(run))
    with Ledger.read(run.ledger) as ledger:
        counts = ledger.results(setting)
    return prepare_submission(run.submission.name, candidates, build(candidates, counts, score))


@dataclass(frozen=True)
class Uploaded:
    """What files from anywhere hold, and what they make together.

    Attributes:
        files: one row each: what was recognised.
        verdict: what they are together, in words.
        content: the submission or, with gaps, the larger part file; None if there are problems.
        complete: whether `content` is a submission.
    """

    files: pd.DataFrame
    verdict: str
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    content: bytes | None = None
    complete: bool = False


def read_uploads(
    run: RunFolder,
    uploads: Sequence[Upload],
    options: Options,
    conflicts: Conflicts = "error",
    *,
    allow_gaps: bool = False,
) -> Uploaded:
    """Recognise files from anywhere, find all their problems, and put them together. Nothing in them is executed.

    They are held against the run's candidates; without such, each is only checked by itself.
    """
    size = sum(len(content) for _, content in uploads)
    if len(uploads) > UPLOADS or size > ALL_UPLOADS_MB * MB:
        limit = f"the dashboard takes {UPLOADS} files of {ALL_UPLOADS_MB} MB together"
        problem = f"{len(uploads):,} files of {size / MB:,.0f} MB: {limit}; `supernet merge` takes any number"
        return Uploaded(pd.DataFrame(), "too much at once", (problem,))
    candidates = _candidates(run)
    files = [_parse(name, content, candidates) for name, content in _distinct(uploads)]
    if candidates is None:
        return _checked_alone(files, _space(run))
    merged = merge_results(files, candidates, conflicts, allow_gaps, options)
    parts = {part.path: part for part in merged.parts}
    shown = Uploaded(
        files=pd.DataFrame([_facts(file, parts.get(str(file.path))) for file in files]),
        verdict="not fit to hand in",
        problems=merged.problems,
        notes=merged.notes,
    )
    if merged.problems:
        return shown
    if merged.gaps:
        verdict = f"a part file: {len(merged.accs):,} of {len(candidates):,} candidates have results"
        return replace(shown, verdict=verdict, content=dump_part(candidates, merged.accs))
    try:
        prepared = prepare_submission("what they make", candidates, merged.accs)
    except InputError as error:
        return replace(shown, problems=error.problems)
    report = prepared.report
    notes = (*merged.notes, *report.notes)
    return replace(shown, verdict=report.verdict, notes=notes, content=prepared.content, complete=True)


def _checked_alone(files: Sequence[Results], space: SearchSpace) -> Uploaded:
    """The files without candidates to hold them against."""
    reports = [examine(file.table, space, None, "submission") for file in files if file.shape]
    problems = [problem for file in files if not file.shape for problem in file.problems]
    problems += [problem for report in reports for problem in report.problems]
    notes = [f"{file.path}: {note}" for file in files for note in file.notes]
    notes += [f"{report.path}: {report.verdict}" for report in reports if report.valid]
    verdict = "problems in these files" if problems else "no problems in these files"
    alone = "the run has no candidates file, so each was checked by itself and they were not put together"
    frame = pd.DataFrame([_facts(file, None) for file in files])
    return Uploaded(frame, verdict, tuple(problems), (*notes, alone))


def _parse(name: str, content: bytes, candidates: Candidates | None) -> Results:
    if len(content) > UPLOAD_MB * MB:
        problem = f"{name}: has {len(content) / MB:,.0f} MB, and the dashboard takes {UPLOAD_MB}; use `supernet merge`"
        return Results(Path(name), None, (), (), None, (problem,), ())
    return parse_results(name, content, candidates)


def _distinct(uploads: Sequence[Upload]) -> Iterator[Upload]:
    """The files under names that differ, as those of the same name from several folders must."""
    taken: set[str] = set()
    for name, content in uploads:
        short = label = shorten(Path(name).name or "unnamed")
        number = 1
        while label in taken:
            number += 1
            label = f"{short} ({number})"
        taken.add(label)
        yield label, content


def _facts(file: Results, part: Part | None) -> dict[str, str | int]:
    """What was recognised in a file, and which results it has."""
    filled = {row.id for row in file.rows if row.top1}
    suspects = len(part.stale | part.edited) if part else 0
    return {
        "File": str(file.path),
        "Shape": f"{file.shape}: {SHAPES[file.shape].example}" if file.shape else "not readable",
        "Entries": len(file.ids),
        "Results": len(part.results) if part else len(filled),
        "Suspect": suspects,
        "Values": WORDS[file.unit] if file.unit else "",
        "Where": list_windows(part.windows if part else windows(filled, file.ids)),
    }


def _space(run: RunFolder) -> SearchSpace:
    return get_space(read_recipe(run.recipe).space)


def _candidates(run: RunFolder) -> Candidates | None:
    return read_candidates(run.candidates, _space(run)) if run.candidates.is_file() else None
