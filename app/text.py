"""How numbers, spans of time and other people's words are written."""

import re
from typing import NamedTuple


class Unit(NamedTuple):
    """In which large numbers read well: millions have the factor 1e6 and the prefix M."""

    factor: float
    prefix: str
    name: str


UNITS = (Unit(1e9, "G", "billions"), Unit(1e6, "M", "millions"), Unit(1e3, "k", "thousands"), Unit(1.0, "", ""))


def unit(largest: float) -> Unit:
    """The one for numbers up to `largest`."""
    return next((unit for unit in UNITS if largest >= unit.factor), UNITS[-1])


def si(value: float) -> str:
    """A count with three significant digits and a prefix: 603,954 is `604 k`."""
    factor, prefix, _ = unit(value)
    return f"{value / factor:.3g} {prefix}".strip()


def count(number: int, noun: str) -> str:
    """`1 run`, `2 runs`, `45,000 candidates`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def ago(seconds: float) -> str:
    """A span of time as people say it."""
    for size, name in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size:.0f} {name} ago"
    return "just now"


def axis_title(quantity: str, unit: str) -> str:
    """A quantity with its unit in parentheses, if it has one."""
    return f"{quantity} ({unit})" if unit else quantity


def sentence(words: str) -> str:
    """`words` with a capital, as headings begin."""
    return words[:1].upper() + words[1:]


def plain(words: str) -> str:
    """Markdown that shows exactly `words`: what comes from files makes no links, images or formulas."""
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", printable(words).replace("\n", " "))


def printable(words: str) -> str:
    """`words` as valid Unicode: names of files need not be, and would break the page."""
    return words.encode(errors="backslashreplace").decode()
