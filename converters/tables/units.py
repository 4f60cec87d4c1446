"""Fractions or percentages: which a column holds, and one into the other.

The rule: a column is in percent if any value is above 1, else in fractions. So a column of percentages that are all at
most 1, which is worse than chance among 100 classes, is taken for fractions unless somebody says otherwise.
"""

import math
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from statistics import median
from typing import Literal

from toolkit.candidates import capped, list_windows, name, show, windows

Unit = Literal["fraction", "percent"]


WORDS: dict[Unit, str] = {"fraction": "fractions", "percent": "percentages"}


def unit_of(values: Iterable[float]) -> Unit | None:
    """The unit by the rule above; None if all values are placeholders (0)."""
    largest = max((value for value in values if value != 0), default=None)
    return None if largest is None else "percent" if largest > 1 else "fraction"


def convert(value: float, unit: Unit) -> float:
    """`value`, which has the other unit, in `unit`.

    To fractions it is the division by 100 with which the winner of 2021 made his file of his part files: 0.07 becomes
    0.0007000000000000001. To percent it is a number that this division takes back to `value`, if there is one.
    """
    if value == 0:
        return value  # a placeholder keeps its type
    if unit == "fraction":
        return value / 100
    product = value * 100
    near = (round(product, 10), product, math.nextafter(product, 0), math.nextafter(product, math.inf))
    return next((percent for percent in near if percent / 100 == value), product)


def inexact(before: Iterable[float], after: Iterable[float], unit: Unit) -> int:
    """How many values, of `unit` and brought to the other one, would not come back exactly."""
    return sum(convert(new, unit) != old for old, new in zip(before, after, strict=True))


def out_of_range(path: Path, column: Mapping[str, float]) -> list[str]:
    """Problems: accuracies that are none, neither a fraction nor a percentage; `column` is by id."""
    return capped(
        [
            f"{path}: {name(key)} has acc {show(acc)}; an accuracy lies between 0 and 1, or between 0 and 100"
            for key, acc in column.items()
            if not 0 <= acc <= 100
        ]
    )


def mixed_scales(path: Path, column: Mapping[str, float], order: Iterable[str]) -> list[str]:
    """Problems: fractions among percentages; `order` says which ids are neighbours."""
    low, high = by_scale(column)
    if not low or not fractions_among(low.values(), high.values()):
        return []
    where = list_windows(windows(low, order))
    return [
        f"{path}: {len(low):,} results are fractions ({where}) and {len(high):,} are percentages; "
        "multiply or divide by 100 so that all have the same scale"
    ]


def by_scale(accs: Mapping[str, float]) -> tuple[dict[str, float], dict[str, float]]:
    """Results up to 1, and those above: only the latter are percentages beyond doubt."""
    low = {key: acc for key, acc in accs.items() if 0 < acc <= 1}
    return low, {key: acc for key, acc in accs.items() if 1 < acc <= 100}


def fractions_among(low: Collection[float], high: Collection[float]) -> bool:
    """Whether values in (0, 1] are fractions of the same quantity as values above 1, which must be percentages.

    A percentage of 1 or less belongs to a broken network; such are few and, multiplied by 100, in no relation to the
    rest. So the low values are taken for fractions if they are half of all or more, or if the median of either group
    lies in the range of the other, brought to one scale. They are not if any high value is less than twice the largest
    low one, for then both are one continuous range.
    """
    if not low or not high or min(high) < 2 * max(low):
        return False
    return (
        len(low) >= len(high)
        or min(high) <= 100 * median(low) <= max(high)
        or 100 * min(low) <= median(high) <= 100 * max(low)
    )
