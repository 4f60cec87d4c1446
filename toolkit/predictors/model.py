"""What the models have in common: labels explained by features, and every label predicted from the others.

Both models are linear in the labels once their hyper-parameters are fixed, so what a label would have been predicted as
without itself (leave-one-out), or without its whole group, follows in closed form from one fit. Hyper-parameters are
those with the least squared leave-one-out error.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
Groups = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Prediction:
    """Means and standard deviations (of the noiseless value), each of shape (networks,)."""

    mean: FloatArray
    sd: FloatArray


class Model(Protocol):
    """A fitted model.

    Attributes:
        error: the mean squared leave-one-out error.
        settings: the hyper-parameters that were chosen.
    """

    error: float
    settings: dict[str, float]

    def predict(self, features: FloatArray, mean: FloatArray) -> Prediction:
        """For standardised features of shape (networks, features) and mean columns of shape (networks, columns)."""
        ...

    def left_out(self, groups: Groups | None = None) -> Prediction:
        """Every label's prediction without the labels of its group (shape (labels,)); by default without itself."""
        ...


def out_of_groups(residuals: FloatArray, influence: Callable[[Groups], FloatArray], groups: Groups) -> FloatArray:
    """Residuals with each group left out, from those with all.

    For a linear smoother with matrix H they are (1 - H_gg)^-1 (y - H y)_g.

    Args:
        residuals: y - H y, shape (labels,).
        influence: the square block of 1 - H that belongs to these labels.
    """
    found = np.empty_like(residuals)
    for group in np.unique(groups):
        members = np.flatnonzero(groups == group)
        found[members] = np.linalg.lstsq(influence(members), residuals[members], rcond=None)[0]
    return found
