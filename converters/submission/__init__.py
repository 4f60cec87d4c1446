"""Leaderboard files: check them, build them from results, merge part files."""

from converters.submission.checks import Kind, Report, check
from converters.submission.merging import Conflicts, MergeReport, merge, write_merged
from converters.submission.parts import Part
from converters.submission.runs import Submitted, Wanted, describe, submit_run
from converters.submission.write import MEANING, Score, build, write_submission

__all__ = [
    "MEANING",
    "Conflicts",
    "Kind",
    "MergeReport",
    "Part",
    "Report",
    "Score",
    "Submitted",
    "Wanted",
    "build",
    "check",
    "describe",
    "merge",
    "submit_run",
    "write_merged",
    "write_submission",
]
