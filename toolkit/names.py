"""Naming the nearest valid name when somebody mistypes one."""

import difflib
from collections.abc import Iterable

SHOWN, LOOKED_AT, LONGEST = 20, 1_000, 100
"""Names that are listed; names that are compared, and their length: comparing costs the product of both lengths."""


def did_you_mean(name: str, valid: Iterable[str]) -> str:
    """The end of an error message: the nearest valid name, if one is near, and all of them, or the first of many."""
    valid = list(valid)
    compared = [each for each in valid[:LOOKED_AT] if len(each) <= LONGEST]
    near = difflib.get_close_matches(name[:LONGEST], compared, n=1)
    shown = valid if len(valid) <= 2 * SHOWN else valid[:SHOWN]
    everything = ", ".join(each if len(each) <= LONGEST else f"{each[:LONGEST]}..." for each in shown)
    if len(shown) < len(valid):
        everything += f" and {len(valid) - len(shown):,} more"
    return f"; did you mean {near[0]!r}? There are: {everything}" if near else f"; there are: {everything}"
