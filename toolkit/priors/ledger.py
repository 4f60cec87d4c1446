"""The memory of every score of an untrained network: one SQLite file (see `toolkit.sqlite`).

Format 2 (`PRAGMA application_id` is 0x534E5052, "SNPR"):

| table | column | meaning |
|---|---|---|
| settings | id | what `scores.setting` refers to |
| | space, prior, options, images | the fields of `Setting`; together unique |
| scores | setting, code | what was scored; the primary key |
| | value | the score; minus infinity for a broken network, NULL where there is none |
| | seconds | how long it took |
| | at | when it was recorded: seconds since 1970, UTC |
| | checksum | CRC-32 of the row and its setting; NULL in a row of format 1 |

Format 1 has no checksums; it is read as it is.
"""

import contextlib
import math
import sqlite3
import time
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Self

from toolkit import sqlite
from toolkit.files import parse_json

LEDGER = "priors.sqlite"
"""What the file is called where nobody says otherwise: it lies beside the candidates."""

_FORMAT_1 = """
CREATE TABLE settings (
    id INTEGER PRIMARY KEY,
    space TEXT NOT NULL,
    prior TEXT NOT NULL,
    options TEXT NOT NULL,
    images TEXT NOT NULL,
    UNIQUE (space, prior, options, images)
);
CREATE TABLE scores (
    setting INTEGER NOT NULL REFERENCES settings,
    code TEXT NOT NULL,
    value REAL,
    seconds REAL NOT NULL,
    at REAL NOT NULL,
    PRIMARY KEY (setting, code)
) WITHOUT ROWID
"""

_FORMAT_2 = "ALTER TABLE scores ADD COLUMN checksum INTEGER"
"""Format 1 did not notice a flipped bit."""

FORMAT = 2

_KIND = sqlite.Kind("ledger of priors", "scores", 0x534E5052, (_FORMAT_1, _FORMAT_2), "supernet prior", readable=1)


@dataclass(frozen=True, slots=True)
class Setting:
    """What a score depends on besides the architecture: only scores of one setting may be compared.

    Attributes:
        options: of the prior, all of them, as JSON with sorted keys.
        images: their shape and number of classes, and where they came from if the prior looks at them.
    """

    space: str
    prior: str
    options: str
    images: str


@dataclass(frozen=True, slots=True)
class Row:
    """The score of one network, by its code in the space's own spelling, and the seconds it took."""

    code: str
    value: float
    seconds: float


class Ledger:
    """An open ledger: `with Ledger.write(path) as ledger` or `with Ledger.read(path) as ledger`.

    Every method raises InputError where the file is damaged or the disk is full; what was recorded before stays.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self._path, self._connection = path, connection

    @classmethod
    @contextlib.contextmanager
    def write(cls, path: Path | str) -> Iterator[Self]:
        """Open for reading and writing; see `toolkit.sqlite.open_to_write`."""
        with sqlite.open_to_write(Path(path), _KIND) as connection:
            yield cls(Path(path), connection)

    @classmethod
    @contextlib.contextmanager
    def read(cls, path: Path | str) -> Iterator[Self]:
        """Open for reading only; see `toolkit.sqlite.open_to_read`."""
        with sqlite.open_to_read(Path(path), _KIND) as connection:
            yield cls(Path(path), connection)

    def record(self, setting: Setting, rows: Iterable[Row]) -> None:
        """Add scores: all of them or, on any error, none. They are on the disk when this returns. The first counts."""
        rows, at = list(rows), time.time()
        with sqlite.explained(self._path), self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.execute(
                "INSERT INTO settings (space, prior, options, images) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                astuple(setting),
            )
            key = self._key(setting)
            self._connection.executemany(
                "INSERT INTO scores VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                [(key, *astuple(row), at, _checksum(setting, row.code, row.value)) for row in rows],
            )

    def scores(self, setting: Setting) -> dict[str, float]:
        """Every score by code; NaN where there is none.

        Raises:
            InputError: rows are not what was recorded, as after a bit has flipped.
        """
        with sqlite.explained(self._path):
            (version,) = self._connection.execute("PRAGMA user_version").fetchone()
            query = f"SELECT code, value, {'checksum' if version >= FORMAT else 'NULL'} FROM scores WHERE setting = ?"  # noqa: S608
            found, damaged = dict[str, float](), list[str]()
            for code, value, recorded in self._connection.execute(query, (self._key(setting),)):
                found[code] = math.nan if value is None else float(value)  # SQLite makes NULL of NaN by itself
                if recorded is not None and recorded != _checksum(setting, code, found[code]):
                    damaged.append(code)
            if damaged:
                raise sqlite3.DatabaseError(f"{len(damaged):,} scores are not what was recorded, as of {damaged[0]!r}")
            return found

    def seconds(self, setting: Setting) -> float:
        """How long one of its scores took, on average; 0 if it has none."""
        with sqlite.explained(self._path):
            query = "SELECT coalesce(avg(seconds), 0) FROM scores WHERE setting = ?"
            return float(self._connection.execute(query, (self._key(setting),)).fetchone()[0])

    def settings(self, space: str) -> list[Setting]:
        """Those of a space that have scores, in the order in which they came."""
        query = "SELECT space, prior, options, images FROM settings WHERE space = ? ORDER BY id"
        with sqlite.explained(self._path):
            found = [Setting(*row) for row in self._connection.execute(query, (space,))]
            for setting in found:  # a damaged file may hold anything
                options = parse_json(self._path, setting.options, "is damaged: it holds options that are not JSON")
                if not isinstance(options, dict):
                    raise ValueError("options that are no object")
            return found

    def _key(self, setting: Setting) -> int | None:
        """The setting's id; None, which equals nothing in SQL, if it has no scores."""
        query = "SELECT id FROM settings WHERE (space, prior, options, images) = (?, ?, ?, ?)"
        found = self._connection.execute(query, astuple(setting)).fetchone()
        return found[0] if found else None


def _checksum(setting: Setting, code: str, value: float) -> int:
    """Of a score and what it depends on."""
    return sqlite.checksum(*astuple(setting), code, None if math.isnan(value) else float(value))
