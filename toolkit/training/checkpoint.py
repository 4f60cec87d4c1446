"""Checkpoints: safetensors with the facts in its header. Nothing in them can be executed."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load, save

from toolkit.backends.base import Weights
from toolkit.errors import InputError
from toolkit.files import atomic_write, digest, read_bytes

FORMAT = 1
_FACTS = "supernet_toolkit"


@dataclass(frozen=True)
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
    step: int
    recipe: str
    format: int = FORMAT


@dataclass(frozen=True)
class Checkpoint:
    """Weights of the network (and their moving average, if one was kept), optimiser state, facts and identity.

    `digest` is the SHA-256 of the file: results are filed under it.
    """

    facts: Facts
    model: Weights
    ema: Weights
    optimizer: Weights
    digest: str


def save_checkpoint(
    path: Path,
    facts: Facts,
    model: Mapping[str, npt.NDArray[np.float32]],
    optimizer: Mapping[str, npt.NDArray[np.float32]] | None = None,
) -> None:
    """Write a checkpoint atomically. The optimiser's `ema.*` tensors are filed as such.

    Raises:
        InputError: the file cannot be written; nothing is left behind.
    """
    tensors = {f"model.{name}": array for name, array in model.items()}
    for name, array in (optimizer or {}).items():
        tensors[name if name.startswith("ema.") else f"optimizer.{name}"] = array
    data = save(
        {name: np.ascontiguousarray(array) for name, array in tensors.items()}, {_FACTS: json.dumps(asdict(facts))}
    )
    with atomic_write(path) as file:
        file.write(data)


def load_checkpoint(path: Path) -> Checkpoint:
    """Read and check a checkpoint.

    Raises:
        InputError: absent, cut off, corrupt, not ours, or of a newer format.
    """
    data = read_bytes(path)
    try:
        tensors = load(data)
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        facts = Facts(**json.loads(header["__metadata__"][_FACTS]))
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path}: not a checkpoint of this toolkit, or cut off ({type(error).__name__}: {error}); use another one"
        ) from error
    if facts.format > FORMAT:
        raise InputError(f"{path}: written by a newer version of this toolkit (format {facts.format}); update it")

    def part(prefix: str) -> Weights:
        return {name.removeprefix(prefix): a for name, a in tensors.items() if name.startswith(prefix)}

    return Checkpoint(facts, part("model."), part("ema."), part("optimizer."), digest(data))
