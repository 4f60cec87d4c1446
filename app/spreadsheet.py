"""Tables for download. Spreadsheets take text that begins with certain characters for a formula, and carry it out."""

import pandas as pd

STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What a formula, or a call of another program, begins with."""


def to_csv(table: pd.DataFrame) -> str:
    """A table as CSV in which no text is a formula: such text has an apostrophe in front. Numbers stay numbers."""
    safe = table.copy()
    safe.columns = pd.Index([_plain(column) for column in table.columns])
    for place, kind in enumerate(table.dtypes):
        if not pd.api.types.is_numeric_dtype(kind):
            safe.isetitem(place, table.iloc[:, place].astype(object).map(_plain, na_action="ignore").array)
    written: str = safe.to_csv(index=False)
    return written


def _plain(cell: object) -> object:
    if not isinstance(cell, str):
        return cell
    return ("'" if cell.startswith(STARTS) else "") + cell.replace("\r", " ")  # which would begin a line, unquoted
