"""Problems: what makes a file unusable. Each check is a function from a `Subject` to sentences."""

from collections.abc import Callable

from converters.submission.subject import Subject, inverted, is_template, join_ids
from converters.tables import units
from toolkit.candidates import capped, code_problems, list_windows, name, show, windows

Check = Callable[[Subject], list[str]]

# Problems of either kind of file.


def shape(subject: Subject) -> list[str]:
    """Keys that stand twice, entries without the two keys, values of other types, NaN and infinity."""
    return list(subject.table.problems)


def missing_ids(subject: Subject) -> list[str]:
    """Candidates without an entry."""
    if subject.candidates is None:
        return []
    missing = subject.candidates.keys() - set(subject.table.ids)
    if not missing:
        return []
    where = list_windows(windows(missing, subject.candidates))
    return [
        f"{subject.path}: {len(missing):,} of {len(subject.candidates):,} candidates have no entry: {where}; add them"
    ]


def unknown_ids(subject: Subject) -> list[str]:
    """Entries that are no candidates."""
    if subject.candidates is None:
        return []
    unknown = [key for key in subject.table.ids if key not in subject.candidates.codes]
    if not unknown:
        return []
    where = list_windows(windows(unknown, subject.table.ids))
    return [
        f"{subject.path}: {len(unknown):,} ids are not in the candidates file: {where}; "
        "remove them, or compare with the candidates file they come from"
    ]


def different_codes(subject: Subject) -> list[str]:
    """Codes that are not those of the candidates file."""
    if subject.candidates is None:
        return []
    return capped(
        [
            f"{subject.path}: {name(key)} has the code {show(code)}, but in the candidates file "
            f"{_difference(code, subject.candidates[key])}; copy the codes from there"
            for key, code in subject.table.codes.items()
            if key in subject.candidates.codes and code != subject.candidates[key]
        ]
    )


def _difference(code: str, right: str) -> str:
    if len(code) != len(right):
        return f"it has {len(right)} characters, not {len(code)}"
    first = next(i for i, (a, b) in enumerate(zip(code, right, strict=True)) if a != b)
    return f"position {first} is {right[first]!a}, not {code[first]!a}"


def invalid_codes(subject: Subject) -> list[str]:
    """Codes that are not in the space."""
    if subject.space is None:
        return []
    return code_problems(subject.path, subject.strangers(), subject.space)


def repeated_codes(subject: Subject) -> list[str]:
    """One code under several ids, unless the candidates file has it so."""
    if not subject.strangers():
        return []
    return capped(
        [
            f"{subject.path}: {join_ids(keys)} have the same code {show(code)}; every candidate stands under one id"
            for code, keys in inverted(subject.table.codes).items()
            if len(keys) > 1
        ]
    )


# Problems of a submission.


def out_of_range(subject: Subject) -> list[str]:
    """Accuracies that are none: neither a fraction nor a percentage."""
    return units.out_of_range(subject.path, subject.table.accs)


def mixed_scales(subject: Subject) -> list[str]:
    """Fractions among percentages."""
    return units.mixed_scales(subject.path, subject.results, subject.order)


def constant(subject: Subject) -> list[str]:
    """The same result everywhere."""
    values = set(subject.results.values())
    if len(subject.results) < 2 or len(values) > 1:
        return []
    return [
        f"{subject.path}: all {len(subject.results):,} results are {show(values.pop())}; a constant ranks nothing, "
        "evaluate the candidates"
    ]


def unfilled(subject: Subject) -> list[str]:
    """Placeholders left over from the template."""
    left = {key: acc for key, acc in subject.table.accs.items() if key not in subject.results}
    zeros = [key for key, acc in left.items() if acc == 0]
    problems = []
    if zeros:
        where = list_windows(windows(zeros, subject.order))
        problems.append(
            f"{subject.path}: {len(zeros):,} of {len(subject.table.ids):,} entries hold the placeholder 0: {where}; "
            "evaluate them"
        )
    others = [
        f"{subject.path}: {name(key)} still holds {show(acc)}, which stands in the candidates file; "
        "evaluate this candidate"
        for key, acc in left.items()
        if acc != 0
    ]
    return [*problems, *capped(others)]


# Problems of a candidates file.


def edited(subject: Subject) -> list[str]:
    """Numbers where placeholders belong."""
    values = {key: acc for key, acc in subject.table.accs.items() if acc != 0}
    if not values:
        return []
    if not is_template(subject.table.accs):
        return [
            f"{subject.path}: {len(values):,} of {len(subject.table.ids):,} entries hold a result, so this is a "
            "submission and not a candidates file; check it as one"
        ]
    return capped(
        [
            f"{subject.path}: {name(key)} has acc {show(acc)} where a candidates file has the placeholder 0; "
            "somebody edited it: take the original"
            for key, acc in values.items()
        ]
    )


COMMON: tuple[Check, ...] = (shape, missing_ids, unknown_ids, different_codes, invalid_codes, repeated_codes)
SUBMISSION: tuple[Check, ...] = (out_of_range, mixed_scales, constant, unfilled)
CANDIDATES: tuple[Check, ...] = (edited,)
