"""Leaderboard files: check them, build them from results, merge part files, blend rankings.

Those of a run are made by `converters.submission.runs`, which loads what evaluates: a check needs none of it.
"""

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
from converters.submission.write import MEANING, Prepared, build, prepare_submission, write_submission
from toolkit.backends.base import Score

__all__ = [
    "MEANING",
    "Conflicts",
    "Kind",
    "MergeReport",
    "Options",
    "Part",
    "Prepared",
    "Report",
    "Score",
    "blend",
    "build",
    "check",
    "dump_part",
    "merge",
    "merge_results",
    "prepare_submission",
    "write_merged",
    "write_submission",
]
