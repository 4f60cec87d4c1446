"""What counts as a number where scores, accuracies and costs are read from files."""

from typing import TypeGuard

LARGEST = 1e100
"""In size. Squares and sums of such numbers are still finite, those of 1e308 are not."""

EXACT = 2**53
"""Whole numbers up to here are exact in float64; larger ones are no scores, and two of them may become one."""


def is_number(value: object) -> TypeGuard[float]:
    """Whether a value from a file is a finite number that can be computed with; `True` is none."""
    if type(value) is int:
        return abs(value) <= EXACT
    return isinstance(value, float) and abs(value) <= LARGEST  # NaN is not
