"""Every pair in its cell."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from app.views.interference.chance import is_sure
from app.views.interference.readings import FloatArray, in_order, margin


@dataclass(frozen=True)
class Matrix:
    """Branch against branch, or path against path.

    Attributes:
        labels: of the rows and of the columns.
        values, margins: shape (labels, labels), row the first, column the second; the margin is half the width of the
            95 % interval. NaN: no number.
        sure: where the value is more than chance (`chance.is_sure`).
    """

    labels: tuple[str, ...]
    values: FloatArray
    margins: FloatArray
    sure: npt.NDArray[np.bool_]

    @property
    def ends(self) -> tuple[float, float]:
        """The smallest and the largest value; zeros without any."""
        known = self.values[np.isfinite(self.values)]
        return (float(known.min()), float(known.max())) if len(known) else (0.0, 0.0)


def matrix(table: pd.DataFrame, order: Sequence[str], *, symmetric: bool) -> Matrix:
    """Rows about pairs as a matrix, its labels in this order.

    Args:
        table: rows of one measure, block and decision that are about pairs; with `sure`, if they are part of a larger
            table, all of which is considered.
        symmetric: one row stands for both directions.
    """
    labels = in_order([*table["first"], *table["second"]], order)
    place = {label: number for number, label in enumerate(labels)}
    values, margins = (np.full((len(labels), len(labels)), np.nan) for _ in range(2))
    sure = np.zeros((len(labels), len(labels)), dtype=bool)
    rows, columns = (table[end].map(place).to_numpy(np.intp) for end in ("first", "second"))
    turned = [(rows, columns), (columns, rows)] if symmetric else [(rows, columns)]
    for i, j in turned:
        values[i, j], margins[i, j] = table["value"], margin(table)
        sure[i, j] = table["sure"] if "sure" in table else is_sure(table)
    return Matrix(tuple(labels), values, margins, sure)
