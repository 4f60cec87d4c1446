"""Which networks are worth labelling: those whose labels settle the weights of the features best."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from toolkit.predictors.columns import Standard
from toolkit.predictors.model import FloatArray


def d_optimal(matrix: FloatArray, count: int, prior: float = 1.0, known: Sequence[int] = ()) -> npt.NDArray[np.intp]:
    """Places of `count` networks chosen one by one, each where the fit is still least certain.

    That is the greedy way to a large determinant of X'X + prior, X the standardised features with a column of ones: the
    weights of a linear model then have the smallest joint confidence region. Networks at the ends of their ranges come
    first.

    Args:
        matrix: features of all networks that may be chosen, shape (networks, features).
        count: at most; all, if there are no more.
        prior: how certain weights are before any label, in labels.
        known: places of networks that have a label already; they are not chosen again.
    """
    seen = Standard.of(matrix)(matrix)
    x = np.column_stack([np.ones(len(seen)), seen])
    inverse = np.eye(x.shape[1]) / prior
    doubt = np.sum(x @ inverse * x, axis=1)
    free = np.ones(len(x), dtype=bool)
    chosen: list[int] = []
    given = list(known)
    for number in range(min(len(given) + count, len(x))):
        best = given[number] if number < len(given) else int(np.argmax(np.where(free, doubt, -np.inf)))
        if number >= len(given):
            chosen.append(best)
        free[best] = False
        step = inverse @ x[best] / np.sqrt(1 + doubt[best])
        inverse -= np.outer(step, step)
        doubt -= (x @ step) ** 2
    return np.array(chosen, dtype=np.intp)
