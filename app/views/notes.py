"""What somebody noted about a run: `RUN/notes.md`."""

from pathlib import Path

from toolkit.errors import InputError
from toolkit.files import read_bytes
from toolkit.runs.folder import RunFolder

LARGEST = 64_000
"""Bytes; what is longer is no note."""


def notes_file(run: RunFolder) -> Path:
    """Where they stand, if there are any."""
    return run.path / "notes.md"


def read_notes(run: RunFolder) -> str | None:
    """The text, without its marks of Markdown being obeyed anywhere; None if there is none."""
    path = notes_file(run)
    if not path.is_file():
        return None
    try:
        return read_bytes(path, LARGEST).decode(errors="replace").strip() or None
    except InputError as error:
        return error.problems[0]


def first_line(notes: str | None) -> str:
    """The first words of it, for a table."""
    line = next((line.strip("#-> \t") for line in (notes or "").splitlines() if line.strip("#-> \t")), "")
    return line if len(line) <= 80 else f"{line[:79]}…"
