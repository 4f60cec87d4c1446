"""Notes: what is worth knowing about a file that is not wrong. Each is a function from a `Subject` to sentences."""

from collections.abc import Callable, Collection
from contextlib import suppress
from itertools import groupby

from converters.submission.subject import Subject, inverted, join_ids
from converters.tables.counts import Granularity, find_granularity, find_strangers
from converters.tables.units import by_scale, fractions_among
from toolkit.candidates import Window, capped, show
from toolkit.errors import InputError
from toolkit.spaces.distinct import number_networks

Note = Callable[[Subject], list[str]]


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
    archs = {}
    for code in ids:
        with suppress(InputError):  # an invalid code is a problem, found elsewhere
            archs[code] = space.parse(code)
    networks = dict(zip(archs, number_networks(space, [*archs.values()]).tolist(), strict=True))
    return capped(
        [
            f"{join_ids([ids[code][0] for code in codes])} have different codes of the same network"
            for codes in inverted(networks).values()
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
    values = {float(acc) for acc in subject.results.values() if 0 < acc <= 100}
    if not values:
        return []
    text = f"{len(subject.results):,} results take {len(values):,} different values"
    found = find_granularity(values)
    if found is None:
        return [text, *made_up(list(subject.results.values()))]
    return [f"{text}, {rounded(found) if found.rounded else f'all multiples of {found.step}'}"]


def made_up(accs: Collection[float]) -> list[str]:
    """Results that are no counts among many that are."""
    found = find_strangers(accs)
    if found is None:
        return []
    images, strangers = found
    return [
        f"{strangers:,} of {len(accs):,} results are no counts of {images:,} images, as all others are: "
        "made up, or from another test?"
    ]


def rounded(found: Granularity) -> str:
    """That equal counts are different numbers, and what makes them equal."""
    return (
        f"all multiples of {found.step}, but these are only {found.levels:,} counts: equal counts were rounded "
        "differently and are no ties any more; `--repair-counts` of `supernet merge` or `supernet table` repairs them"
    )


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
