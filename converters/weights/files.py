"""Files of weights: recognised by content and read without executing anything; written by suffix.

| suffix | format |
|---|---|
| `.safetensors` | a checkpoint of this toolkit (a supernet), or plain tensors by name (a stand-alone network) |
| `.pdparams` | a pickled dictionary of numpy arrays in Paddle's naming and layout |
| `.pth`, `.pt` | PyTorch's zip format in PyTorch's naming and layout |
"""

import json
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load, save

from converters.weights import pdparams, pth
from converters.weights.names import to_official
from toolkit.errors import InputError
from toolkit.files import read_bytes
from toolkit.runs.checkpoint import Facts, load_checkpoint, save_checkpoint
from toolkit.spaces import SearchSpace

Framework = Literal["torch", "paddle"]
Array = npt.NDArray[Any]

SUFFIXES = (".safetensors", ".pdparams", ".pth", ".pt")
ENTRIES = 100_000
"""Entries of a file that are looked at; a checkpoint with its optimiser has a few thousand."""


@dataclass(frozen=True)
class Source:
    """What a file holds.

    Attributes:
        format: in words.
        framework: whose layout it has, unless its names say otherwise.
        tensors: by name; what lies in an inner dictionary has its path as prefix, such as `state_dict.`.
        others: top-level entries without any tensor, such as `epoch`.
        facts: what a checkpoint of this toolkit says of itself.
        space, code: the space and, for a stand-alone network, the code that the file names.
    """

    path: Path
    format: str
    framework: Framework
    tensors: dict[str, Array]
    others: tuple[str, ...] = ()
    facts: Facts | None = None
    space: str | None = None
    code: str | None = None


def read_weights(path: Path | str) -> Source:
    """Every tensor in a file of weights.

    Raises:
        InputError: it cannot be read, is damaged, holds no tensors, or wants to do more than hold data.
    """
    path = Path(path)
    data = read_bytes(path)
    if data.startswith(b"{", 8):
        return _read_safetensors(path, data)
    try:
        if data.startswith(pth.ZIP):
            kind, framework, found = "PyTorch's zip format", "torch", pth.read_zip(data)
        elif data.startswith(pth.LEGACY):
            kind, framework, found = "PyTorch's format before 1.6", "torch", pth.read_legacy(data)
        elif data.startswith(b"\x80"):
            kind, framework, found = "Paddle's pickled arrays", "paddle", pdparams.read_pdparams(data)
        else:
            raise ValueError("it is neither safetensors, a zip file nor a pickle")
        tensors = dict(_tensors(found))
    except Exception as error:  # a broken pickle raises nearly anything
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        if isinstance(error, KeyError | IndexError | TypeError | AttributeError | zipfile.BadZipFile | AssertionError):
            why = f"it is damaged or cut off: {why}"
        raise InputError(
            f"{path}: cannot be read as weights ({why}). It may be safetensors, Paddle's .pdparams or PyTorch's .pth, "
            "with tensors in dictionaries; save the weights alone (`state_dict()`) with the framework that made it"
        ) from error
    if not tensors:
        raise InputError(f"{path}: holds no tensors; save the weights of the network, not only what belongs to them")
    entries = [str(name) for name in found] if isinstance(found, dict) else []
    others = tuple(name for name in entries if not any(f"{key}.".startswith(f"{name}.") for key in tensors))
    return Source(path, kind, framework, tensors, others)  # type: ignore[arg-type]


def _tensors(found: Any) -> Iterator[tuple[str, Array]]:
    """Name and numbers of every tensor, however deep in dictionaries; not recursive, for a file may nest endlessly."""
    waiting = [("", found)]
    for _ in range(ENTRIES):
        if not waiting:
            return
        name, value = waiting.pop()
        if isinstance(value, dict):
            waiting += [(f"{name}.{key}" if name else str(key), inner) for key, inner in reversed(value.items())]
        elif isinstance(value, tuple) and len(value) == 2 and hasattr(value[1], "array"):
            yield name, value[1].array()  # Paddle: (name of the parameter, array)
        elif hasattr(value, "array"):
            yield name, value.array()
        if len(waiting) > ENTRIES or len(name) > 1000:
            break
    raise ValueError(f"it has more than {ENTRIES:,} entries")


def _read_safetensors(path: Path, data: bytes) -> Source:
    try:
        tensors = load(data)
        said = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")]).get("__metadata__", {})
    except Exception as error:  # safetensors has its own, and numpy others for types that it lacks
        raise InputError(f"{path}: cannot be read as safetensors ({error}); it is damaged or cut off") from error
    if "supernet_toolkit" in said:
        checkpoint = load_checkpoint(path)
        named = {f"ema.{name}": array for name, array in checkpoint.ema.items()}
        named |= {f"optimizer.{name}": array for name, array in checkpoint.optimizer.items()}
        named |= {f"model.{name}": array for name, array in checkpoint.model.items()}
        facts = checkpoint.facts
        return Source(path, "checkpoint of this toolkit", "torch", named, facts=facts, space=facts.space)
    return Source(path, "safetensors", "torch", tensors, space=said.get("space"), code=said.get("code"))


def check_suffix(path: Path) -> None:
    """See that the suffix names a format.

    Raises:
        InputError: it does not.
    """
    if path.suffix not in SUFFIXES:
        raise InputError(f"{path}: the suffix {path.suffix!r} names no format; choose one of {', '.join(SUFFIXES)}")


def write_weights(
    path: Path, weights: Mapping[str, npt.NDArray[np.float32]], space: SearchSpace, about: "About"
) -> None:
    """Write a network's weights (PyTorch's naming) in the format that the suffix names.

    Raises:
        InputError: unknown suffix, or the file cannot be written.
    """
    check_suffix(path)
    if path.suffix == ".pdparams":
        path.write_bytes(pdparams.write_pdparams(to_official(weights)))
    elif path.suffix != ".safetensors":
        path.write_bytes(pth.write_zip(_with_counters(weights)))
    elif about.code is not None:
        path.write_bytes(save(dict(weights), {"format": "pt", "space": space.name, "code": about.code}))
    else:
        facts = Facts(space.name, space.channels, space.size, space.classes, about.step, about.recipe)
        save_checkpoint(path, facts, weights)


@dataclass(frozen=True)
class About:
    """What a file may say beside the weights: a stand-alone network's code; steps and recipe of a training."""

    code: str | None = None
    step: int = 0
    recipe: str = ""


def _with_counters(weights: Mapping[str, Array]) -> dict[str, Array]:
    """With the counter that PyTorch keeps in every batch norm, at 0."""
    counted: dict[str, Array] = {}
    for name, array in weights.items():
        counted[name] = array
        if name.endswith(".running_var"):
            counted[f"{name.removesuffix('running_var')}num_batches_tracked"] = np.zeros((), np.int64)
    return counted
