"""Checkpoints: safetensors with facts and a checksum in its header. Nothing in them can be executed."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass as checked_dataclass
from safetensors import SafetensorError
from safetensors.numpy import load, save

from toolkit.backends.base import Weights
from toolkit.errors import InputError
from toolkit.files import atomic_write, digest, read_bytes

FORMAT = 1
_FACTS, _CHECKSUM = "supernet_toolkit", "sha256"


@checked_dataclass(frozen=True, config=ConfigDict(strict=True))
class Facts:
    """What a checkpoint says of itself.

    Attributes:
        space: name of the search space; `channels`, `size`, `classes`: the images it was built for.
        step: optimiser steps done.
        recipe: SHA-256 of the recipe.
    """

    space: str
    channels: int
    size: int
    classes: int
    step: Annotated[int, Field(ge=0)]
    recipe: str
    format: int = FORMAT


@dataclass(frozen=True)
class Checkpoint:
    """Weights of the network (and their moving average, if one was kept), optimiser's and method's state, and facts.

    `trained` says what was trained how often (`training/tally.py`); empty where nobody counted.
    `digest` is the SHA-256 of the file: results are filed under it.
    """

    facts: Facts
    model: Weights
    ema: Weights
    optimizer: Weights
    method: dict[str, npt.NDArray[np.int64]]
    digest: str
    trained: dict[str, npt.NDArray[np.int64]] = field(default_factory=dict)


def save_checkpoint(
    path: Path,
    facts: Facts,
    model: Mapping[str, npt.NDArray[np.float32]],
    optimizer: Mapping[str, npt.NDArray[np.float32]] | None = None,
    method: Mapping[str, npt.NDArray[np.int64]] | None = None,
    trained: Mapping[str, npt.NDArray[np.int64]] | None = None,
) -> None:
    """Write a checkpoint atomically. The optimiser's `ema.*` tensors are filed as such.

    Raises:
        InputError: the file cannot be written; nothing is left behind.
    """
    tensors: dict[str, npt.NDArray[Any]] = {f"model.{name}": array for name, array in model.items()}
    tensors |= {f"method.{name}": array for name, array in (method or {}).items()}
    tensors |= {f"trained.{name}": array for name, array in (trained or {}).items()}
    for name, array in (optimizer or {}).items():
        tensors[name if name.startswith("ema.") else f"optimizer.{name}"] = array
    tensors = {name: np.ascontiguousarray(array) for name, array in tensors.items()}
    said = asdict(facts)
    # One entry holds it all, for safetensors writes several in any order, and equal checkpoints should be equal files.
    data = save(tensors, {_FACTS: json.dumps(said | {_CHECKSUM: _checksum(said, tensors)})})
    with atomic_write(path) as file:
        file.write(data)


def load_checkpoint(path: Path) -> Checkpoint:
    """Read and check a checkpoint.

    Raises:
        InputError: absent, cut off, damaged, not ours, or of a newer format.
    """
    data = read_bytes(path)
    try:
        tensors = load(data)
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        said = json.loads(header["__metadata__"][_FACTS])
        if said["format"] > FORMAT:
            raise InputError(f"{path}: written by a newer version of this toolkit (format {said['format']}); update it")
        if said.pop(_CHECKSUM) != _checksum(said, tensors):
            raise ValueError("its content is not what was written")
        facts = Facts(**said)
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise InputError(
            f"{path}: damaged, cut off, or no checkpoint of this toolkit ({reason}); use another one, or delete it and "
            "go on from the one before"
        ) from error

    def part(prefix: str) -> dict[str, Any]:
        return {name.removeprefix(prefix): a for name, a in tensors.items() if name.startswith(prefix)}

    return Checkpoint(
        facts, part("model."), part("ema."), part("optimizer."), part("method."), digest(data), part("trained.")
    )


def _checksum(facts: dict[str, Any], tensors: Mapping[str, npt.NDArray[Any]]) -> str:
    """SHA-256 over everything a checkpoint says: safetensors itself would not notice a flipped bit."""
    sha = hashlib.sha256(json.dumps(facts).encode())
    for name, array in sorted(tensors.items()):
        sha.update(f"{name}{array.dtype}{array.shape}".encode())
        sha.update(array.tobytes())
    return sha.hexdigest()
