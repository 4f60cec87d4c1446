"""`supernet submit`, `check`, `merge`, `blend`: the leaderboard file."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from toolkit.cli.console import console, print_json, print_problems
from toolkit.cli.options import AnySpace, AsJson, CandidatesOfRun, Overwrite, Run

if TYPE_CHECKING:
    from converters.submission import MergeReport, Part
    from toolkit.candidates import Candidates


def submit(
    run: Run,
    candidates: CandidatesOfRun = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="the file to write; default: submission.json in the run")
    ] = None,
    score: Annotated[Literal["top1", "top5", "loss"], typer.Option(help="what ranks the candidates")] = "top1",
    checkpoint: Annotated[Path | None, typer.Option(help="results of this one; default: the newest")] = None,
    norm: Annotated[str | None, typer.Option(help="results with this batch norm; default: the last ones")] = None,
    images: Annotated[int | None, typer.Option(help="results on so many images; default: the last ones")] = None,
    ema: Annotated[bool | None, typer.Option(help="results of the moving average; default: the last ones")] = None,
    by: Annotated[
        Literal["labels", "probe", "knn", "contrastive"], typer.Option(help="results that this judged")
    ] = "labels",
    race: Annotated[bool, typer.Option("--race", help="candidates raced: take those that stopped early too")] = False,
    predicted: Annotated[
        bool, typer.Option("--predicted", help="predict the candidates that were not evaluated from those that were")
    ] = False,
    smooth: Annotated[
        bool, typer.Option("--smooth", help="with --predicted: fitted values for the evaluated ones too")
    ] = False,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Write the leaderboard file from a run's results, complete and checked, or say what is missing."""
    from converters.submission import MEANING
    from converters.submission.runs import describe
    from toolkit.verbs.submission import submit as submit_results

    done = submit_results(
        run,
        candidates,
        out,
        score=score,
        checkpoint=checkpoint,
        norm=norm,
        images=images,
        ema=ema,
        by=by,
        race=race,
        predicted=predicted,
        smooth=smooth,
        overwrite=overwrite,
    )
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
    space: AnySpace = None,
    candidates: Annotated[Path | None, typer.Option(help="the candidates file it must agree with")] = None,
    kind: Annotated[Literal["auto", "candidates", "submission"], typer.Option(help="what it should be")] = "auto",
    as_json: AsJson = False,
) -> None:
    """List every problem of a candidates file or a submission. Exit status 1 if there are any."""
    from toolkit.verbs.submission import check as run_checks

    report = run_checks(file, space, candidates, kind)
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
    space: AnySpace = None,
    conflicts: Annotated[
        Literal["error", "window", "first", "last"],
        typer.Option(
            help="where parts contradict each other: refuse; set aside rows that lie outside their part's main window; "
            "or take the first or the last part's"
        ),
    ] = "error",
    allow_gaps: Annotated[bool, typer.Option(help="write placeholders where no part has a result")] = False,
    overwrite: Overwrite = False,
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
    from toolkit.verbs.submission import merge as merge_parts

    done = merge_parts(
        out,
        parts,
        candidates,
        space=space,
        conflicts=conflicts,
        allow_gaps=allow_gaps,
        unit=unit,
        score=score,
        repair_counts=repair_counts,
        overwrite=overwrite,
    )
    report = done.report
    if as_json:
        print_json(_merge_facts(report, done.candidates, done.written) | {"notes": done.notes})
    else:
        _print_parts(report.parts)
        print_notes(done.notes)
        print_problems(report.problems)
        if done.written:
            print_line(f"{out}: {len(report.accs):,} of {len(done.candidates):,} candidates have results")
    if report.problems:
        raise typer.Exit(1)


def blend(
    out: Annotated[Path, typer.Argument(help="the file to write")],
    scores: Annotated[list[Path], typer.Argument(help="two or more: submissions, or what `supernet prior` writes")],
    weights: Annotated[
        list[float] | None, typer.Option("--weight", help="of each file, in their order; default: all the same")
    ] = None,
    space: AnySpace = None,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Blend several rankings of the same candidates into one submission: each gets the mean of its ranks.

    For example two seeds and a prior: supernet blend submission.json seed-0.json seed-1.json zen.json
    """
    from toolkit.verbs.submission import blend as blend_scores

    report = blend_scores(out, scores, weights, space=space, overwrite=overwrite)
    if as_json:
        print_json(asdict(report))
        return
    print_line(f"{out}: {report.verdict}")
    print_line("acc is the mean of ranks, as shares: between 0 and 1, higher is better, no accuracy.")
    print_notes(report.notes)


def _merge_facts(report: "MergeReport", candidates: "Candidates", written: Path | None) -> dict[str, Any]:
    """All of a merge but the results themselves, for `--json`."""
    from toolkit.candidates import windows

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
    from toolkit.candidates import list_windows

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
