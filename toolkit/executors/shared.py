"""One copy of large arrays for all processes of this machine."""

import pickle
from dataclasses import dataclass
from itertools import accumulate
from multiprocessing.sharedctypes import RawArray
from typing import Any, Generic, TypeVar, cast

import numpy as np

Value = TypeVar("Value")

_ALIGNMENT = 64


@dataclass(frozen=True)
class Shared(Generic[Value]):
    """A value whose arrays lie in memory that processes share; hand it to them as an argument when they start.

    The memory is a file without a name. So the system frees it when the last process has ended, however that ended.
    """

    _pickled: bytes
    _sizes: tuple[int, ...]
    _memory: Any

    @classmethod
    def of(cls, value: Value) -> "Shared[Value]":
        """Copy the arrays in `value` into shared memory."""
        buffers: list[pickle.PickleBuffer] = []
        pickled = pickle.dumps(value, protocol=5, buffer_callback=buffers.append)
        arrays = [np.frombuffer(buffer.raw(), np.uint8) for buffer in buffers]
        shared = cls(pickled, tuple(map(len, arrays)), RawArray("B", sum(map(_aligned, map(len, arrays))) + _ALIGNMENT))
        for array, part in zip(arrays, shared._parts(), strict=True):
            part[:] = array
        return shared

    def open(self) -> Value:
        """The value, its arrays where they are. Nobody should write to them."""
        value = pickle.loads(self._pickled, buffers=self._parts())  # noqa: S301  # nosec B301
        return cast(Value, value)

    def _parts(self) -> list[np.ndarray[Any, np.dtype[np.uint8]]]:
        memory = np.frombuffer(self._memory, np.uint8)
        starts = accumulate(map(_aligned, self._sizes), initial=-memory.ctypes.data % _ALIGNMENT)
        return [memory[start : start + size] for start, size in zip(starts, self._sizes, strict=False)]


def _aligned(size: int) -> int:
    return -(-size // _ALIGNMENT) * _ALIGNMENT
