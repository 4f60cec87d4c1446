"""Steps towards exact zeros: the proximal step of the sparse group lasso, entries first and then groups.

Its penalty is each * |a|_1 + groups * sum_g sqrt(n_g) |a_g|_2 (SparseNAS, arXiv 2007.16112).
"""

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def proximal(
    point: Floats, steps: Floats, groups: npt.NDArray[np.intp], each: float, by_group: float, counted: npt.NDArray[Any]
) -> Floats:
    """The point after the gradient's step, with the penalty's: soft thresholds of entries, then of groups.

    Args:
        point: shape (edges, options).
        steps: of each entry, of the same shape: thresholds are `each` times it; a group has the mean of its own, for
            with steps that differ there is no closed form [R].
        groups: the number of each edge's group, shape (edges,).
        each, by_group: the penalties' weights.
        counted: which entries there are, of the same shape; others become 0.
    """
    left = np.where(counted, np.sign(point) * np.maximum(np.abs(point) - each * steps, 0.0), 0.0)
    for group in range(int(groups.max()) + 1):
        rows = groups == group
        own = counted[rows]
        size, length = int(own.sum()), float(np.linalg.norm(left[rows]))
        if length == 0:
            continue
        threshold = by_group * float(steps[rows][own].mean()) * size**0.5
        left[rows] *= max(0.0, 1 - threshold / length)
    return left


def penalty(
    point: Floats, groups: npt.NDArray[np.intp], each: float, by_group: float, counted: npt.NDArray[Any]
) -> float:
    """What the proximal step pays for."""
    total = each * float(np.abs(point[counted]).sum())
    for group in range(int(groups.max()) + 1):
        rows = groups == group
        total += by_group * float(counted[rows].sum()) ** 0.5 * float(np.linalg.norm(point[rows]))
    return total
