"""Leaderboard files: the run's own, one that somebody uploads, and one made from the ledger."""

from dataclasses import dataclass

from converters.submission import Report, Score, build, check
from converters.submission.checks import examine
from toolkit.errors import InputError
from toolkit.evaluation.candidates import Candidates, dump_entries, parse_table, read_candidates
from toolkit.evaluation.ledger import Ledger, Setting
from toolkit.spaces import get_space
from toolkit.training.recipe import read_recipe
from toolkit.training.run import RunFolder

UPLOAD_MB = 32
"""A leaderboard file of 45,000 candidates has 5."""


def check_own(run: RunFolder) -> Report:
    """Every problem of the run's submission."""
    return check(run.submission, get_space(read_recipe(run.recipe).space), _candidates(run), "submission")


def count_problems(run: RunFolder) -> int | None:
    """The number of problems of the run's submission, None if there is none."""
    if not run.submission.is_file():
        return None
    try:
        return len(check_own(run).problems)
    except InputError as error:
        return len(error.problems)


def check_upload(run: RunFolder, name: str, content: bytes) -> Report:
    """Every problem of a file from anywhere, held against the run's candidates."""
    try:
        table = parse_table(name, content)
    except InputError as error:
        return Report(name, None, 0, 0, error.problems, ())
    return examine(table, get_space(read_recipe(run.recipe).space), _candidates(run), "submission")


@dataclass(frozen=True, slots=True)
class Built:
    """A submission ready for download, and what there is to say about it."""

    content: bytes
    report: Report


def build_submission(run: RunFolder, setting: Setting, score: Score) -> Built:
    """The leaderboard file that follows from one setting of the ledger; nothing is written.

    Raises:
        InputError: results are missing, or the file would have problems; lists all.
    """
    candidates = read_candidates(run.candidates, get_space(read_recipe(run.recipe).space))
    with Ledger.read(run.ledger) as ledger:
        counts = ledger.results(setting)
    content = dump_entries(candidates, build(candidates, counts, score))
    table = parse_table(run.submission.name, content)
    report = examine(table, None, candidates, "submission", zeros_are_results=True)
    if report.problems:
        raise InputError(report.problems)
    return Built(content, report)


def _candidates(run: RunFolder) -> Candidates | None:
    if not run.candidates.is_file():
        return None
    return read_candidates(run.candidates, get_space(read_recipe(run.recipe).space))
