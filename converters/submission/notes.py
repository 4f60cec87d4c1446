"""Notes: what is worth knowing about a file that is not wrong. Each is a function from a `Subject` to sentences."""

from collections.abc import Callable
from contextlib import suppress
from itertools import groupby

import numpy as np
import numpy.typing as npt

from converters.submission.subject import Subject, by_scale, fractions_among, inverted, join_ids
from toolkit.errors import InputError
from toolkit.evaluation.candidates import Window, capped, show

Note = Callable[[Subject], list[str]]
Floats = npt.NDArray[np.float64]


def not_compared(subject: Subject) -> list[str]:
    """What could not be checked without the candidates file."""
    if subject.candidates is not None:
        return []
    return ["without a candidates file, whether ids are missing and whether codes are theirs was not checked"]


def other_order(subject: Subject) -> list[str]:
    """Entries in another order than the candidates'."""
    if subject.candidates is None:
        return []
    known = [key for key in subject.table.ids if key in subject.candidates.codes]
    mine = set(known)
    if known == [key for key in subject.candidates if key in mine]:
        return []
    return ["the entries stand in another order than in the candidates file; what counts is the id"]


def same_networks(subject: Subject) -> list[str]:
    """Different codes of one network: legal, but they will tie."""
    space = subject.space
    if space is None or not subject.strangers():
        return []
    ids = inverted(subject.table.codes)
    plans = {}
    for code in ids:
        with suppress(InputError):  # an invalid code is a problem, found elsewhere
            plans[code] = space.plans(space.parse(code))
    return capped(
        [
            f"{join_ids([ids[code][0] for code in codes])} have different codes of the same network"
            for codes in inverted(plans).values()
            if len(codes) > 1
        ]
    )


def low_percentages(subject: Subject) -> list[str]:
    """Percentages below 1, which are hardly ever right."""
    low, high = by_scale(subject.results)
    if not low or not high or fractions_among(low.values(), high.values()):
        return []
    return [
        f"{len(low):,} of {len(subject.results):,} results are at most 1 and the others percentages: broken networks?"
    ]


def ties(subject: Subject) -> list[str]:
    """How many different results there are, and of how many images they are counts."""
    values = np.array([float(acc) for acc in subject.results.values() if 0 < acc <= 100])
    if not values.size:
        return []
    distinct = np.unique(values)
    text = f"{len(subject.results):,} results take {distinct.size:,} different values"
    images = granularity(distinct)
    if images is None:
        return [text]
    levels = np.unique(np.round(distinct * images / _scale(distinct))).size
    text += f", all multiples of {_scale(distinct)}/{images:,}"
    if levels < distinct.size:
        text += (
            f", but these are only {levels:,} counts: equal counts were rounded differently and are no ties any more"
        )
    return [text]


def granularity(values: Floats, largest: int = 60_000) -> int | None:
    """The smallest N of which all values are fractions k/N (or percentages), if there is one and the values show it.

    Averages of float32 batch means still count as k/N: they miss it by 1e-7 relative.
    """
    if values.size < 8:
        return None
    fractions, divisors = values / _scale(values), np.arange(1, largest + 1)
    sample = fractions[np.linspace(0, values.size - 1, 64, dtype=int)]
    fitting = divisors[_fits(sample, divisors)]
    return next((int(n) for n in fitting if _fits(fractions, np.array([n]))[0]), None)


def _fits(fractions: Floats, divisors: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Which divisors make whole numbers of all fractions."""
    counts = np.outer(divisors, fractions)
    misses: Floats = np.abs(counts - np.round(counts)).max(axis=1)
    return misses < 1e-3 + 1e-7 * divisors


def _scale(values: Floats) -> int:
    return 100 if values.max() > 1 else 1


def runs(subject: Subject) -> list[str]:
    """The same result on so many neighbours that it cannot be chance: somebody filled them in."""
    total = len(subject.results)
    column = [(key, subject.results[key]) for key in subject.order if key in subject.results]
    share = {acc: len(keys) / total for acc, keys in inverted(subject.results).items()}
    found = []
    for acc, run in groupby(column, lambda entry: entry[1]):
        keys = [key for key, _ in run]
        if share[acc] < 1 and total * share[acc] ** len(keys) < 1e-9:
            where = Window(keys[0], keys[-1], len(keys))
            found.append(f"{where} all have acc {show(acc)}, which cannot be chance: filled in by somebody?")
    return capped(found)


COMMON: tuple[Note, ...] = (not_compared, other_order, same_networks)
SUBMISSION: tuple[Note, ...] = (low_percentages, ties, runs)
