"""Leaderboard files: check them, build them from results, merge part files, blend rankings."""

from converters.submission.blending import blend
from converters.submission.checks import Kind, Report, check
from converters.submission.merging import (
    Conflicts,
    MergeReport,
    Options,
    dump_part,
    merge,
    merge_results,
    write_merged,
)
from converters.submission.parts import Part
from converters.submission.runs import Mixed, Submitted, Wanted, describe, run_results, submit_run
from converters.submission.write import MEANING, Prepared, build, prepare_submission, write_submission
from toolkit.backends.base import Score

__all__ = [
    "MEANING",
    "Conflicts",
    "Kind",
    "MergeReport",
    "Mixed",
    "Options",
    "Part",
    "Prepared",
    "Report",
    "Score",
    "Submitted",
    "Wanted",
    "blend",
    "build",
    "check",
    "describe",
    "dump_part",
    "merge",
    "merge_results",
    "prepare_submission",
    "run_results",
    "submit_run",
    "write_merged",
    "write_submission",
]
