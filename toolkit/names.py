"""Naming the nearest valid name when somebody mistypes one."""

import difflib
from collections.abc import Iterable


def did_you_mean(name: str, valid: Iterable[str]) -> str:
    """The end of an error message: the nearest valid name, if one is near, and all of them."""
    valid = list(valid)
    near = difflib.get_close_matches(name, valid, n=1)
    everything = ", ".join(valid)
    return f"; did you mean {near[0]!r}? There are: {everything}" if near else f"; there are: {everything}"
