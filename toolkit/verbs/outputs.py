"""The one rule of overwriting: a file that somebody names is never replaced unasked.

What a command keeps in a run folder under its own name (`submission.json`, `rank.json`, ...) is renewed each time.
"""

from pathlib import Path

from toolkit.errors import InputError
from toolkit.runs.folder import RunFolder


def refuse_existing(*paths: Path | None, overwrite: bool) -> None:
    """Called before any work is done.

    Raises:
        InputError: some of the files to write are there already; names each.
    """
    there = [path for path in paths if path is not None and path.exists() and not _kept(path)]
    if there and not overwrite:
        raise InputError(f"{path}: is there already; choose another name, or replace it: --overwrite" for path in there)


def _kept(path: Path) -> bool:
    """Whether a run keeps it under that name."""
    run = RunFolder(path.parent)
    return run.exists() and path in (run.submission, run.rank)
