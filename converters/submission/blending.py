"""Several rankings of the same candidates as one: the mean of their ranks."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import scipy

from toolkit.candidates import Candidates, list_windows, name, read_table, windows
from toolkit.errors import InputError


def blend(paths: Sequence[Path], weights: Sequence[float] | None = None) -> tuple[Candidates, dict[str, float]]:
    """The candidates, in the first file's order, and for each the weighted mean of its ranks, by id.

    A rank is the share of the candidates that a score puts below: of n, the worst has 0.5 / n, the best 1 - 0.5 / n,
    and ties have their mean. So scores of any kind and unit blend (accuracies, minus losses, Zen-scores), as long as
    more is better. Averaging ranks is Borda's count; several seeds' errors average out, and so do those of a supernet
    and a prior that err in different places.

    Args:
        paths: two or more files in the candidates format.
        weights: above 0, one for each file; equal by default.

    Raises:
        InputError: a file cannot be used, or they are not about the same candidates; lists all problems.
    """
    tables = [read_table(path) for path in paths]
    problems = [problem for table in tables for problem in table.problems]
    if len(paths) < 2:
        problems.append("a blend is made of two files of scores or more; to write a run's results: supernet submit")
    weights = weights or [1.0] * len(paths)
    if len(weights) != len(paths):
        problems.append(f"there are {len(weights)} weights for {len(paths)} files; give one for each, in their order")
    problems += [f"weight {weight} is not above 0; leave the file out" for weight in weights if not _positive(weight)]
    if problems:
        raise InputError(problems)
    first, *others = tables
    for other in others:
        problems += _differences(first.codes, other.codes, first.path, other.path)
    problems += [
        f"{table.path}: gives all candidates {next(iter(table.accs.values()))}: no ranking; are these placeholders?"
        for table in tables
        if table.accs and len(set(table.accs.values())) == 1
    ]
    if problems:
        raise InputError(problems)
    ranks = [
        (scipy.stats.rankdata([table.accs[key] for key in first.codes]) - 0.5) / len(first.codes) for table in tables
    ]
    mean = np.average(ranks, axis=0, weights=weights).round(12)  # equal sums of ranks stay ties
    return Candidates(first.codes, first.accs), dict(zip(first.codes, mean.tolist(), strict=True))


def _positive(weight: float) -> bool:
    return math.isfinite(weight) and weight > 0


def _differences(ours: Mapping[str, str], theirs: Mapping[str, str], here: Path, there: Path) -> list[str]:
    """Why two files are not about the same candidates."""
    found = []
    for lacking, has, path in ((theirs, ours, there), (ours, theirs, here)):
        if missing := [key for key in has if key not in lacking]:
            where = list_windows(windows(missing, has))
            found.append(
                f"{path}: lacks {len(missing):,} candidates of the other file: {where}; all must hold the same"
            )
    changed = [key for key, code in ours.items() if theirs.get(key, code) != code]
    if changed:
        found.append(
            f"{there}: {len(changed):,} candidates are other networks than in {here}, such as {name(changed[0])}"
        )
    return found
