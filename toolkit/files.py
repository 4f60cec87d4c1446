"""Files that are either whole or not there: atomic writing, reading with clear errors, digests.

Whatever comes from outside goes through `read_bytes`, and what a parser does with it happens within `reading`.
"""

import contextlib
import hashlib
import json
import os
import secrets
import stat
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path
from typing import IO, Any

from toolkit.errors import InputError


@contextlib.contextmanager
def atomic_write(path: Path | str) -> Iterator[IO[bytes]]:
    """Open a temporary file beside `path` that takes its name only when everything was written and flushed to disk.

    Raises:
        InputError: the folder cannot be written, the disk is full, or something other than a file stands there (root
            could replace even /dev/null); what was there before is untouched.
    """
    path = Path(path)
    temporary = path.parent / f".{path.name}.{secrets.token_hex(4)}.tmp"
    try:
        if path.exists() and not path.is_file():
            raise InputError(f"{path}: is not a file and cannot become one; choose another name")
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise InputError(
            f"{path}: cannot be written ({error.strerror or error}); "
            "free some space or choose another place. Nothing there was changed"
        ) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Make a rename in `folder` survive a power cut, where the system allows it."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def write_text(path: Path | str, text: str) -> None:
    """Write `text` as UTF-8, atomically (see `atomic_write`)."""
    with atomic_write(path) as file:
        file.write(text.encode())


def write_json(path: Path | str, value: Any) -> None:
    """Write `value` as readable JSON, atomically; NaN and infinity are refused by `json` with a ValueError."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


LARGEST = 1 << 30
"""Bytes of a file that is read as a whole, unless its reader says otherwise."""


def read_bytes(path: Path | str, largest: int | None = LARGEST) -> bytes:
    """The whole file.

    Args:
        largest: how many bytes it may have; None: as many as half of the machine's memory holds.

    Raises:
        InputError: it is absent, cannot be read, is too large, or is no regular file: a folder, a pipe or a device,
            which may have no end.
    """
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        limit = _half_the_memory() if largest is None else largest
        if size > limit:
            raise InputError(f"{path}: has {size:,} bytes, and no more than {limit:,} are read; is it the right file?")
        return file.read(size)


@contextlib.contextmanager
def open_regular(path: Path | str) -> Iterator[BufferedReader]:
    """Open a file of which only a part, or a part at a time, is to be read.

    Raises:
        InputError: it is absent, cannot be read, or is no regular file.
    """
    try:
        check_regular(path)
        # A pipe that took the file's place meanwhile must not be waited for.
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        with os.fdopen(os.open(path, flags), "rb") as file:
            check_regular(path, os.fstat(file.fileno()))
            yield file
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error}); check the path") from error
    except (MemoryError, ValueError) as error:  # ValueError: a path with a null character
        raise InputError(
            f"{path}: cannot be read ({error or 'it does not fit into memory'}); check the path"
        ) from error


def check_regular(path: Path | str, found: os.stat_result | None = None) -> None:
    """See that `path` is a regular file, or a link to one; nothing is opened, so nothing waits.

    Raises:
        InputError: it is a folder, a pipe, a socket or a device.
        OSError: there is nothing.
    """
    mode = (found or Path(path).stat()).st_mode
    if stat.S_ISDIR(mode):
        raise InputError(f"{path}: cannot be read (Is a directory); name a file")
    if not stat.S_ISREG(mode):
        what = "a pipe" if stat.S_ISFIFO(mode) else "a socket" if stat.S_ISSOCK(mode) else "a device"
        raise InputError(f"{path}: cannot be read (it is {what}, not a file); copy what it gives into a file first")


def _half_the_memory() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    except (AttributeError, OSError, ValueError):  # not on every system
        return 8 * LARGEST


@contextlib.contextmanager
def reading(path: Path | str, verdict: str, remedy: str = "take the original or write it anew") -> Iterator[None]:
    """The one door for parsers of data from outside: whatever happens inside one becomes a sentence about the file.

    A parser that meets what its author did not expect raises nearly anything: RecursionError, OverflowError,
    MemoryError, an error of its own library, or a panic of its Rust part, which is no `Exception` at all.

    Args:
        verdict: what the file then is, such as `not a table in CSV`; the reason follows.

    Raises:
        InputError: the one raised inside, or the verdict.
    """
    try:
        yield
    except InputError:
        raise
    except BaseException as error:
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise  # Ctrl-C, the end of the program
        raise InputError(f"{path}: {verdict} ({reason(error)}); {remedy}") from error


def reason(error: BaseException) -> str:
    """Why a parser gave up, in one line."""
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, MemoryError):
        return "it does not fit into memory"
    text = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    told = isinstance(error, ValueError | OSError) and text
    return text if told else f"{type(error).__name__}: {text}" if text else type(error).__name__


def parse_json(path: Path | str, content: bytes | str, verdict: str = "not JSON") -> Any:
    """What JSON text holds; integers of thousands of digits are refused by `json` itself.

    Raises:
        InputError: it is none.
    """
    with reading(path, verdict):
        return json.loads(content)


def digest(data: bytes) -> str:
    """SHA-256 of `data`, as 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()
