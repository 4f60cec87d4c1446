"""Scores as columns of finite numbers, which is what files and metrics take."""

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from toolkit.candidates import write_entries
from toolkit.errors import InputError


def finite(values: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """The values, where minus infinity (a broken network) stands 1 below all others, so that it is still the last."""
    column = np.array(values, np.float64)
    broken = np.isneginf(column)
    column[broken] = column[~broken].min() - 1 if not broken.all() else 0.0
    return column


def write_scores(path: Path, candidates: Mapping[str, str], scores: Mapping[str, float]) -> None:
    """Write scores in the candidates format, which `supernet rank` takes; candidates without a score are left out.

    Args:
        candidates: codes by id.
        scores: by code; NaN where there is none.

    Raises:
        InputError: no candidate has a score, or the file cannot be written.
    """
    scored = {name: code for name, code in candidates.items() if not math.isnan(scores[code])}
    if not scored:
        raise InputError(f"{path}: no candidate has a score, so there is nothing to write")
    values = finite([scores[code] for code in scored.values()])
    write_entries(path, scored, dict(zip(scored, values.tolist(), strict=True)))
