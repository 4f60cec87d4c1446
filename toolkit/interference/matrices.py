"""How far the matrices that make smaller kernels of larger ones have gone from the identity (once-for-all)."""

from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt

from toolkit.backends.shapes import is_matrix
from toolkit.interference.gradients import block_of
from toolkit.interference.table import Row


def matrix_rows(weights: Mapping[str, npt.NDArray[np.floating]]) -> Iterator[Row]:
    """`matrix_drift` of each: |M - I| / |I|, Frobenius. None where kernels are not made of one another."""
    for name, array in weights.items():
        if is_matrix(name):
            matrix = array.astype(np.float64)
            identity = np.eye(len(matrix))
            drift = float(np.linalg.norm(matrix - identity) / np.linalg.norm(identity))
            layer = name.split(".", 2)[2].removesuffix("_matrix")
            yield Row("matrix_drift", drift, block=block_of(name), first=layer)
