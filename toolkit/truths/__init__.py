"""Truths that ship with the toolkit: networks trained alone, for whoever wants to judge a ranking at once.

Each is a table, NAME.csv, in the form of a run's `standalone.csv`. How the networks were trained: docs/truths.md.
"""

import csv
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

from toolkit.candidates import Candidates, write_candidates
from toolkit.errors import InputError
from toolkit.files import read_bytes, write_text
from toolkit.names import did_you_mean

FOLDER = Path(str(files(__name__)))
SEED = "seed"
"""How the columns of single trainings begin."""


@dataclass(frozen=True, slots=True)
class Truth:
    """A shipped truth.

    Attributes:
        candidates: codes by id, and accuracies, shares from 0 to 1, the mean over seeds.
        seeds: the columns of single trainings.
        table: the text of the file.
        digest: SHA-256 of the file, hexadecimal.
    """

    candidates: Candidates
    seeds: tuple[str, ...]
    table: str
    digest: str


def names() -> list[str]:
    """Of all truths."""
    return sorted(path.stem for path in FOLDER.glob("*.csv"))


def read(name: str) -> Truth:
    """A truth by its name.

    Raises:
        InputError: there is none; names the nearest and all.
    """
    if name not in (known := names()):
        raise InputError(f"unknown truth {name!r}{did_you_mean(name, known)}")
    content = read_bytes(FOLDER / f"{name}.csv")
    text = content.decode()
    rows = list(csv.DictReader(text.splitlines()))
    codes = {row["id"]: row["arch"] for row in rows}
    accs = {row["id"]: float(row["acc"]) for row in rows}
    seeds = tuple(column for column in rows[0] if column.startswith(SEED))
    return Truth(Candidates(codes, accs), seeds, text, sha256(content).hexdigest())


def write_truth(name: str, out: Path) -> Truth:
    """Write a truth to a file in the candidates format, and its table with every seed beside it, as .csv.

    Raises:
        InputError: there is no such truth, `out` is a .csv itself, or a file cannot be written.
    """
    truth = read(name)
    if out.suffix == ".csv":
        raise InputError(f"{out}: is where the table goes; name the other file, {out.with_suffix('.json')}")
    write_candidates(out, truth.candidates)
    write_text(out.with_suffix(".csv"), truth.table)
    return truth
