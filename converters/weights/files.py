"""Files of weights: recognised by content and read without executing anything; written by suffix.

| suffix | format |
|---|---|
| `.safetensors` | a checkpoint of this toolkit (a supernet), or plain tensors by name (a stand-alone network) |
| `.pdparams` | a pickled dictionary of numpy arrays in Paddle's naming and layout |
| `.pth`, `.pt` | PyTorch's zip format in PyTorch's naming and layout |
"""

import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from safetensors.numpy import save

from converters.weights import pdparams, pth
from converters.weights.budget import Budget, OverBudget
from converters.weights.names import to_official
from toolkit.errors import InputError
from toolkit.files import read_bytes, reason
from toolkit.runs.checkpoint import FACTS, Facts, load_checkpoint, parse_safetensors, save_checkpoint
from toolkit.spaces import SearchSpace
from toolkit.spaces.base import shorten

Framework = Literal["torch", "paddle"]
Array = npt.NDArray[Any]

SUFFIXES = (".safetensors", ".pdparams", ".pth", ".pt")
ENTRIES = 100_000
"""Entries of a file that are looked at; a checkpoint with its optimiser has a few thousand."""
LONGEST = 1000
"""Characters of a name."""
DEEPEST = 100
"""Dictionaries inside each other."""


@dataclass(frozen=True)
class Source:
    """What a file holds.

    Attributes:
        format: in words.
        framework: whose layout it has, unless its names say otherwise.
        tensors: by name; what lies in an inner dictionary has its path as prefix, such as `state_dict.`.
        others: top-level entries without any tensor, such as `epoch`.
        opaque: classes of objects in it that are no weights; they were not looked into.
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
    opaque: tuple[str, ...] = ()


def read_weights(path: Path | str) -> Source:
    """Every tensor in a file of weights.

    Raises:
        InputError: it cannot be read, is damaged, holds no tensors, wants to do more than hold data, or asks for more
            work or memory than a file of its size needs (`converters.weights.budget`).
    """
    path = Path(path)
    data = read_bytes(path, largest=None)
    budget = Budget(len(data))
    if data.startswith(b"{", 8):
        return _read_safetensors(path, data)
    try:
        if data.startswith(pth.ZIP):
            kind, framework, found = "PyTorch's zip format", "torch", pth.read_zip(data, budget)
        elif data.startswith(pth.LEGACY):
            kind, framework, found = "PyTorch's format before 1.6", "torch", pth.read_legacy(data, budget)
        elif data.startswith(b"\x80"):
            kind, framework, found = "Paddle's pickled arrays", "paddle", pdparams.read_pdparams(data, budget)
        else:
            raise ValueError("it is neither safetensors, a zip file nor a pickle")
        tensors = dict(_tensors(found, budget))
    except Exception as error:  # a broken pickle raises nearly anything
        raise InputError(
            f"{path}: cannot be read as weights ({_why(error)}). It may be safetensors, Paddle's .pdparams or "
            "PyTorch's .pth, with tensors in dictionaries; save the weights alone (`state_dict()`) with the framework "
            "that made it"
        ) from error
    opaque = tuple(sorted(budget.opaque))
    if not tensors:
        inside = f" outside of objects of other programs ({some(opaque)})" if opaque else ""
        raise InputError(
            f"{path}: holds no tensors{inside}; save the weights of the network (`state_dict()`), not the network "
            "itself, nor only what belongs to it"
        )
    first = {part for key in tensors for part in _beginnings(key)} if isinstance(found, dict) else set()
    others = tuple(name for name in map(str, found if isinstance(found, dict) else ()) if name not in first)
    return Source(path, kind, framework, tensors, others, opaque=opaque)  # type: ignore[arg-type]


_CUT_OFF = (
    "pickle exhausted before seeing STOP",
    "not enough data in stream",
    " remain",
    "no newline found when trying",
)
"""What pickletools says of a pickle that ends in the middle."""


def _why(error: Exception) -> str:
    """What is wrong with a file, in words."""
    if isinstance(error, MemoryError | RecursionError | OverBudget):
        return reason(error)
    text = str(error)
    if isinstance(error, zipfile.BadZipFile) and "not a zip file" in text:
        return "it is damaged or cut off: the end of a zip file is missing; copy it again"
    if isinstance(error, ValueError) and any(said in text for said in _CUT_OFF):
        return "it is cut off; copy it again"
    why = next(iter(text.splitlines()), "") or type(error).__name__
    if isinstance(error, KeyError | IndexError | TypeError | AttributeError | zipfile.BadZipFile | AssertionError):
        return f"it is damaged or cut off: {why}"
    return why


def _beginnings(key: str) -> Iterator[str]:
    """What the entries that lead to a tensor may be called: `a`, `a.b` and `a.b.c` of `a.b.c`."""
    parts = key.split(".")
    return accumulate(parts, lambda before, part: f"{before}.{part}")


def some(names: Sequence[str], shown: int = 5) -> str:
    """A few names for a message, and how many more there are."""
    more = f" and {len(names) - shown:,} more" if len(names) > shown else ""
    return ", ".join(map(shorten, names[:shown])) + more


def _tensors(found: Any, budget: Budget) -> Iterator[tuple[str, Array]]:
    """Name and numbers of every tensor, however deep in dictionaries; not recursive, for a file may nest endlessly."""
    waiting: list[Iterator[tuple[str, Any]]] = [iter([("", found)])]
    entries = 0
    while waiting:
        for name, value in waiting[-1]:
            entries += 1
            if entries > ENTRIES or len(waiting) > DEEPEST:
                raise ValueError(f"it has more than {ENTRIES:,} entries, or nests them endlessly")
            if isinstance(value, dict):
                waiting.append(_named(name, value))
                break
            if isinstance(value, tuple) and len(value) == 2 and hasattr(value[1], "array"):
                value = value[1]  # Paddle: (name of the parameter, array)
            if hasattr(value, "array"):
                budget.charge(size=value.nbytes)
                yield name, value.array()
        else:
            waiting.pop()


def _named(prefix: str, entries: dict[Any, Any]) -> Iterator[tuple[str, Any]]:
    """The entries of a dictionary, its own name in front; one by one, for a prefix may be longer than all of them."""
    for key, value in entries.items():
        name = f"{prefix}.{key}" if prefix else str(key)
        if len(name) > LONGEST:
            raise ValueError(f"a name in it has more than {LONGEST:,} characters")
        yield name, value


def _read_safetensors(path: Path, data: bytes) -> Source:
    tensors, said = parse_safetensors(path, data)
    if (longest := max(map(len, tensors), default=0)) > LONGEST:
        raise InputError(f"{path}: a name of a tensor in it has {longest:,} characters; {LONGEST:,} are the most")
    if FACTS in said:
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
