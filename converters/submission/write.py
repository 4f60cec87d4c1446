"""Build a submission from evaluation results, and write it so that nothing incomplete or broken is ever handed in."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from converters.submission.checks import Report, examine
from toolkit.backends.base import Counts, Score
from toolkit.candidates import Candidates, capped, dump_entries, list_windows, name, parse_table, windows
from toolkit.errors import InputError
from toolkit.files import atomic_write, read_bytes

MEANING: dict[Score, str] = {
    "top1": "the fraction of images whose true class is ranked first",
    "top5": "the fraction of images whose true class is among the first five",
    "loss": "exp(-mean cross-entropy), the geometric mean of the probability given to the true class: between 0 and 1, "
    "higher is better, in the same order as the loss but not in proportion to it (Kendall is the same, Pearson is not)",
}
"""What `acc` says, by score."""


def build(candidates: Candidates, counts: Mapping[str, Counts], score: Score = "top1") -> dict[str, float]:
    """The score of every candidate, by id, from `counts` by code; what it means stands in `MEANING`.

    An accuracy is one division of integers, so that equal counts are equal floats and stay ties.

    Raises:
        InputError: candidates have no counts, or counts from which no score follows; lists all.
    """
    scores = {key: score_of(counts[code], score) for key, code in candidates.items() if code in counts}
    broken = [
        f"{name(key)}: no {score} follows from {counts[candidates[key]]}: its network is broken; choose another score"
        for key, value in scores.items()
        if not math.isfinite(value)
    ]
    problems = _missing(candidates, scores) + capped(broken)
    if problems:
        raise InputError(problems)
    return scores


def score_of(counts: Counts, score: Score) -> float:
    """The score that follows from the counts of one network; NaN where there is none."""
    if counts.total < 1 or (score == "loss" and not math.isfinite(counts.loss)):
        return math.nan
    if score == "loss":
        return math.exp(-max(counts.loss / counts.total, 0.0))
    return counts.mean(score)


def _missing(candidates: Candidates, scores: Mapping[str, float]) -> list[str]:
    missing = candidates.keys() - scores
    if not missing:
        return []
    where = list_windows(windows(missing, candidates))
    return [f"{len(missing):,} of {len(candidates):,} candidates have no result: {where}; evaluate them"]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A submission that may be written: the file's content, and what there is to say about it."""

    content: bytes
    report: Report


def prepare_submission(path: Path | str, candidates: Candidates, scores: Mapping[str, float]) -> Prepared:
    """The submission to be written to `path`, checked, in the candidates' order.

    A 0 in `scores` is a result here, though a note: it cannot be told from a placeholder afterwards.

    Raises:
        InputError: candidates lack a score, or the submission would have problems: NaN, a constant, ...; lists all.
    """
    problems = _missing(candidates, scores)
    problems += capped(
        [f"{path}: {name(key)} is not in the candidates file" for key in scores if key not in candidates]
    )
    problems += capped(
        [
            f"{path}: {name(key)} has no number but {acc}; evaluate it"
            for key, acc in scores.items()
            if not math.isfinite(acc)
        ]
    )
    if problems:
        raise InputError(problems)
    content = dump_entries(candidates, scores)
    report = examine(parse_table(path, content), None, candidates, "submission", zeros_are_results=True)
    if report.problems:
        raise InputError(report.problems)
    zeros = [key for key, acc in scores.items() if acc == 0]
    if zeros:
        where = list_windows(windows(zeros, candidates))
        note = f"{where}: results of exactly 0, which others will take for placeholders"
        report = replace(report, notes=(*report.notes, note))
    return Prepared(content, report)


def write_submission(path: Path | str, candidates: Candidates, scores: Mapping[str, float]) -> Report:
    """Write what `prepare_submission` makes, atomically, and read it back.

    Raises:
        InputError: as `prepare_submission`, and the file that may be at `path` stays; or it cannot be written.
    """
    prepared = prepare_submission(path, candidates, scores)
    with atomic_write(path) as file:
        file.write(prepared.content)
    if read_bytes(path) != prepared.content:
        raise InputError(f"{path}: reads back other than it was written; check the disk and write it anew")
    return prepared.report
