"""CIFAR-10 and CIFAR-100 in their standard python layout (Krizhevsky, 2009): pickles, read but never executed."""

import io
import pickle
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from toolkit.backends.base import Images
from toolkit.data.arrays import Labelled, array_dataset
from toolkit.data.base import Dataset, ImageSpec
from toolkit.data.splits import Splitting
from toolkit.errors import InputError
from toolkit.files import read_bytes, reading

SHAPE = (3, 32, 32)


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a variant keeps its files and labels. Mean and std are those of the training images' pixels."""

    folder: str
    train: tuple[str, ...]
    test: str
    labels: str
    spec: ImageSpec


LAYOUTS = {
    "cifar10": Layout(
        "cifar-10-batches-py",
        tuple(f"data_batch_{i}" for i in range(1, 6)),
        "test_batch",
        "labels",
        ImageSpec(3, 32, 10, mean=(0.4914, 0.4822, 0.4465), std=(0.2470, 0.2435, 0.2616)),
    ),
    "cifar100": Layout(
        "cifar-100-python",
        ("train",),
        "test",
        "fine_labels",
        ImageSpec(3, 32, 100, mean=(0.5071, 0.4865, 0.4409), std=(0.2673, 0.2564, 0.2762)),
    ),
}


def open_cifar(
    name: Literal["cifar10", "cifar100"], folder: Path, splitting: Splitting, *, size: int | None, memory_limit: int
) -> Dataset:
    """CIFAR from `folder`, which is the standard folder itself or the one that holds it.

    Raises:
        InputError: files are absent or broken; more images are asked for than there are, or than fit.
    """
    layout = LAYOUTS[name]
    inner = folder / layout.folder
    root = inner if inner.is_dir() else folder
    absent = [file for file in (*layout.train, layout.test) if not (root / file).is_file()]
    if absent:
        raise InputError(
            f"{root}: {', '.join(absent)} not found; name the folder {layout.folder!r} "
            f"of the data set's python version, or the folder that holds it"
        )
    batches: list[Labelled] = []
    problems: list[str] = []
    for file in (*layout.train, layout.test):
        try:
            batches.append(read_batch(root / file, layout))
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems)
    *train, test = batches
    images, labels = (np.concatenate(arrays) for arrays in zip(*train, strict=True))
    spec = replace(layout.spec, size=size or layout.spec.size)
    return array_dataset(name, spec, splitting, (images, labels), test, flip=True, memory_limit=memory_limit)


def read_batch(path: Path, layout: Layout) -> Labelled:
    """The images (n, 3, 32, 32) and labels (n,) of one file.

    Raises:
        InputError: it cannot be read, is truncated, or holds anything but images and labels.
    """
    data = io.BytesIO(read_bytes(path, largest=None))
    with reading(path, f"is not a file of {layout.folder}", "fetch the data set again"):
        batch = _Unpickler(data, encoding="bytes").load()
        # Python 2 wrote the keys as bytes; some tools write them as text.
        entries = {key.decode() if isinstance(key, bytes) else key: value for key, value in batch.items()}
        if absent := [key for key in ("data", layout.labels) if key not in entries]:
            raise ValueError(f"it has no entry {' and no '.join(map(repr, absent))}")
        images, labels = entries["data"].pixels(), np.array(entries[layout.labels])
        if labels.shape != images.shape[:1] or labels.dtype != np.int64:
            raise ValueError(f"its {layout.labels} are not one whole number for each of its {len(images)} images")
        if not ((labels >= 0) & (labels < layout.spec.classes)).all():
            raise ValueError(f"its {layout.labels} are not all from 0 to {layout.spec.classes - 1}")
    return images, labels


class _Inert:
    """Stands in for everything numpy restores arrays with: it keeps what it is given and does nothing.

    Numpy's own functions are no safe choice: they trust a pickle, and a crafted one has them take any number for the
    address of an object.
    """

    def __init__(self, *arguments: Any) -> None:
        self.arguments = arguments
        self.state: tuple[Any, ...] = ()

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.state = state

    def pixels(self) -> Images:
        """Images (n, 3, 32, 32), if this stands for an array of bytes (n, 3072)."""
        if self.state:
            _, _, _, by_column, buffer = self.state
        else:  # pickle protocol 5
            buffer, _, _, order = self.arguments
            by_column = order == "F"
        if by_column:
            raise ValueError("its pixels are stored by column")
        return np.frombuffer(buffer, np.uint8).reshape(-1, *SHAPE)


def _latin1(text: str, _: str) -> bytes:
    """How old pickle protocols spell bytes."""
    return text.encode("latin1")


_GLOBALS: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): _Inert,
    ("numpy", "dtype"): _Inert,
    ("numpy.core.multiarray", "_reconstruct"): _Inert,
    ("numpy._core.multiarray", "_reconstruct"): _Inert,
    ("numpy.core.numeric", "_frombuffer"): _Inert,
    ("numpy._core.numeric", "_frombuffer"): _Inert,
    ("_codecs", "encode"): _latin1,
}
"""All that a file may refer to, and what it gets."""


class _Unpickler(pickle._Unpickler):
    """Python's own implementation, because the one in C lets ten bytes of a file claim any amount of memory."""

    # So does this opcode in either; bytes serve as well as the bytearray it would make.
    dispatch: ClassVar[dict[int, Callable[[Any], None]]] = {
        **pickle._Unpickler.dispatch,
        pickle.BYTEARRAY8[0]: pickle._Unpickler.dispatch[pickle.BINBYTES8[0]],
    }

    def find_class(self, module: str, name: str) -> Any:
        """Never imports anything."""
        try:
            return _GLOBALS[module, name]
        except KeyError:
            raise ValueError(f"it refers to {module}.{name}, which no such file needs") from None
