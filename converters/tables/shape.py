"""What a shape is: a way to write results down."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from converters.tables.results import Row


@dataclass(frozen=True, slots=True)
class Found:
    """What a reader made of a file: whole entries, every id, and what is wrong with the others."""

    rows: Sequence[Row]
    ids: Sequence[str]
    problems: Sequence[str]


@dataclass(frozen=True, slots=True)
class Shape:
    """One way to write results down.

    Attributes:
        example: an entry of it.
        ids, top5: whether entries hold an id, and a top-5 accuracy; without ids, rows are read with the id "".
        read: entries from the JSON object or the lines that the file is made of; the path is for messages.
        dump: the file made of rows; None where nobody needs one.
    """

    name: str
    example: str
    ids: bool
    top5: bool
    read: Callable[[Path, Any], Found] = field(repr=False)
    dump: Callable[[Sequence[Row]], bytes] | None = field(default=None, repr=False)


def json_file(value: object) -> bytes:
    """What `json.dump` writes."""
    return json.dumps(value, allow_nan=False).encode()


def text_file(lines: Iterable[Sequence[str]]) -> bytes:
    """One line each, fields separated by blanks."""
    text = "".join(" ".join(fields) + "\n" for fields in lines)
    return text.encode(errors="surrogatepass")  # half a character, which JSON allows, is found when reading back
