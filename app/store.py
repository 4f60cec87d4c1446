"""Tables that follow from the content of files alone, kept from one server to the next.

They lie in the user's cache folder, for the dashboard changes nothing in run folders; by a digest of what they follow
from, the code that computes them included. Whoever cannot write there computes them every time.
"""

import hashlib
import io
import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path

import pandas as pd

import converters
import toolkit
from toolkit.errors import InputError
from toolkit.files import atomic_write

KEPT = 128
"""Files: 45,000 candidates take 2 MB."""


def folder() -> Path:
    """Where tables are kept: `$XDG_CACHE_HOME/supernet`, else `~/.cache/supernet`."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "supernet"


def kept_table(what: str, follows_from: Iterable[bytes], make: Callable[[], pd.DataFrame]) -> pd.DataFrame:
    """The table `what`, made by `make` if it is not kept yet; whatever `make` raises is passed on."""
    digest = hashlib.sha256(_code())
    for part in follows_from:
        digest.update(hashlib.sha256(part).digest())
    name = f"{what}-{digest.hexdigest()}.parquet"
    with suppress(Exception):  # not there, damaged, no home, no rights
        return pd.read_parquet(folder() / name)
    table = make()
    with suppress(InputError, OSError, RuntimeError):
        with atomic_write(folder() / name) as file:
            table.to_parquet(file, index=False)
        _prune()
    return table


def kept_tables(
    what: str, follows_from: Iterable[bytes], make: Callable[[], Mapping[str, pd.DataFrame]]
) -> dict[str, pd.DataFrame]:
    """Several tables by name that belong together, as `kept_table` keeps one."""
    packed = kept_table(what, follows_from, lambda: _packed(make()))
    return {str(name): pd.read_parquet(io.BytesIO(packed[name].iloc[0])) for name in packed}


def _packed(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """One row, a column for each table."""
    return pd.DataFrame({name: [table.to_parquet(index=False)] for name, table in tables.items()})


def _prune() -> None:
    tables = sorted(folder().glob("*.parquet"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in tables[KEPT:]:
        path.unlink(missing_ok=True)


@cache
def _code() -> bytes:
    """Digest of all code that tables follow from: another version computes them anew."""
    places = [Path(toolkit.__file__).parent, Path(converters.__file__).parent, Path(__file__).parent / "views"]
    digest = hashlib.sha256()
    for place in places:
        for path in sorted(place.rglob("*.py")):
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.digest()
