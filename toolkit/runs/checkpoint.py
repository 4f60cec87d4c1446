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
from safetensors.numpy import load, save

from toolkit.backends.base import Weights
from toolkit.errors import InputError
from toolkit.files import atomic_write, digest, read_bytes, reading
from toolkit.runs.folder import RunFolder

FORMAT = 1
FACTS, _CHECKSUM = "supernet_toolkit", "sha256"
_HEADER = 8 * 2**20
"""Bytes of a header: 60,000 tensors with long names. Those of hostile brackets become some 200 MB in memory."""

_VERDICT = "damaged, cut off, or no checkpoint of this toolkit"
_REMEDY = "use another one; to go on training from the one before: --resume --skip-damaged"


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

    `lab` is what the method owns besides, by name: other networks, heads, their optimisers.
    `trained` says what was trained how often (`training/tally.py`); empty where nobody counted.
    `digest` is the SHA-256 of the file: results are filed under it.
    """

    facts: Facts
    model: Weights
    ema: Weights
    optimizer: Weights
    method: dict[str, npt.NDArray[Any]]
    lab: dict[str, npt.NDArray[Any]]
    digest: str
    trained: dict[str, npt.NDArray[np.int64]] = field(default_factory=dict)


def save_checkpoint(
    path: Path,
    facts: Facts,
    model: Mapping[str, npt.NDArray[np.float32]],
    *,
    optimizer: Mapping[str, npt.NDArray[np.float32]] | None = None,
    ema: Mapping[str, npt.NDArray[np.float32]] | None = None,
    method: Mapping[str, npt.NDArray[Any]] | None = None,
    lab: Mapping[str, npt.NDArray[Any]] | None = None,
    trained: Mapping[str, npt.NDArray[np.int64]] | None = None,
) -> None:
    """Write a checkpoint atomically; each part's tensors are filed under its name.

    Raises:
        InputError: the file cannot be written; nothing is left behind.
    """
    parts = {"model": model, "optimizer": optimizer, "ema": ema, "method": method, "lab": lab, "trained": trained}
    tensors: dict[str, npt.NDArray[Any]] = {
        f"{part}.{name}": np.asarray(array, order="C")
        for part, arrays in parts.items()
        for name, array in (arrays or {}).items()
    }
    said = asdict(facts)
    # One entry holds it all, for safetensors writes several in any order, and equal checkpoints should be equal files.
    data = save(tensors, {FACTS: json.dumps(said | {_CHECKSUM: _checksum(said, tensors)})})
    with atomic_write(path) as file:
        file.write(data)


def load_checkpoint(path: Path) -> Checkpoint:
    """Read and check a checkpoint.

    Raises:
        InputError: absent, cut off, damaged, not ours, or of a newer format.
    """
    data = read_bytes(path, largest=None)
    tensors, header = parse_safetensors(path, data, _VERDICT)
    with reading(path, _VERDICT, _REMEDY):
        said = json.loads(header[FACTS])
        if said["format"] > FORMAT:
            raise InputError(f"{path}: written by a newer version of this toolkit (format {said['format']}); update it")
        if said.pop(_CHECKSUM) != _checksum(said, tensors):
            raise ValueError("damaged: its content is not what was written")
        facts = Facts(**said)

    def part(prefix: str) -> dict[str, Any]:
        return {name.removeprefix(prefix): a for name, a in tensors.items() if name.startswith(prefix)}

    return Checkpoint(
        facts,
        part("model."),
        part("ema."),
        part("optimizer."),
        part("method."),
        part("lab."),
        digest(data),
        part("trained."),
    )


def set_damaged_aside(run: RunFolder) -> list[Path]:
    """Rename the newest checkpoints of a run that cannot be read, so that the newest that can is where it goes on.

    Returns:
        their new names, which end in `.damaged`.

    Raises:
        InputError: none can be read; nothing was renamed then.
    """
    damaged: list[Path] = []
    problems: list[str] = []
    for path in reversed(run.checkpoints().values()):
        try:
            load_checkpoint(path)
        except InputError as error:
            damaged.append(path)
            problems += error.problems
        else:
            break
    else:
        if damaged:
            raise InputError([*problems, f"{run.path}: has no checkpoint that can be read; start a new run"])
    return [path.rename(path.with_name(f"{path.name}.damaged")) for path in damaged]


def parse_safetensors(
    path: Path, data: bytes, verdict: str = "cannot be read as safetensors"
) -> tuple[dict[str, npt.NDArray[Any]], dict[str, str]]:
    """The tensors in safetensors data, and what its header says of them, texts by name.

    Args:
        path, verdict: what messages call the data, and say of it.

    Raises:
        InputError: cut off, damaged, or something else.
    """
    with reading(path, verdict, _REMEDY):
        length = int.from_bytes(data[:8], "little")
        if length > _HEADER:
            raise ValueError(f"its header should have {length:,} bytes, and {_HEADER:,} are the most")
        if length > len(data) - 8:
            raise ValueError("cut off: it ends within its header; copy it again")
        header = json.loads(data[8 : 8 + length])
        metadata = header.pop("__metadata__", {}) if isinstance(header, dict) else None
        if not isinstance(metadata, dict) or not all(isinstance(each, str) for each in metadata.values()):
            raise ValueError("damaged: its header does not hold texts by name")
        end = max((entry["data_offsets"][1] for entry in header.values()), default=0)
        if isinstance(end, int) and end > len(data) - 8 - length:
            raise ValueError("cut off: numbers of its tensors are missing; copy it again")
        return load(data), metadata


def _checksum(facts: dict[str, Any], tensors: Mapping[str, npt.NDArray[Any]]) -> str:
    """SHA-256 over everything a checkpoint says: safetensors itself would not notice a flipped bit."""
    sha = hashlib.sha256(json.dumps(facts).encode())
    for name, array in sorted(tensors.items()):
        sha.update(f"{name}{array.dtype}{array.shape}".encode())
        sha.update(array.tobytes())
    return sha.hexdigest()
