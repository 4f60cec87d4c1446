"""PyTorch's `.pth` files, read and written without torch: the zip format (since 1.6) and the one before.

Both hold a pickle of the objects, in which tensors refer to storages: plain numbers that lie beside it.
"""

import io
import math
import zipfile
from collections.abc import Callable, Mapping
from typing import IO, Any

import numpy as np
import numpy.typing as npt
from typing_extensions import override

from converters.weights.budget import Budget
from converters.weights.pickler import Name, NamePickler
from converters.weights.pickles import GLOBALS, Lazy, checked_shape, read_pickle

ZIP = b"PK\x03\x04"
LEGACY = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
"""How the two formats begin; the second with the pickle of a magic number."""

Array = npt.NDArray[Any]

_STORAGES = {
    "Float": "f4", "Double": "f8", "Half": "f2", "BFloat16": "bf16", "Long": "i8", "Int": "i4", "Short": "i2",
    "Char": "i1", "Byte": "u1", "Bool": "b1",
}  # fmt: skip
"""What torch calls a storage, and its numbers in numpy's terms (which lack bfloat16)."""

_KINDS = tuple(_STORAGES.values())

MEMBERS = 100_000
"""Members of a zip file: a storage each, and a few more."""

_MEMBER = b"PK\x01\x02"
"""How each member begins in the directory of a zip file."""


class _Storage:
    """Numbers in one row; `read` fetches their bytes once somebody wants them."""

    def __init__(self, kind: str, read: Callable[[], bytes]) -> None:
        if not isinstance(kind, str) or kind not in _KINDS:
            raise ValueError("a storage is of no known type")
        self._kind, self._read = kind, read
        self._numbers: Array | None = None

    def numbers(self) -> Array:
        """All of them, shape (n,)."""
        if self._numbers is None:
            data = self._read()
            if self._kind == "bf16":
                self._numbers = (np.frombuffer(data, "<u2").astype("<u4") << 16).view("<f4")
            else:
                self._numbers = np.frombuffer(data, f"<{self._kind}")
        return self._numbers


class _Tensor(Lazy):
    """A tensor over a storage, as torch describes it."""

    def __init__(self, storage: _Storage, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_: Any) -> None:
        self._storage, self._offset, self._size, self._stride = storage, offset, size, stride

    @override
    def array(self) -> Array:
        """Every number must lie inside the storage, and none may be counted twice."""
        size, stride = checked_shape(self._size, self._offset), checked_shape(self._stride)
        numbers = self._storage.numbers()
        count = math.prod(size)
        last = self._offset + sum((each - 1) * step for each, step in zip(size, stride, strict=True))
        if min((self._offset, *size, *stride)) < 0 or (count and last >= len(numbers)):
            raise ValueError("a tensor reaches beyond its data")
        if count > len(numbers):
            raise ValueError("a tensor counts its data more than once")
        strides = [step * numbers.itemsize for step in stride]
        return np.lib.stride_tricks.as_strided(numbers[self._offset :], size, strides, writeable=False)

    @property
    def nbytes(self) -> int:
        """How many bytes its numbers take."""
        return self._storage.numbers().itemsize * math.prod(checked_shape(self._size))


def _parameter(tensor: _Tensor, *_: Any) -> _Tensor:
    return tensor


def _values(*items: Any) -> tuple[Any, ...]:
    """Something that is no weight, such as the arguments of a training script."""
    return items


_GLOBALS: dict[str, Any] = {
    **GLOBALS,
    **{f"torch.{name}Storage": kind for name, kind in _STORAGES.items()},
    "torch._utils._rebuild_tensor": _Tensor,
    "torch._utils._rebuild_tensor_v2": _Tensor,
    "torch._utils._rebuild_parameter": _parameter,
    "torch.Size": _values,
    "torch.device": _values,
}


def read_zip(data: bytes, budget: Budget | None = None) -> Any:
    """The object in a file of the zip format. Nothing is unpacked to the disk.

    Args:
        budget: of the file; by default one of its size.

    Raises:
        Exception: of nearly any kind, if it is damaged or malicious; `files.read_weights` puts it in words.
    """
    budget = budget or Budget(len(data))
    if data.count(_MEMBER) > MEMBERS:  # each would be an object of its own before anybody could look at it
        raise ValueError(f"it has more than {MEMBERS:,} members, which no file of weights needs")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = archive.infolist()
        if any(member.compress_type != zipfile.ZIP_STORED for member in members):
            raise ValueError("it is compressed, which torch never does")
        if sum(member.file_size for member in members) > len(data):
            raise ValueError("it declares more data than it holds")
        main = [member.filename for member in members if member.filename.split("/")[1:] == ["data.pkl"]]
        if len(main) != 1:
            raise ValueError("it is a zip file, but has not the one folder with a data.pkl that torch writes")
        folder = main[0].removesuffix("data.pkl")
        if f"{folder}byteorder" in archive.namelist() and archive.read(f"{folder}byteorder") != b"little":
            raise ValueError("its numbers are stored big end first, which is not supported")
        storages: dict[str, _Storage] = {}

        def storage(identifier: Any) -> _Storage:
            _, kind, key, *_ = identifier
            _check_key(key)
            if key not in storages:
                contents = archive.read(f"{folder}data/{key}")
                storages[key] = _Storage(kind, lambda: contents)
            return storages[key]

        return read_pickle(io.BytesIO(archive.read(main[0])), _GLOBALS, budget, storage)


def read_legacy(data: bytes, budget: Budget | None = None) -> Any:
    """The object in a file of the format before 1.6: five pickles, then the storages.

    Args:
        budget: of the file; by default one of its size.

    Raises:
        Exception: of nearly any kind, if it is damaged or malicious.
    """
    budget = budget or Budget(len(data))
    file = io.BytesIO(data)
    storages: dict[str, tuple[str, _Storage]] = {}
    contents: dict[str, bytes] = {}

    def storage(identifier: Any) -> _Storage:
        _, kind, key, _, _, *view = identifier
        if any(part is not None for part in view):
            raise ValueError("its storages are parts of others, as torch wrote before version 0.4; save it anew")
        _check_key(key)
        if key not in storages:
            storages[key] = kind, _Storage(kind, lambda: contents[key])
        return storages[key][1]

    _magic, _protocol, machine = (read_pickle(file, _GLOBALS, budget) for _ in range(3))
    if not machine["little_endian"]:
        raise ValueError("its numbers are stored big end first, which is not supported")
    found = read_pickle(file, _GLOBALS, budget, storage)
    keys = read_pickle(file, _GLOBALS, budget)
    if not isinstance(keys, list):
        raise ValueError("it does not say which storages it holds")
    for key in keys:
        _check_key(key)
        kind, _ = storages[key]
        count = int.from_bytes(file.read(8), "little", signed=True)
        contents[key] = _exactly(file, count * (2 if kind == "bf16" else np.dtype(kind).itemsize))
    return found


def _check_key(key: object) -> None:
    if not isinstance(key, str):
        raise ValueError("a storage has no name")


def _exactly(file: IO[bytes], size: int) -> bytes:
    data = file.read(max(size, 0))
    if len(data) != size:
        raise ValueError("it is cut off: a storage lacks its end")
    return data


_REBUILD = Name("torch._utils", "_rebuild_tensor_v2")
_ORDERED = Name("collections", "OrderedDict")
_WRITTEN = {"float32": Name("torch", "FloatStorage"), "int64": Name("torch", "LongStorage")}


class _Reference:
    """A storage, as the pickle refers to it."""

    def __init__(self, number: int, array: Array) -> None:
        self.identifier = ("storage", _WRITTEN[array.dtype.name], str(number), "cpu", array.size)


class _Ordered:
    """An empty ordered dictionary, such as a tensor's hooks."""

    def __reduce__(self) -> Any:
        return _ORDERED, ()


class _Rebuilt:
    """A tensor, as the pickle rebuilds it."""

    def __init__(self, number: int, array: Array) -> None:
        stride = tuple(step // array.itemsize for step in array.strides)
        self._arguments = _Reference(number, array), 0, array.shape, stride, False, _Ordered()

    def __reduce__(self) -> Any:
        return _REBUILD, self._arguments


class _Pickler(NamePickler):
    def persistent_id(self, value: Any) -> Any:
        """Storages lie outside."""
        return value.identifier if isinstance(value, _Reference) else None


def write_zip(arrays: Mapping[str, Array]) -> bytes:
    """A file of the zip format with these tensors (float32 or int64), which `torch.load(weights_only=True)` opens.

    The same arrays always make the same bytes.
    """
    dense = {name: np.ascontiguousarray(array).reshape(array.shape) for name, array in arrays.items()}
    main = io.BytesIO()
    _Pickler(main, protocol=2).dump({name: _Rebuilt(i, array) for i, (name, array) in enumerate(dense.items())})
    parts = {"data.pkl": main.getvalue(), "byteorder": b"little", "version": b"3\n"}
    parts |= {
        f"data/{i}": array.astype(array.dtype.newbyteorder("<")).tobytes() for i, array in enumerate(dense.values())
    }
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, content in parts.items():
            archive.writestr(zipfile.ZipInfo(f"weights/{name}"), content)
    return file.getvalue()
