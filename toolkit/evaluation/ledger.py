"""The memory of everything evaluated: one SQLite file, one process writing, any number reading.

Format 3 (`PRAGMA application_id` is 0x534E4C47, "SNLG"; `PRAGMA user_version` is the format):

| table | column | meaning |
|---|---|---|
| settings | id | what `results.setting` refers to |
| | space, checkpoint, data, images, norm, precision | the fields of `Setting`; together unique |
| results | setting, code | what was evaluated; the primary key |
| | top1, top5, total | correct images, and all of them |
| | loss | cross-entropy summed over the images; NULL is NaN: a network that diverged |
| | seconds | how long it took |
| | at | when it was recorded: seconds since 1970, UTC |
| | checksum | CRC-32 of the row and its setting (`checksum`); NULL in a row of format 2 |

Format 2 has no checksums; it is read as it is.

In a ledger of networks trained alone settings are `AloneSetting`s, whose `training` stands in the column `checkpoint`.

The file is in WAL mode: readers never wait for the writer, and see whole transactions. While it is open, and after a
process was killed, its newest rows lie beside it in `*-wal`: copy both or neither. `*.lock` beside it belongs to the
writer; it holds no results.
"""

import contextlib
import math
import sqlite3
import time
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import numpy as np

from toolkit import sqlite
from toolkit.backends.base import Counts, Precision
from toolkit.errors import InputError

_FORMAT_1 = """
CREATE TABLE settings (
    id INTEGER PRIMARY KEY,
    space TEXT NOT NULL,
    checkpoint TEXT NOT NULL,
    data TEXT NOT NULL,
    images INTEGER NOT NULL,
    norm TEXT NOT NULL,
    UNIQUE (space, checkpoint, data, images, norm)
);
CREATE TABLE results (
    setting INTEGER NOT NULL REFERENCES settings,
    code TEXT NOT NULL,
    top1 INTEGER NOT NULL,
    top5 INTEGER NOT NULL,
    total INTEGER NOT NULL,
    loss REAL,
    seconds REAL NOT NULL,
    at REAL NOT NULL,
    PRIMARY KEY (setting, code)
) WITHOUT ROWID
"""

_FORMAT_2 = """
CREATE TEMP TABLE before AS SELECT * FROM settings;
DROP TABLE settings;
CREATE TABLE settings (
    id INTEGER PRIMARY KEY,
    space TEXT NOT NULL,
    checkpoint TEXT NOT NULL,
    data TEXT NOT NULL,
    images INTEGER NOT NULL,
    norm TEXT NOT NULL,
    precision TEXT NOT NULL,
    UNIQUE (space, checkpoint, data, images, norm, precision)
);
INSERT INTO settings SELECT id, space, checkpoint, data, images, norm, 'fp32' FROM before;
DROP TABLE before
"""
"""Format 1 knew of no precision."""

_FORMAT_3 = "ALTER TABLE results ADD COLUMN checksum INTEGER"
"""Format 2 did not notice a flipped bit."""

FORMAT = 3

_KIND = sqlite.Kind("ledger", "results", 0x534E4C47, (_FORMAT_1, _FORMAT_2, _FORMAT_3), "supernet evaluate", readable=2)

_FIELDS = "space, checkpoint, data, images, norm, precision"

AVERAGED = "+ema"
"""Follows a setting's checkpoint where the moving average of its weights was evaluated."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What a result depends on besides the architecture: only results of one setting may be compared.

    Attributes:
        checkpoint: SHA-256 of the checkpoint file, followed by AVERAGED if its moving average was evaluated, and by
            what judged in place of the classifier, such as `+knn:1f0c22ab`.
        data: SHA-256 of the validation split.
        images: how many of its images were used.
        norm: the batch-norm policy as text, such as `stored`, `batch:512` or `calibrate:128 of 3f9c2a7b1e40`.
        precision: of the arithmetic.
    """

    space: str
    checkpoint: str
    data: str
    images: int
    norm: str
    precision: Precision = "fp32"

    @property
    def weights(self) -> str:
        """SHA-256 of the checkpoint file."""
        return self.checkpoint.partition("+")[0]

    @property
    def averaged(self) -> bool:
        """Whether the moving average of its weights was evaluated."""
        return AVERAGED in self.checkpoint

    @property
    def by(self) -> str:
        """By what networks were judged: `labels`, or what `toolkit.evaluation.judging` says."""
        judge = self.checkpoint.partition("+")[2].removeprefix(AVERAGED[1:]).removeprefix("+")
        return judge.partition(":")[0] or "labels"


@dataclass(frozen=True, slots=True)
class AloneSetting:
    """What the result of a network trained alone depends on besides the architecture.

    Attributes:
        training: SHA-256 of the training recipe, the seed and the training images.
        data, images, norm, precision: as in `Setting`.
    """

    space: str
    training: str
    data: str
    images: int
    norm: str
    precision: Precision = "fp32"


AnySetting = Setting | AloneSetting
"""What rows are filed under: a ledger holds those of one kind."""


@dataclass(frozen=True, slots=True)
class Row:
    """The result of one network, and the seconds it took."""

    code: str
    counts: Counts
    seconds: float


@dataclass(frozen=True, slots=True)
class Holding:
    """What a ledger holds of one setting: how many results, their seconds together, when the first and last came."""

    setting: Setting
    results: int
    seconds: float
    first_at: datetime
    last_at: datetime


class Ledger:
    """An open ledger: `with Ledger.write(path) as ledger` or `with Ledger.read(path) as ledger`.

    Every method raises InputError where the file is damaged or the disk is full; what was recorded before stays.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self._path = path
        self._connection = connection

    @classmethod
    @contextlib.contextmanager
    def write(cls, path: Path | str) -> Iterator[Self]:
        """Open for reading and writing; the file is created if it is not there.

        Raises:
            InputError: another process is writing; or the file is damaged, no ledger, or of a newer format.
        """
        with sqlite.open_to_write(Path(path), _KIND) as connection:
            yield cls(Path(path), connection)

    @classmethod
    @contextlib.contextmanager
    def read(cls, path: Path | str) -> Iterator[Self]:
        """Open for reading only; a writer at work is no obstacle.

        Raises:
            InputError: there is no such file yet; or it is damaged, no ledger, or of a newer format.
        """
        with sqlite.open_to_read(Path(path), _KIND) as connection:
            yield cls(Path(path), connection)

    def record(self, setting: AnySetting, rows: Iterable[Row]) -> None:
        """Add results: all of them or, on any error, none. They are on the disk when this returns.

        A code that the setting already has is passed over if it did the same: equal counts, and a loss that differs by
        no more than rounding, for its sum depends on the device.

        Raises:
            InputError: codes did something else before; names each with both counts.
        """
        rows, at = list(rows), time.time()
        with sqlite.explained(self._path), self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.execute(
                f"INSERT INTO settings ({_FIELDS}) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",  # noqa: S608
                astuple(setting),
            )
            key = self._key(setting)
            conflicts = []
            for row in rows:
                added = self._connection.execute(
                    "INSERT INTO results VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                    (key, row.code, *astuple(row.counts), row.seconds, at, checksum(setting, row.code, row.counts)),
                ).rowcount
                if not added and not _same(before := self._counts(key, row.code), row.counts):
                    conflicts.append(
                        f"{self._path}: {row.code} is recorded with {before}, but now gave {row.counts} under the same "
                        "setting; find out why evaluation does not repeat, then begin a new ledger"
                    )
            if conflicts:
                raise InputError(conflicts)

    def done(self, setting: AnySetting) -> set[str]:
        """The codes that have a result."""
        with sqlite.explained(self._path):
            rows = self._connection.execute("SELECT code FROM results WHERE setting = ?", (self._key(setting),))
            return {code for (code,) in rows}

    def results(self, setting: AnySetting) -> dict[str, Counts]:
        """Every result by code, sorted by code.

        Raises:
            InputError: rows are not what was recorded, as after a bit has flipped.
        """
        query = f"SELECT code, top1, top5, total, loss, {self._checksum} FROM results WHERE setting = ? ORDER BY code"  # noqa: S608
        with sqlite.explained(self._path):
            found, damaged = {}, []
            for code, top1, top5, total, loss, recorded in self._connection.execute(query, (self._key(setting),)):
                found[code] = _to_counts(top1, top5, total, loss)
                if recorded is not None and recorded != checksum(setting, code, found[code]):
                    damaged.append(code)
            if damaged:
                raise sqlite3.DatabaseError(f"{len(damaged):,} results are not what was recorded, as of {damaged[0]!r}")
            return found

    def settings(self) -> list[Holding]:
        """What there is, the setting last added to first."""
        query = (
            f"SELECT count(*), sum(seconds), min(at), max(at) AS latest, {_FIELDS}"  # noqa: S608
            " FROM results JOIN settings ON id = setting GROUP BY id ORDER BY latest DESC"
        )
        with sqlite.explained(self._path):
            return [
                Holding(Setting(*setting), results, seconds, _time(first), _time(last))
                for results, seconds, first, last, *setting in self._connection.execute(query)
            ]

    @property
    def _checksum(self) -> str:
        """The column, or what stands for it in format 2."""
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        return "checksum" if version >= FORMAT else "NULL"

    def _key(self, setting: AnySetting) -> int | None:
        """The setting's id; None, which equals nothing in SQL, if it has no results."""
        query = f"SELECT id FROM settings WHERE ({_FIELDS}) = (?, ?, ?, ?, ?, ?)"  # noqa: S608
        found = self._connection.execute(query, astuple(setting)).fetchone()
        return found[0] if found else None

    def _counts(self, key: int | None, code: str) -> Counts:
        query = "SELECT top1, top5, total, loss FROM results WHERE (setting, code) = (?, ?)"
        return _to_counts(*self._connection.execute(query, (key, code)).fetchone())


def checksum(setting: AnySetting, code: str, counts: Counts) -> int:
    """Of a result and what it depends on."""
    loss = None if math.isnan(counts.loss) else float(counts.loss) + 0.0  # SQLite has no -0.0
    return sqlite.checksum(*map(str, astuple(setting)), code, counts.top1, counts.top5, counts.total, loss)


def _to_counts(top1: int, top5: int, total: int, loss: float | None) -> Counts:
    if not (type(top1) is type(top5) is type(total) is int):  # a damaged file may hold anything
        raise ValueError("counts that are no integers")
    return Counts(top1, top5, total, math.nan if loss is None else float(loss))  # SQLite makes NULL of NaN by itself


def _same(first: Counts, second: Counts) -> bool:
    counts = (first.top1, first.top5, first.total) == (second.top1, second.top5, second.total)
    return counts and bool(np.isclose(first.loss, second.loss, rtol=1e-4, equal_nan=True))


def _time(at: float) -> datetime:
    return datetime.fromtimestamp(float(at), UTC)
