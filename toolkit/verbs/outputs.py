"""The one rule of overwriting: a file that somebody names is never replaced unasked.

What a command keeps in a run folder under its own name (`submission.json`, `rank.json`, ...) is renewed each time.
"""

from pathlib import Path

from toolkit.errors import InputError


def refuse_existing(*paths: Path | None, overwrite: bool) -> None:
    """Called before any work is done.

    Raises:
        InputError: some of the files to write are there already; names each.
    """
    there = [path for path in paths if path is not None and path.exists()]
    if there and not overwrite:
        raise InputError(f"{path}: is there already; choose another name, or replace it: --overwrite" for path in there)
