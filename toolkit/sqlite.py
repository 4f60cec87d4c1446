"""SQLite files of the toolkit's own: one process writing, any number reading; whole transactions or nothing.

A file may come from a stranger: its tables must be those that its kind makes, with values of the types declared, and
nothing else that computes (views, triggers, indices); a reader's queries have a budget.

They are in WAL mode: readers never wait for the writer. While a file is open, and after a process was killed, its
newest rows lie beside it in `*-wal`: copy both or neither. `*.lock` beside it belongs to the writer; it holds nothing.
"""

import contextlib
import os
import sqlite3
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from toolkit.errors import InputError

SMALLEST = 512
"""Bytes in the smallest possible SQLite file."""

_STEPS, _STEPS_PER_BYTE = 200_000_000, 2_000
"""Instructions of SQLite's machine that a reader may take, and for each byte of the file; a row takes some 30."""

_EVERY = 1_000_000
"""Instructions between two looks at that budget."""

_STORED = {"INTEGER": "integer", "REAL": "real", "TEXT": "text"}
"""What `typeof` says of a value of each type declared."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file.

    Attributes:
        what, holds: what messages call it and what is in it, such as `ledger` and `results`.
        application: its `PRAGMA application_id`.
        migrations: SQL; the first makes the tables of format 1, each further one brings a format to the next. The
            format is in `PRAGMA user_version`.
        command: what fills such a file, for messages.
        readable: the oldest format that can be read without being brought to the newest; 0: none but that.
    """

    what: str
    holds: str
    application: int
    migrations: tuple[str, ...]
    command: str
    readable: int = 0


@contextlib.contextmanager
def open_to_write(path: Path, kind: Kind) -> Iterator[sqlite3.Connection]:
    """Open for reading and writing; the file is created if it is not there, and brought to the newest format.

    Raises:
        InputError: another process is writing; or the file is damaged, of another kind or of a newer format.
    """
    if path.exists() and not path.is_file() and not path.is_dir():
        raise InputError(f"{path}: is no file, but a pipe or a device; choose another path")
    with only_writer(path), contextlib.closing(_connect(path, path.resolve().as_uri())) as connection:
        with explained(path):
            for number in range(_format(path, connection, kind), len(kind.migrations)):
                connection.executescript(
                    f"BEGIN IMMEDIATE; {kind.migrations[number]}; PRAGMA application_id = {kind.application};"
                    f"PRAGMA user_version = {number + 1}; COMMIT;"
                )
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")  # a commit returns when it has reached the disk
            damage = [problem for (problem,) in connection.execute("PRAGMA quick_check") if problem != "ok"]
            if damage:
                raise sqlite3.DatabaseError("; ".join(damage))
        yield connection


@contextlib.contextmanager
def open_to_read(path: Path, kind: Kind) -> Iterator[sqlite3.Connection]:
    """Open for reading only; a writer at work is no obstacle.

    Raises:
        InputError: there is nothing in it yet; or it is damaged, of another kind, or of an earlier or newer format.
    """
    with explained(path):
        if not path.is_file():
            raise InputError(f"{path}: there are no {kind.holds} yet; `{kind.command}` makes them")
        address = _readonly_address(path)
    with contextlib.closing(_connect(path, address)) as connection:
        _limit(path, connection)
        with explained(path):
            version = _format(path, connection, kind)
            if not version:
                raise InputError(f"{path}: holds no {kind.holds} yet; `{kind.command}` makes them")
            if version < (kind.readable or len(kind.migrations)):
                raise InputError(f"{path}: is of an earlier format; `{kind.command}` brings it up to date")
        yield connection


@contextlib.contextmanager
def explained(path: Path) -> Iterator[None]:
    """Tell in words what went wrong with the file.

    Raises:
        InputError: it cannot be read or written, or is damaged; what was recorded before stays.
    """
    try:
        yield
    except sqlite3.OperationalError as error:
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT:
            raise InputError(
                f"{path}: takes far longer to read than a file of its size should; take the original"
            ) from error
        raise InputError(
            f"{path}: cannot be read or written ({error}); check the path, the rights and the free space. "
            "What was recorded before is still there"
        ) from error
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read or written ({error}); check the path, the rights and the free space. "
            "What was recorded before is still there"
        ) from error
    except (sqlite3.DatabaseError, ValueError, OverflowError) as error:
        if isinstance(error, sqlite3.IntegrityError | sqlite3.ProgrammingError):
            raise  # a mistake of this program, not of the user
        raise InputError(
            f"{path}: is damaged or no SQLite file ({error}); it was left as it is: "
            "put a copy in its place, or move it away to begin anew"
        ) from error


def checksum(*said: object) -> int:
    """CRC-32 of what a row says: not against people, only against flipped bits."""
    return zlib.crc32(repr(said).encode(errors="surrogatepass"))


def _connect(path: Path, uri: str, timeout: float = 30.0) -> sqlite3.Connection:
    with explained(path):
        connection = sqlite3.connect(uri, uri=True, timeout=timeout, isolation_level=None)
        connection.execute("PRAGMA trusted_schema = OFF")  # a stranger's file runs no functions of its own
        return connection


def _readonly_address(path: Path) -> str:
    """Where SQLite finds the file for reading.

    Even a reader needs to create files beside one in WAL mode; in a folder where it may not, it reads it as a file that
    nobody changes.
    """
    log = path.with_name(f"{path.name}-wal")
    alone = not os.access(path.parent, os.W_OK) and not (log.exists() and log.stat().st_size)
    return path.resolve().as_uri() + ("?mode=ro&immutable=1" if alone else "?mode=ro")


@contextlib.contextmanager
def only_writer(path: Path, lock_path: Path | None = None) -> Iterator[None]:
    """Hold the right to write to what is at `path`, which may be a folder; what is locked lies at `lock_path`.

    It is SQLite's own write lock on a file beside: freed by the system however this process ends, not inherited by its
    children, and valid between the threads of one process too. The file tells the process that holds it.
    """
    lock_path = lock_path or path.with_name(f"{path.name}.lock")
    with explained(lock_path):
        lock_path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.closing(_connect(lock_path, lock_path.resolve().as_uri(), timeout=0.5)) as lock:
        with explained(lock_path):
            try:
                lock.execute("BEGIN IMMEDIATE")
                lock.execute(f"PRAGMA user_version = {os.getpid()}")
                lock.execute("COMMIT")  # now others can read it
                lock.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                    raise
                (process,) = lock.execute("PRAGMA user_version").fetchone()
                raise InputError(
                    f"{path}: process {process} is writing to it; wait until it has finished, or end it"
                ) from None
        yield


def _format(path: Path, connection: sqlite3.Connection, kind: Kind) -> int:
    """The format of what is in the file; 0 if it is empty.

    Raises:
        InputError: it is of another kind, or of a newer format.
    """
    if 0 < path.stat().st_size < SMALLEST:
        raise sqlite3.DatabaseError("it is too short")  # SQLite would take it for empty and write over it
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application != kind.application and (application or version or tables):
        raise InputError(f"{path}: is an SQLite file, but no {kind.what}; it was left as it is: choose another path")
    if version > (known := len(kind.migrations)):
        raise InputError(
            f"{path}: has format {version}, and this version of the toolkit knows up to {known}; update the toolkit"
        )
    if version < 0 or (tables and not version):
        raise sqlite3.DatabaseError(f"it says that it is of format {version}")
    if tables:
        _check_schema(path, connection, kind, int(version))
    return int(version) if tables else 0


def _limit(path: Path, connection: sqlite3.Connection) -> None:
    """End a reader's queries that take far more than the file's size explains."""
    with explained(path):
        left = (_STEPS + _STEPS_PER_BYTE * path.stat().st_size) // _EVERY

    def spend() -> bool:
        nonlocal left
        left -= 1
        return left < 0  # ends the query

    connection.set_progress_handler(spend, _EVERY)


def _check_schema(path: Path, connection: sqlite3.Connection, kind: Kind, version: int) -> None:
    """See that the file holds the tables of its format, of declared types, and nothing that computes.

    Raises:
        InputError: it does not.
    """
    strange = [
        f"{path}: holds {what} {name!r}, which no {kind.what} has; it was not looked into: take the original"
        for what, name in connection.execute(
            "SELECT CASE WHEN type = 'table' THEN 'a virtual table' ELSE 'a ' || type END, name FROM sqlite_master"
            " WHERE type NOT IN ('table', 'index') OR (type = 'index' AND sql NOT NULL) OR rootpage = 0 LIMIT 5"
        )
    ]
    if strange:
        raise InputError(strange)
    with contextlib.closing(sqlite3.connect(":memory:")) as model:
        for migration in kind.migrations[:version]:
            model.executescript(migration)
        wanted = {table: _columns(model, table) for table in _tables(model)}
    for table, columns in wanted.items():
        if _columns(connection, table) != columns:
            raise sqlite3.DatabaseError(f"its table {table} is not as it should be")
        wrong = " OR ".join(
            f"typeof({column}) NOT IN ('{_STORED[declared]}', '{'null' if optional else ''}')"
            for column, declared, optional in columns
        )
        # Names from our own model, none of the file's.
        query = f"SELECT count(*) FROM {table} WHERE {wrong}"  # noqa: S608  # nosec B608
        (found,) = connection.execute(query).fetchone()
        if found:
            raise sqlite3.DatabaseError(f"{found:,} rows of its table {table} hold values of the wrong type")


def _tables(connection: sqlite3.Connection) -> list[str]:
    return [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]


def _columns(connection: sqlite3.Connection, table: str) -> list[tuple[str, str, bool]]:
    """Name, type and whether it may be NULL, of each column; generated ones count as another type."""
    rows = connection.execute('SELECT name, type, "notnull", pk, hidden FROM pragma_table_xinfo(?)', (table,))
    return [
        (name, f"{kind} generated" if hidden else kind, not notnull and not key)
        for name, kind, notnull, key, hidden in rows
    ]
