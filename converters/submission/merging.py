"""Merge part files; name what is contradictory, missing or suspect, and build nothing wrong in silence."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from converters.submission.notes import made_up, rounded
from converters.submission.parts import Part, mark_stale, same, to_part
from converters.submission.problems import different_codes, mixed_scales, out_of_range, shape, unknown_ids
from converters.submission.subject import Subject, filled
from converters.submission.write import write_submission
from converters.tables.conversion import NO_COUNTS, Column, take
from converters.tables.counts import find_granularity
from converters.tables.recognise import read_results
from converters.tables.results import Results
from converters.tables.units import WORDS, Unit, inexact
from toolkit.candidates import (
    Candidates,
    Window,
    capped,
    dump_entries,
    list_windows,
    name,
    show,
    windows,
)
from toolkit.errors import InputError
from toolkit.files import atomic_write

Conflicts = Literal["error", "window", "first", "last"]
"""What to do about suspects and contradictions: refuse; set the suspects aside, and refuse if contradictions remain; or
take the first or the last part that has a result, in the order given, suspect or not."""


@dataclass(frozen=True, slots=True)
class Options:
    """What is done to the results on the way.

    Attributes:
        unit: what to bring all parts to; None: leave them, and refuse if they differ.
        score: the column to take, where parts have a top-5 accuracy too.
        repair_counts: make equal counts of images equal numbers.
    """

    unit: Unit | None = None
    score: Column = "top1"
    repair_counts: bool = False


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
    paths: Sequence[Path | str],
    candidates: Candidates,
    policy: Conflicts = "error",
    *,
    allow_gaps: bool = False,
    options: Options = Options(),
) -> MergeReport:
    """Put the results of part files of any shape together; nothing is written.

    A result is an accuracy that is neither 0 nor the placeholder in the candidates file. Whatever the policy, it is a
    problem if anything in a part is wrong, or if some parts hold percentages and others fractions and nobody said which
    of them to write.
    """
    return merge_results([read_results(path, candidates) for path in paths], candidates, policy, allow_gaps, options)


def merge_results(
    files: Sequence[Results],
    candidates: Candidates,
    policy: Conflicts = "error",
    allow_gaps: bool = False,
    options: Options = Options(),
) -> MergeReport:
    """`merge` for files that were read with these candidates."""
    parts, problems, notes = _parts(files, candidates, options)
    settled = policy in ("first", "last")  # by name, so that suspects count too
    accs, conflicts = _combine(parts if policy != "last" else parts[::-1], candidates, suspects=settled)
    gaps = windows(candidates.keys() - accs, candidates)
    notes += _copied(parts, candidates)

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
    accs, refused, said = _counts(parts, accs, options)
    return MergeReport(tuple(parts), tuple(conflicts), gaps, (*problems, *refused), (*notes, *said), accs)


def write_merged(path: Path | str, candidates: Candidates, report: MergeReport) -> tuple[str, ...]:
    """Write what was merged, atomically: a submission, which may give more notes, or, with gaps, a part file.

    Raises:
        InputError: the report has problems, or the submission would have; or the file cannot be written.
    """
    if report.problems:
        raise InputError(report.problems)
    if not report.gaps:
        return write_submission(path, candidates, report.accs).notes
    with atomic_write(path) as file:
        file.write(dump_part(candidates, report.accs))
    return ()


def dump_part(candidates: Candidates, accs: Mapping[str, float]) -> bytes:
    """The content of a part file: results where there are, placeholders elsewhere."""
    whole = all(isinstance(acc, int) for acc in candidates.accs.values())
    return dump_entries(candidates, dict.fromkeys(candidates, 0 if whole else 0.0) | dict(accs))


def _parts(
    files: Sequence[Results], candidates: Candidates, options: Options
) -> tuple[list[Part], list[str], list[str]]:
    """The files that could be read, in one unit if one was asked for; all their problems, and the notes on them."""
    parts: list[Part] = []
    problems: list[str] = []
    notes: list[str] = []
    for file in files:
        if file.shape is None:
            problems += file.problems
            continue
        try:
            file = take(file, options.score)
        except InputError as error:
            problems += error.problems
        subject = Subject(file.table, None, candidates, filled(file.table.accs, candidates))
        for check in (shape, unknown_ids, different_codes, out_of_range, mixed_scales):
            problems += check(subject)
        notes += [f"{file.path}: {note}" for note in file.notes]
        part = to_part(file, candidates)
        if options.unit and part.unit not in (None, options.unit):
            before, was = part.unit, part.results.values()
            part = part.in_unit(options.unit)
            notes.append(f"{file.path}: brought from {WORDS[before]} to {WORDS[options.unit]}, as asked for")
            if lost := inexact(was, part.results.values(), before):
                notes[-1] += f"; lost: the last digit of {lost:,} results, which {WORDS[options.unit]} cannot hold"
        parts.append(part)
    return mark_stale(parts), [*problems, *_different_units(parts)], notes


def _counts(
    parts: Sequence[Part], accs: dict[str, float], options: Options
) -> tuple[dict[str, float], list[str], list[str]]:
    """The results, with equal counts made equal if that was asked for; problems and notes."""
    if _different_units(parts):
        return accs, [], []
    found = find_granularity(accs.values())
    if found is None:
        problem = f"the counts of the merged results cannot be repaired: {NO_COUNTS}"
        return accs, [problem] if options.repair_counts else [], _different_images(parts) or made_up(accs.values())
    if not options.repair_counts:
        note = f"{len(accs):,} results take {found.values:,} different values, {rounded(found)}"
        return accs, [], [note] if found.rounded else []
    repaired = {key: found.repair(acc) for key, acc in accs.items()}
    changed = sum(repaired[key] != acc for key, acc in accs.items())
    return repaired, [], [f"counts repaired, as asked for: {changed:,} results were changed; {found.summary}"]


def _different_images(parts: Sequence[Part]) -> list[str]:
    """That parts count different numbers of images, where the merged results show none."""
    found = {part.path: find_granularity(part.trusted.values()) for part in parts}
    images = {path: one.images for path, one in found.items() if one}
    if len(set(images.values())) < 2:
        return []
    listed = ", ".join(f"{path}: {number:,}" for path, number in images.items())
    return [f"the parts were tested on different numbers of images ({listed}): are they one supernet's?"]


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


def _different_units(parts: Sequence[Part]) -> list[str]:
    paths = {unit: [part.path for part in parts if part.unit == unit] for unit in WORDS}
    if not all(paths.values()):
        return []
    return [
        f"{', '.join(paths['percent'])}: percentages, but {', '.join(paths['fraction'])}: fractions; "
        "say `--unit fraction` or `--unit percent` to bring all to one scale"
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
