"""What every kind of table answers, and how cells are read."""

import csv
import io
from pathlib import Path
from typing import Protocol

from toolkit.files import read_bytes, reading
from toolkit.spaces import Arch


class Latency(Protocol):
    """Milliseconds of networks on one device."""

    def get(self, arch: Arch, /) -> float | None:
        """Those of a network; None if the table does not tell."""
        ...


def read_rows(path: Path) -> tuple[list[str], list[list[str]]]:
    """The header and the other lines of a CSV file.

    Raises:
        InputError: it is none.
    """
    with reading(path, "is no table of latencies (CSV with a header)"):
        header, *rows = list(csv.reader(io.StringIO(read_bytes(path).decode("utf-8-sig"), newline=""), strict=True))
    return header, rows


def number(cell: str) -> float | None:
    """What a cell says, if it is a number."""
    try:
        return float(cell)
    except ValueError:
        return None


def is_latency(value: float | None) -> bool:
    """Whether it can be one: above 0, and finite."""
    return value is not None and 0 < value < float("inf")
