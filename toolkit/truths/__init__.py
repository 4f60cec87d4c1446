"""Truths that ship with the toolkit: networks trained alone, for whoever wants to judge a ranking at once.

Each is a file in the candidates format, NAME.json, whose `acc` is the mean over seeds; every seed stands beside it. How
they were trained: docs/truths.md.
"""

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from toolkit.candidates import load_object
from toolkit.errors import InputError
from toolkit.files import atomic_write, read_bytes
from toolkit.names import did_you_mean

FOLDER = Path(str(files(__name__)))
SEED = "seed "
"""How the columns of single trainings begin."""


@dataclass(frozen=True, slots=True)
class Truth:
    """A shipped truth.

    Attributes:
        accuracies: in percent, the mean over seeds, by code.
        seeds: columns of single trainings, `seed 0` and so on.
    """

    path: Path
    accuracies: dict[str, float]
    seeds: tuple[str, ...]


def names() -> list[str]:
    """Of all truths."""
    return sorted(path.stem for path in FOLDER.glob("*.json"))


def read(name: str) -> Truth:
    """A truth by its name.

    Raises:
        InputError: there is none; names the nearest and all.
    """
    if name not in (known := names()):
        raise InputError(f"unknown truth {name!r}{did_you_mean(name, known)}")
    path = FOLDER / f"{name}.json"
    entries = load_object(path, read_bytes(path))
    first = next(iter(entries.values()))
    seeds = tuple(column for column in first if column.startswith(SEED))
    return Truth(path, {entry["arch"]: entry["acc"] for entry in entries.values()}, seeds)


def copy(name: str, out: Path) -> Truth:
    """Write a truth to a file, whatever stands there.

    Raises:
        InputError: there is no such truth, or the file cannot be written.
    """
    truth = read(name)
    with atomic_write(out) as file:
        file.write(truth.path.read_bytes())
    return truth
