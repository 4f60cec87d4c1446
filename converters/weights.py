"""Weights under other people's names."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]

_PADDLE_NAMES = {"running_mean": "_mean", "running_var": "_variance"}


def to_official(weights: Mapping[str, Array]) -> dict[str, Array]:
    """Weights of `resnet48` in the layout of the 2022 challenge's `resnet48.pdparams`.

    That is Paddle's: batch-norm statistics are called `_mean` and `_variance`, and linear weights are (in, out).
    """
    official = {}
    for name, array in weights.items():
        prefix, _, last = name.rpartition(".")
        if array.ndim == 2:
            array = np.ascontiguousarray(array.T)
        official[f"{prefix}.{_PADDLE_NAMES.get(last, last)}"] = array
    return official
