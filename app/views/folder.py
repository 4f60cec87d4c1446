"""What lies in the dashboard's folder: the runs, and what is not opened, with the reason.

Nothing outside the folder is read. So a run that holds a link to a place outside is refused as a whole, and so is one
with a pipe or a device in it, on which reading would wait for ever.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from app import text
from toolkit.runs.folder import RunFolder

DEPTH = 3
"""Levels below the folder on which runs are looked for, as `toolkit.runs.folder.find_runs` does."""

RECIPE = RunFolder("").recipe.name
READ = ("checkpoints", "scores")
"""Folders of a run in which files are read."""


@dataclass(frozen=True)
class Scan:
    """What was found.

    Attributes:
        runs: by path below the folder, newest change first.
        refused: why a run or folder is not opened, by its name as `runs` would have it.
    """

    runs: Mapping[str, RunFolder] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)


def scan(folder: Path) -> Scan:
    """Every run in `folder` or below it; `folder` may itself be a run, and need not exist."""
    found: dict[str, RunFolder] = {}
    refused: dict[str, str] = {}
    root = folder.resolve()
    for path, problem in _runs(folder, root, DEPTH):
        name = path.relative_to(folder).as_posix() if path != folder else root.name
        if problem is None:
            found[name] = RunFolder(path)
        else:
            refused[text.printable(name)] = text.printable(problem)
    return Scan(dict(sorted(found.items(), key=lambda each: changed(each[1]), reverse=True)), refused)


def changed(run: RunFolder) -> float:
    """When anything in the run last changed, in seconds since 1970; files that hold nothing do not count.

    Nor does what SQLite lays beside a ledger whenever somebody reads it.
    """
    newest = 0.0
    for place in (run.path, run.path / READ[0]):
        with suppress(OSError):
            for entry in os.scandir(place):
                status = entry.stat(follow_symlinks=False)
                if status.st_size and entry.is_file() and not entry.name.endswith("-shm"):
                    newest = max(newest, status.st_mtime)
    return newest


def inside(path: Path, root: Path) -> bool:
    """Whether a path, all links followed, stays within `root`, which is resolved."""
    try:
        return path.resolve().is_relative_to(root)
    except (OSError, RuntimeError):  # links in a circle
        return False


def _runs(folder: Path, root: Path, depth: int) -> Iterator[tuple[Path, str | None]]:
    """Folders of runs and, for those not to be opened, why; by name."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except FileNotFoundError:
        return
    except OSError as error:
        yield folder, f"{folder}: cannot be listed ({error.strerror}); check its rights"
        return
    if any(entry.name == RECIPE for entry in entries):
        yield folder, why_not(folder, root)
    for entry in entries if depth else ():
        path = folder / entry.name
        if entry.name in READ or not os.path.isdir(path):  # noqa: PTH112 - that of pathlib fails on links in a circle
            continue
        if entry.is_symlink() and not inside(path, root):
            yield (
                path,
                f"{path}: is a link to a folder outside {root}, and nothing outside is read; open that folder itself "
                "with `supernet app FOLDER`",
            )
        else:
            yield from _runs(path, root, depth - 1)


def why_not(folder: Path, root: Path) -> str | None:
    """Why the run in `folder` is not opened, None if it is; `root` is resolved, and all that may be read lies in it."""
    if text.printable(str(folder)) != str(folder):
        return f"{folder}: the name is not UTF-8; rename the folder"
    for place in (folder, *(folder / name for name in READ)):
        if place.is_dir() and not inside(place, root):
            return _outside(place, root)
        try:
            entries = list(os.scandir(place)) if place.is_dir() else []
        except OSError as error:
            return f"{place}: cannot be listed ({error.strerror}); check its rights"
        for entry in entries:
            path = place / entry.name
            if entry.is_symlink() and not inside(path, root):
                return _outside(path, root)
            if path.exists() and not (path.is_file() or path.is_dir()):
                return f"{path}: is neither a file nor a folder; remove it"
    return None


def _outside(path: Path, root: Path) -> str:
    return f"{path}: is a link to a place outside {root}, and nothing outside is read; put a copy in its place"
