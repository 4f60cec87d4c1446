"""Scores and truths from files that somebody uploads: nothing is kept, nothing in them is executed."""

import io
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from app.views.ranking.subject import Subject
from toolkit.candidates import accepting_spaces, parse_table
from toolkit.errors import InputError
from toolkit.files import reading
from toolkit.ranking.files import Columns, compare_files
from toolkit.ranking.grids import SEPARATORS, csv_cells, parquet_cells, parse_json_table
from toolkit.ranking.priors import MACS
from toolkit.ranking.sizes import WIDTH, sizes
from toolkit.ranking.tables import CODE, VALUE, are_numbers
from toolkit.spaces import Arch, SearchSpace

TYPES = ("json", "csv", "tsv", "parquet")
UPLOAD_MB = 32
"""What Streamlit takes; a leaderboard file of 45,000 candidates has 5."""

ROWS, COLUMNS = 200_000, 500
"""What a table may have: small files can name far more than memory holds."""

PEEKED = 50
"""Rows that are looked at to tell columns of numbers from others."""

_CODES = (CODE, "code", "architecture", "genotype", "network", "config")
"""What columns that name networks are often called, in lower case."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file and its content."""

    name: str
    content: bytes

    @property
    def safe_name(self) -> str:
        """A file name that means nothing but itself."""
        stem, _, suffix = self.name.rpartition(".")
        return f"{re.sub(r'[^A-Za-z0-9_-]+', '_', stem)[:60] or 'file'}.{re.sub(r'[^a-z]', '', suffix.lower())}"


@dataclass(frozen=True)
class Shape:
    """What a file looks like.

    Attributes:
        candidates: it is in the candidates format, so that nothing needs to be chosen.
        columns: all of them.
        numbers: those that hold numbers.
        codes: those that seem to name networks.
    """

    candidates: bool
    columns: tuple[str, ...]
    numbers: tuple[str, ...]
    codes: tuple[str, ...]


@dataclass(frozen=True)
class Choice:
    """What is to be compared: columns of the files, and of which space their networks are; None: found out."""

    columns: Columns
    space: SearchSpace | None = None
    losses: bool = False


def shape(upload: Upload) -> Shape:
    """Look at the beginning of a file.

    Raises:
        InputError: it is too large, or no table of a known kind.
    """
    cells = _peek(upload)
    columns = tuple(cells)
    numbers = tuple(column for column in columns if are_numbers(cells[column]))
    candidates = set(columns) == {CODE, VALUE} and upload.content.lstrip().startswith(b"{")
    named = tuple(column for name in _CODES for column in columns if column.lower() == name)
    words = tuple(column for column in columns if column not in numbers)
    return Shape(candidates, columns, numbers, (named or words or columns)[:1])


def compare(scores: Upload, truth: Upload | None, choice: Choice) -> Subject:
    """Hold scores against a truth; without a file of its own, the truth stands in that of the scores.

    Raises:
        InputError: a file has problems, or the two do not go together; lists all.
    """
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / "scores" / scores.safe_name, Path(folder) / "truth" / (truth or scores).safe_name]
        for path, upload in zip(paths, (scores, truth or scores), strict=True):
            path.parent.mkdir()
            path.write_bytes(upload.content)
        if truth is None:
            paths[1] = paths[0]
        try:
            found = compare_files(paths[0], paths[1], choice.space, columns=choice.columns, loss=choice.losses)
        except InputError as error:
            raise InputError(_without(folder, problem) for problem in error.problems) from None
    networks = found.pairs.networks
    space, archs = choice.space, tuple[Arch, ...]()
    if MACS in found.priors:
        space = space or accepting_spaces(truth.name if truth else scores.name, networks)[0]
        archs = tuple(map(space.parse, networks))
    score_name, truth_name = choice.columns.score[0], " and ".join(choice.columns.truth)
    return Subject(
        scores.name if score_name == VALUE else score_name,
        (truth or scores).name if truth_name == VALUE else truth_name,
        found.pairs,
        _ids(scores, choice.columns),
        {**found.priors, **found.pairs.rivals},
        sizes(space, archs)[WIDTH] if space and archs else None,
        dict(zip(networks, found.pairs.scores.tolist(), strict=True)),
        dict(zip(networks, found.pairs.truth.tolist(), strict=True)),
        space if archs else None,
        archs,
        remarks=tuple(_without(folder, remark).replace("--space", "the choice above") for remark in found.remarks),
    )


def _ids(scores: Upload, columns: Columns) -> dict[str, str]:
    """What a file in the candidates format calls its networks."""
    if columns != Columns() or not scores.safe_name.endswith(".json"):
        return {}
    return {code: key for key, code in parse_table(scores.name, scores.content).codes.items()}


def _without(folder: str, message: str) -> str:
    """A message that calls files as their owner does."""
    return message.replace(f"{folder}/scores/", "").replace(f"{folder}/truth/", "")


def _peek(upload: Upload) -> dict[str, Sequence[Any]]:
    """The first cells of every column."""
    path, content = Path(upload.name), upload.content
    if not content.strip():
        raise InputError(f"{upload.name}: is empty; take the original")
    match upload.safe_name.rpartition(".")[2]:
        case "parquet":
            with reading(path, "is not a table in parquet"):
                metadata = pq.ParquetFile(io.BytesIO(content)).metadata
                size = sum(metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups))
            _refuse(upload, metadata.num_rows, metadata.num_columns, size)
            return dict(parquet_cells(path, content, None, PEEKED).columns)
        case "csv" | "tsv" as kind:
            heading, lines = content.split(b"\n", 1)[0], content.count(b"\n")
            _refuse(upload, lines, max(heading.count(each.encode()) for each in SEPARATORS) + 1, len(content))
            return dict(csv_cells(path, content, None, "\t" if kind == "tsv" else None, PEEKED).columns)
        case "json":
            _refuse(upload, content.count(b"{"), 1, len(content) + 20 * content.count(b"["))
            return _records(upload, parse_json_table(path, content))
        case _:
            raise InputError(f"{upload.name}: is none of {', '.join(TYPES)}; write it as one of these")


def _records(upload: Upload, value: object) -> dict[str, Sequence[Any]]:
    records = list(value.values()) if isinstance(value, dict) else value
    if not isinstance(records, list) or not records or not all(isinstance(each, dict) for each in records):
        raise InputError(f"{upload.name}: is neither a list of objects nor an object of objects; write it as one")
    columns = dict.fromkeys(key for each in records[:PEEKED] for key in each)
    return {column: [each.get(column) for each in records[:PEEKED]] for column in columns}


def _refuse(upload: Upload, rows: int, columns: int, size: int) -> None:
    """Raise InputError where a table is larger than any list of candidates."""
    if rows > ROWS + 1 or columns > COLUMNS or size > 8 * UPLOAD_MB * 1e6:
        raise InputError(
            f"{upload.name}: is too large ({rows:,} rows, {columns:,} columns, {size / 1e6:,.0f} MB unpacked); the "
            f"dashboard takes {ROWS:,} rows and {COLUMNS} columns: cut it, or use `supernet rank` in the terminal"
        )
