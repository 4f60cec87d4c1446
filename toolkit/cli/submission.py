"""`supernet submit`, `check`, `merge`, `blend`: the leaderboard file."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from toolkit.cli.console import console, print_json, print_problems
from toolkit.errors import InputError

if TYPE_CHECKING:
    from converters.submission import MergeReport, Part
    from toolkit.evaluation.candidates import Candidates

SpaceName = Annotated[str | None, typer.Option(help="the search space; default: the first that accepts the codes")]
AsJson = Annotated[bool, typer.Option("--json", help="print JSON")]


def submit(
    run: Annotated[Path, typer.Argument(help="the run folder")],
    candidates: Annotated[Path | None, typer.Option(help="candidates file; default: the run's last one")] = None,
    out: Annotated[Path | None, typer.Option(help="the file to write; default: submission.json in the run")] = None,
    score: Annotated[Literal["top1", "top5", "loss"], typer.Option(help="what ranks the candidates")] = "top1",
    checkpoint: Annotated[Path | None, typer.Option(help="results of this one; default: the newest")] = None,
    norm: Annotated[str | None, typer.Option(help="results with this batch norm; default: the last ones")] = None,
    images: Annotated[int | None, typer.Option(help="results on so many images; default: the last ones")] = None,
    ema: Annotated[bool | None, typer.Option(help="results of the moving average; default: the last ones")] = None,
    race: Annotated[bool, typer.Option("--race", help="candidates raced: take those that stopped early too")] = False,
    predicted: Annotated[
        bool, typer.Option("--predicted", help="predict the candidates that were not evaluated from those that were")
    ] = False,
    smooth: Annotated[
        bool, typer.Option("--smooth", help="with --predicted: fitted values for the evaluated ones too")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write the leaderboard file from a run's results, complete and checked, or say what is missing."""
    from converters.submission import MEANING, Wanted, describe, submit_run

    wanted = Wanted(checkpoint, norm, images, ema)
    done = submit_run(run, candidates, out, score, wanted, race=race, predicted=predicted, smooth=smooth)
    if as_json:
        setting, others = asdict(done.setting), [asdict(other) for other in done.others]
        mixed = done.mixed and asdict(done.mixed)
        facts = {"score": score, "setting": setting, "budget": asdict(done.budget), "others": others, "mixed": mixed}
        print_json(asdict(done.report) | facts)
        return
    print_line(f"{done.report.path}: {done.report.verdict}")
    print_line(f"acc is {MEANING[score]}.")
    print_line(f"From {describe(done.setting)}.")
    if done.mixed:
        print_line(f"{done.mixed}.")
    print_line(f"Budget: {done.budget}.")
    print_notes([*done.report.notes, *(f"not used: {describe(other)}" for other in done.others)])


def check(
    file: Annotated[Path, typer.Argument(help="a candidates file or a submission")],
    space: SpaceName = None,
    candidates: Annotated[Path | None, typer.Option(help="the candidates file it must agree with")] = None,
    kind: Annotated[Literal["auto", "candidates", "submission"], typer.Option(help="what it should be")] = "auto",
    as_json: AsJson = False,
) -> None:
    """List every problem of a candidates file or a submission. Exit status 1 if there are any."""
    from converters.submission import check as run_checks
    from toolkit.spaces import get_space

    known = known_candidates(candidates, space) if candidates else None
    report = run_checks(file, get_space(space) if space else None, known, kind)
    if as_json:
        print_json(asdict(report) | {"valid": report.valid, "verdict": report.verdict})
    else:
        print_line(f"{file}: {report.verdict}")
        print_notes(report.notes)
        print_problems(report.problems)
    if not report.valid:
        raise typer.Exit(1)


def merge(
    out: Annotated[Path, typer.Argument(help="the file to write")],
    parts: Annotated[list[Path], typer.Argument(help="part files, in any shape")],
    candidates: Annotated[Path, typer.Option(help="candidates file: which results there should be, in which order")],
    space: SpaceName = None,
    conflicts: Annotated[
        Literal["error", "window", "first", "last"],
        typer.Option(
            help="where parts contradict each other: refuse; set aside rows that lie outside their part's main window; "
            "or take the first or the last part's"
        ),
    ] = "error",
    allow_gaps: Annotated[bool, typer.Option(help="write placeholders where no part has a result")] = False,
    overwrite: Annotated[bool, typer.Option(help="replace OUT if it is there")] = False,
    unit: Annotated[
        Literal["fraction", "percent"] | None,
        typer.Option(help="bring all parts to it; default: refuse if they differ"),
    ] = None,
    score: Annotated[
        Literal["top1", "top5"], typer.Option(help="the column to take from parts that have both")
    ] = "top1",
    repair_counts: Annotated[
        bool, typer.Option(help="make results equal again that count equally many images but were rounded differently")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Put part files together; conflicts, gaps and stale rows are named, and nothing is written if there are any.

    Parts may be in any shape that `supernet table` reads, mixed as they come.
    """
    from converters.submission import Options, write_merged
    from converters.submission import merge as merge_parts

    if out.exists() and not overwrite:
        raise InputError(f"{out}: is there already; the first file named is the one to write. Replace it: --overwrite")
    known = known_candidates(candidates, space)
    options = Options(unit, score, repair_counts)
    report = merge_parts(parts, known, conflicts, allow_gaps=allow_gaps, options=options)
    more = () if report.problems else write_merged(out, known, report)
    if as_json:
        print_json(_merge_facts(report, known, None if report.problems else out) | {"notes": [*report.notes, *more]})
    else:
        _print_parts(report.parts)
        print_notes([*report.notes, *more])
        print_problems(report.problems)
        if not report.problems:
            print_line(f"{out}: {len(report.accs):,} of {len(known):,} candidates have results")
    if report.problems:
        raise typer.Exit(1)


def blend(
    out: Annotated[Path, typer.Argument(help="the file to write")],
    scores: Annotated[list[Path], typer.Argument(help="two or more: submissions, or what `supernet prior` writes")],
    weights: Annotated[
        list[float] | None, typer.Option("--weight", help="of each file, in their order; default: all the same")
    ] = None,
    space: SpaceName = None,
    overwrite: Annotated[bool, typer.Option(help="replace OUT if it is there")] = False,
) -> None:
    """Blend several rankings of the same candidates into one submission: each gets the mean of its ranks.

    For example two seeds and a prior: supernet blend submission.json seed-0.json seed-1.json zen.json
    """
    from converters.submission import blend as blend_scores
    from converters.submission import write_submission
    from toolkit.evaluation.candidates import accepting_spaces, code_problems
    from toolkit.spaces import get_space

    if out.exists() and not overwrite:
        raise InputError(f"{out}: is there already; the first file named is the one to write. Replace it: --overwrite")
    candidates, blended = blend_scores(scores, weights)
    chosen = get_space(space) if space else accepting_spaces(scores[0], candidates.values())[0]
    if problems := code_problems(scores[0], dict(candidates), chosen):
        raise InputError(problems)
    report = write_submission(out, candidates, blended)
    print_line(f"{out}: {report.verdict}")
    print_line("acc is the mean of ranks, as shares: between 0 and 1, higher is better, no accuracy.")
    print_notes(report.notes)


def known_candidates(path: Path, space: str | None) -> "Candidates":
    """The candidates in a file; without a space, their codes are those of the first that accepts them."""
    from toolkit.evaluation.candidates import accepting_spaces, read_candidates, read_table
    from toolkit.spaces import get_space

    chosen = get_space(space) if space else accepting_spaces(path, read_table(path).codes.values())[0]
    return read_candidates(path, chosen)


def _merge_facts(report: "MergeReport", candidates: "Candidates", written: Path | None) -> dict[str, Any]:
    """All of a merge but the results themselves, for `--json`."""
    from toolkit.evaluation.candidates import windows

    def spans(ids: Collection[str]) -> list[dict[str, Any]]:
        return [asdict(window) for window in windows(ids, candidates)]

    return {
        "written": str(written) if written else None,
        "results": len(report.accs),
        "candidates": len(candidates),
        "parts": [
            {
                "path": part.path,
                "shape": part.shape,
                "entries": part.entries,
                "results": len(part.results),
                "unit": part.unit,
                "windows": spans(part.results),
                "stale": spans(part.stale),
                "edited": {key: part.results[key] for key in sorted(part.edited)},
            }
            for part in report.parts
        ],
        "conflicts": [asdict(conflict) for conflict in report.conflicts],
        "gaps": [asdict(window) for window in report.gaps],
        "problems": report.problems,
    }


def _print_parts(parts: "Sequence[Part]") -> None:
    from toolkit.evaluation.candidates import list_windows

    for part in parts:
        line = f"{part.path}: " if part.shape == "official" else f"{part.path} ({part.shape}): "
        line += f"{len(part.results):,} of {part.entries:,} entries hold results"
        line += f" ({part.unit})" if part.unit else ""
        line += f": {list_windows(part.windows)}" if part.windows else ""
        line += f"; {len(part.stale):,} look stale" if part.stale else ""
        line += f"; {len(part.edited):,} look edited" if part.edited else ""
        print_line(line)


def print_line(line: str) -> None:
    """One line as it is: file names and codes are no markup, and are not cut."""
    console.print(line, markup=False, soft_wrap=True)


def print_notes(notes: Iterable[str]) -> None:
    """Notes, one a line."""
    for note in notes:
        print_line(f"  note: {note}")
