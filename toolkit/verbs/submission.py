"""Hand in: write and check leaderboard files."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from converters.submission import (
    Conflicts,
    Kind,
    MergeReport,
    Options,
    Report,
    Score,
    write_merged,
    write_submission,
)
from converters.submission import blend as blend_scores
from converters.submission import check as run_checks
from converters.submission import merge as merge_parts
from toolkit.candidates import Candidates, accepting_spaces, code_problems, read_candidates, read_table
from toolkit.errors import InputError
from toolkit.spaces import get_space
from toolkit.verbs.outputs import refuse_existing

if TYPE_CHECKING:
    from converters.submission.runs import Submitted


@dataclass(frozen=True, slots=True)
class Merged:
    """Part files put together: how that went, the candidates, and the file, if it was written."""

    report: MergeReport
    candidates: Candidates
    written: Path | None
    notes: tuple[str, ...]


def submit(
    run: Path | str,
    candidates: Path | str | None = None,
    out: Path | str | None = None,
    *,
    score: Score = "top1",
    checkpoint: Path | None = None,
    norm: str | None = None,
    images: int | None = None,
    ema: bool | None = None,
    by: str = "labels",
    race: bool = False,
    predicted: bool = False,
    smooth: bool = False,
    overwrite: bool = False,
) -> "Submitted":
    """Write the leaderboard file from a run's results, complete and checked; see `converters.submission.submit_run`.

    Raises:
        InputError: no run, no such results, or not of all candidates; `out` is there already.
    """
    from converters.submission.runs import Wanted, submit_run  # loads what evaluates, which a check needs not

    out = None if out is None else Path(out)
    refuse_existing(out, overwrite=overwrite)
    wanted = Wanted(checkpoint, norm, images, ema, by)
    known = None if candidates is None else Path(candidates)
    return submit_run(run, known, out, score, wanted, race=race, predicted=predicted, smooth=smooth)


def check(
    file: Path | str,
    space: str | None = None,
    candidates: Path | str | None = None,
    kind: Kind | Literal["auto"] = "auto",
) -> Report:
    """Every problem of a candidates file or a submission; what should agree with `candidates` is a submission.

    Raises:
        InputError: `candidates` cannot be read, or there is no such space.
    """
    known = None if candidates is None else known_candidates(Path(candidates), space)
    return run_checks(Path(file), get_space(space) if space else None, known, kind)


def merge(
    out: Path | str,
    parts: Sequence[Path],
    candidates: Path | str,
    *,
    space: str | None = None,
    conflicts: Conflicts = "error",
    allow_gaps: bool = False,
    unit: Literal["fraction", "percent"] | None = None,
    score: Literal["top1", "top5"] = "top1",
    repair_counts: bool = False,
    overwrite: bool = False,
) -> Merged:
    """Put part files together; nothing is written if there are problems, which stand in the report.

    Raises:
        InputError: a file cannot be read, or `out` is there already.
    """
    out = Path(out)
    refuse_existing(out, overwrite=overwrite)
    known = known_candidates(Path(candidates), space)
    options = Options(unit, score, repair_counts)
    report = merge_parts(parts, known, conflicts, allow_gaps=allow_gaps, options=options)
    if report.problems:
        return Merged(report, known, None, tuple(report.notes))
    more = write_merged(out, known, report)
    return Merged(report, known, out, (*report.notes, *more))


def blend(
    out: Path | str,
    scores: Sequence[Path],
    weights: Sequence[float] | None = None,
    *,
    space: str | None = None,
    overwrite: bool = False,
) -> Report:
    """Blend several rankings of the same candidates into one submission: each gets the mean of its ranks.

    Raises:
        InputError: the files cannot be read or do not agree, or `out` is there already.
    """
    out = Path(out)
    refuse_existing(out, overwrite=overwrite)
    candidates, blended = blend_scores(list(scores), None if weights is None else list(weights))
    chosen = get_space(space) if space else accepting_spaces(scores[0], candidates.values())[0]
    if problems := code_problems(scores[0], dict(candidates), chosen):
        raise InputError(problems)
    return write_submission(out, candidates, blended)


def known_candidates(path: Path, space: str | None) -> Candidates:
    """The candidates in a file; without a space, their codes are those of the first that accepts them."""
    chosen = get_space(space) if space else accepting_spaces(path, read_table(path).codes.values())[0]
    return read_candidates(path, chosen)
