"""Read results in any shape; which one a file has is seen from its content, never from its name."""

import codecs
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from converters.tables.by_code import BY_CODE, INVERTED
from converters.tables.identify import identify
from converters.tables.ledger import LEDGER, MAGIC
from converters.tables.lines import ID_LINES, LINES, columns_of
from converters.tables.log import LOG, NETWORK
from converters.tables.official import ARC, OFFICIAL
from converters.tables.results import Results
from converters.tables.shape import Shape
from converters.tables.units import unit_of
from toolkit.candidates import load_object
from toolkit.errors import InputError
from toolkit.files import read_bytes

SHAPES: dict[str, Shape] = {
    shape.name: shape for shape in (OFFICIAL, ARC, INVERTED, BY_CODE, LINES, ID_LINES, LOG, LEDGER)
}


def read_results(path: Path | str, candidates: Mapping[str, str] | None = None) -> Results:
    """The results in a file, a ledger included; see `parse_results`."""
    path = Path(path)
    try:
        content = read_bytes(path)
        if content.startswith(MAGIC):
            return _results(path, LEDGER, None, candidates)
    except InputError as error:
        return _unreadable(path, error)
    return parse_results(path, content, candidates)


def parse_results(path: Path | str, content: bytes, candidates: Mapping[str, str] | None = None) -> Results:
    """The results in a file at hand, with everything that is wrong with it; nothing is raised.

    Args:
        path: what messages call the file.
        candidates: codes by id, which tell ids where the file has none, or others.
    """
    path = Path(path)
    try:
        shape, source = recognise(path, content)
        return _results(path, shape, source, candidates)
    except InputError as error:
        return _unreadable(path, error)


def _results(path: Path, shape: Shape, source: Any, candidates: Mapping[str, str] | None) -> Results:
    found = identify(path, shape.read(path, source), shape.ids, candidates)
    values = [value for row in found.rows for value in (row.top1, row.top5) if value is not None]
    return Results(
        path=path,
        shape=shape.name,
        rows=tuple(found.rows),
        ids=tuple(found.ids),
        unit=unit_of(values),
        problems=tuple(found.problems),
        notes=tuple(found.notes),
    )


def _unreadable(path: Path, error: InputError) -> Results:
    return Results(path, None, (), (), None, error.problems, ())


def recognise(path: Path, content: bytes) -> tuple[Shape, Any]:
    """The shape of a file, and what its reader wants: the JSON object, or the lines.

    Raises:
        InputError: it has none that is known.
    """
    if not content.strip():
        raise InputError(f"{path}: is empty; take the original or write it anew")
    if content.startswith(MAGIC):
        raise InputError(f"{path}: is an SQLite file; name it on the command line to read it as a ledger")
    if content.lstrip()[:1] in b'{["' or content.startswith(codecs.BOM_UTF8):
        entries = load_object(path, content)
        kinds = Counter(_kind(key, entry) for key, entry in entries.items())
        return max(kinds, key=kinds.__getitem__), entries
    try:
        lines = content.decode().split("\n")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is not a text file in UTF-8 (byte {error.start:,}); take the original") from None
    if any(map(NETWORK.search, lines)):
        return LOG, lines
    columns = Counter(columns_of(line) for line in lines)
    del columns[0]
    if not columns:
        shapes = "; ".join(shape.example for shape in SHAPES.values())
        raise InputError(f"{path}: is in none of the shapes that are known ({shapes}); bring it into one of them")
    return (ID_LINES if columns.most_common(1)[0][0] == 4 else LINES), lines


def _kind(key: str, entry: object) -> Shape:
    """The shape that an entry of a JSON object belongs to, or comes nearest: its reader then says what is wrong."""
    if isinstance(entry, dict):
        return ARC if "arc" in entry and "arch" not in entry else OFFICIAL
    if isinstance(entry, list):
        return INVERTED
    return OFFICIAL if key.startswith("arch") else BY_CODE
