"""Seconds to draw, format, parse and cost as many candidates as a challenge has, in every space.

Run it from the root of the checkout: python -m benchmarks.spaces
"""

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
from rich.console import Console
from rich.table import Table

from toolkit.spaces import SPACES

CANDIDATES = 45_000
In, Out = TypeVar("In"), TypeVar("Out")


def timed(work: Callable[[In], Out], inputs: Sequence[In]) -> tuple[list[Out], float]:
    """What `work` makes of each input, and the seconds for all of them; no warming up, as a user would not."""
    start = time.perf_counter()
    results = [work(value) for value in inputs]
    return results, time.perf_counter() - start


def main() -> None:
    table = Table("space", "draw", "format", "parse", "cost", "parse + cost", title=f"seconds for {CANDIDATES:,} codes")
    for space in SPACES.values():
        archs, draw = timed(space.sample, CANDIDATES * [np.random.default_rng(0)])
        codes, form = timed(space.format, archs)
        parsed, parse = timed(space.parse, codes)
        assert parsed == archs
        _, cost = timed(space.cost, parsed)
        table.add_row(space.name, *(f"{seconds:.2f}" for seconds in (draw, form, parse, cost, parse + cost)))
    Console().print(table)


if __name__ == "__main__":
    main()
