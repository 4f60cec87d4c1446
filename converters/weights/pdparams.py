"""Paddle's `.pdparams` files, read and written without Paddle: a pickled dictionary of numpy arrays."""

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from typing_extensions import override

from converters.weights.budget import Budget
from converters.weights.pickler import Name, NamePickler
from converters.weights.pickles import GLOBALS, Lazy, checked_shape, read_pickle

PARAMETER_NAMES = "StructuredToParameterName@@"
"""An entry with Paddle's internal names, which carries no weights."""

CHUNKS = "UnpackBigParamInfor@@"
"""An entry that says which others are chunks of one array that was too big for an old pickle protocol."""


class _Chunked(Lazy):
    """An array in chunks."""

    def __init__(self, chunks: list[Lazy], shape: tuple[int, ...]) -> None:
        self._chunks, self._shape = chunks, shape

    @override
    def array(self) -> npt.NDArray[Any]:
        return np.concatenate([chunk.array().ravel() for chunk in self._chunks]).reshape(self._shape)

    @property
    def nbytes(self) -> int:
        """How many bytes its numbers take."""
        return sum(chunk.nbytes for chunk in self._chunks)


def read_pdparams(data: bytes, budget: Budget | None = None) -> Any:
    """The object in a file; arrays as `Lazy`.

    Args:
        budget: of the file; by default one of its size.

    Raises:
        Exception: of nearly any kind, if it is damaged or malicious; `files.read_weights` puts it in words.
    """
    budget = budget or Budget(len(data))
    found = read_pickle(io.BytesIO(data), GLOBALS, budget)
    if isinstance(found, dict):
        found.pop(PARAMETER_NAMES, None)
        for name, chunked in found.pop(CHUNKS, {}).items():
            parts = chunked["slices"]
            if not isinstance(parts, list | tuple):
                raise ValueError("a parameter in chunks has none")
            budget.charge(len(parts))
            if not all(isinstance(part, str) for part in parts):
                raise ValueError("a chunk of a parameter has no name")
            found[name] = _Chunked([found.pop(part) for part in parts], checked_shape(chunked["OriginShape"]))
    return found


_RECONSTRUCT = Name("numpy.core.multiarray", "_reconstruct")
"""By the name that it had before numpy 2, so that old and new readers find it."""


class _Pickler(NamePickler):
    def reducer_override(self, value: Any) -> Any:
        """What numpy itself says of an array, but for the name."""
        if not isinstance(value, np.ndarray):
            return NotImplemented
        reduced: Any = value.__reduce__()
        return _RECONSTRUCT, *reduced[1:3]


def write_pdparams(arrays: Mapping[str, npt.NDArray[Any]]) -> bytes:
    """A file with these arrays, which `paddle.load` opens (of Paddle 2.0 or later)."""
    file = io.BytesIO()
    _Pickler(file, protocol=4).dump({name: np.ascontiguousarray(array) for name, array in arrays.items()})
    return file.getvalue()
