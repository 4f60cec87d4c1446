"""Merge part files; name what is contradictory, missing or suspect, and build nothing wrong in silence."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from converters.submission.parts import Part, mark_stale, same, to_part
from converters.submission.problems import different_codes, mixed_scales, out_of_range, shape, unknown_ids
from converters.submission.subject import Subject, filled
from converters.submission.write import write_submission
from toolkit.errors import InputError
from toolkit.evaluation.candidates import (
    Candidates,
    Table,
    Window,
    capped,
    list_windows,
    name,
    read_table,
    show,
    windows,
    write_entries,
)

Conflicts = Literal["error", "window", "first", "last"]
"""What to do about suspects and contradictions: refuse; set the suspects aside, and refuse if contradictions remain; or
take the first or the last part that has a result, in the order given, suspect or not."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """Different results for one candidate, by part."""

    id: str
    values: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class MergeReport:
    """The result of `merge`.

    Attributes:
        conflicts: contradictions between parts, suspects left out unless the policy counts them.
        gaps: the candidates for which there is no result.
        problems: why this must not be written; empty if it may.
        accs: the results, in the candidates' order.
    """

    parts: tuple[Part, ...]
    conflicts: tuple[Conflict, ...]
    gaps: tuple[Window, ...]
    problems: tuple[str, ...]
    notes: tuple[str, ...]
    accs: Mapping[str, float]


def merge(
    paths: Sequence[Path | str], candidates: Candidates, policy: Conflicts = "error", *, allow_gaps: bool = False
) -> MergeReport:
    """Put the results of part files together; nothing is written.

    A result is an `acc` that is neither 0 nor the placeholder in the candidates file. Whatever the policy, it is a
    problem if some parts hold percentages and others fractions, or if anything in a part is wrong.
    """
    tables, problems = _read(paths, candidates)
    parts = mark_stale([to_part(table, candidates) for table in tables])
    settled = policy in ("first", "last")  # by name, so that suspects count too
    accs, conflicts = _combine(parts if policy != "last" else parts[::-1], candidates, suspects=settled)
    gaps = windows(candidates.keys() - accs, candidates)
    notes = _copied(parts, candidates)

    problems += _different_scales(parts)
    for suspect in _suspects(parts, candidates):
        if policy == "error":
            problems.append(f"{suspect}; `--conflicts window` sets such rows aside")
        else:
            notes.append(f"{suspect}; {'counted all the same' if settled else 'set aside'}, as asked for")
    for contradiction in _contradictions(conflicts, candidates):
        if settled:
            notes.append(f"{contradiction}; the {policy} one counts, as asked for")
        else:
            problems.append(f"{contradiction}; leave out one of them, or say `--conflicts first` or `last`")
    if gaps:
        missing = (
            f"{len(candidates) - len(accs):,} of {len(candidates):,} candidates have no result: {list_windows(gaps)}"
        )
        if allow_gaps:
            notes.append(f"{missing}; they keep the placeholder, so this is no submission yet")
        else:
            problems.append(f"{missing}; evaluate them, or write a larger part file with `--allow-gaps`")
    return MergeReport(tuple(parts), tuple(conflicts), gaps, tuple(problems), tuple(notes), accs)


def write_merged(path: Path | str, candidates: Candidates, report: MergeReport) -> None:
    """Write what was merged: a submission or, with gaps, a part file that holds placeholders there.

    Raises:
        InputError: the report has problems, or the file cannot be written.
    """
    if report.problems:
        raise InputError(report.problems)
    if report.gaps:
        whole = all(isinstance(acc, int) for acc in candidates.accs.values())
        write_entries(path, candidates, dict.fromkeys(candidates, 0 if whole else 0.0) | dict(report.accs))
    else:
        write_submission(path, candidates, report.accs)


def _read(paths: Sequence[Path | str], candidates: Candidates) -> tuple[list[Table], list[str]]:
    """The files that can be read, and what is wrong with any."""
    tables: list[Table] = []
    problems: list[str] = []
    for path in paths:
        try:
            table = read_table(path)
        except InputError as error:
            problems += error.problems
            continue
        tables.append(table)
        subject = Subject(table, None, candidates, filled(table.accs, candidates))
        for check in (shape, unknown_ids, different_codes, out_of_range, mixed_scales):
            problems += check(subject)
    return tables, problems


def _combine(
    parts: Sequence[Part], candidates: Candidates, *, suspects: bool
) -> tuple[dict[str, float], list[Conflict]]:
    """The first result of every candidate, and all contradictions."""
    claims: dict[str, dict[str, float]] = defaultdict(dict)
    for part in parts:
        for key, acc in (part.results if suspects else part.trusted).items():
            claims[key][part.path] = acc
    accs = {key: next(iter(claims[key].values())) for key in candidates if key in claims}
    conflicts = [
        Conflict(key, claims[key])
        for key, acc in accs.items()
        if not all(same(acc, other) for other in claims[key].values())
    ]
    return accs, conflicts


def _suspects(parts: Sequence[Part], candidates: Candidates) -> list[str]:
    found = []
    for part in parts:
        if part.stale:
            owners = [other.path for other in parts if other is not part and part.stale & other.main]
            main = max(part.windows, key=lambda window: window.count)
            found.append(
                f"{part.path}: {list_windows(windows(part.stale, candidates))} look stale: they lie outside the file's "
                f"main window {main} and contradict {', '.join(owners)}, in whose main window they lie"
            )
        found += [
            f"{part.path}: {name(key)} alone holds a number ({show(part.results[key])}) among placeholders: rather an "
            "edited template than a result"
            for key in part.results
            if key in part.edited
        ]
    return found


def _contradictions(conflicts: Sequence[Conflict], candidates: Candidates) -> list[str]:
    """One sentence for each group of parts that contradict each other."""
    groups: dict[tuple[str, ...], list[Conflict]] = defaultdict(list)
    for conflict in conflicts:
        groups[tuple(conflict.values)].append(conflict)
    return capped(
        [
            f"{', '.join(paths)}: different results for {list_windows(windows({c.id for c in group}, candidates))}; "
            f"for example {name(group[0].id)}: {', '.join(show(acc) for acc in group[0].values.values())}"
            for paths, group in groups.items()
        ]
    )


def _different_scales(parts: Sequence[Part]) -> list[str]:
    scales = {scale: [part.path for part in parts if part.scale == scale] for scale in ("percent", "fraction")}
    if not all(scales.values()):
        return []
    return [
        f"{', '.join(scales['percent'])}: percentages, but {', '.join(scales['fraction'])}: fractions; "
        "multiply or divide by 100 so that all parts have the same scale"
    ]


def _copied(parts: Sequence[Part], candidates: Candidates) -> list[str]:
    """Rows that several parts have in common outside their main windows: nobody's own results."""
    times: dict[str, int] = defaultdict(int)
    for part in parts:
        for key in part.results.keys() - part.main - part.stale - part.edited:
            times[key] += 1
    copied = {key for key, count in times.items() if count > 1} - set().union(*(part.main for part in parts))
    if not copied:
        return []
    where = list_windows(windows(copied, candidates))
    return [f"{where} stand in several parts, in the main window of none: copied from an older file?"]
