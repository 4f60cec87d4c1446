"""`supernet table`: results of other teams, from any shape into any other."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from toolkit.cli.console import print_json, print_line, print_notes, print_problems
from toolkit.cli.options import AnySpace, AsJson, Overwrite

if TYPE_CHECKING:
    from converters.tables import Results

Unit = Literal["fraction", "percent"]


def table(
    files: Annotated[list[Path], typer.Argument(help="results in any shape; a run's ledger.sqlite too")],
    candidates: Annotated[Path | None, typer.Option(help="candidates file: which ids the codes have")] = None,
    space: AnySpace = None,
    to: Annotated[
        Literal["official", "arc", "inverted", "by-code", "lines", "id-lines"], typer.Option(help="the shape to write")
    ] = "official",
    out: Annotated[
        Path | None, typer.Option(help="the file to write; without it, only say what was recognised")
    ] = None,
    read_as: Annotated[
        Unit | None, typer.Option(help="what the values are; default: percent if any is above 1")
    ] = None,
    unit: Annotated[Unit | None, typer.Option(help="what to write; default: what was read")] = None,
    score: Annotated[Literal["top1", "top5"], typer.Option(help="the column to write where only one fits")] = "top1",
    repair_counts: Annotated[
        bool, typer.Option(help="make values equal again that count equally many images but were rounded differently")
    ] = False,
    from_zero: Annotated[bool, typer.Option(help="write ids that count from 0")] = False,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Say in which shape files hold results, and write them in another; what that loses is named."""
    from toolkit.verbs.tables import table as convert

    found = convert(
        files,
        out,
        candidates=candidates,
        space=space,
        to=to,
        read_as=read_as,
        unit=unit,
        score=score,
        repair_counts=repair_counts,
        from_zero=from_zero,
        overwrite=overwrite,
    )
    if as_json:
        written = str(found.written) if found.written else None
        print_json({"files": list(map(_facts, found.read)), "written": written, "shape": to, "lost": found.lost})
    else:
        _print(found.read)
        print_notes(found.lost)
        if found.written:
            print_line(f"{found.written}: {len(found.read[0].rows):,} rows in the shape {to}")
    if not found.whole:
        raise typer.Exit(1)


def _print(done: "Sequence[Results]") -> None:
    for results in done:
        if results.shape:
            print_line(f"{results.path}: {_describe(results)}")
        print_notes(results.notes)
        print_problems(results.problems)


def _describe(results: "Results") -> str:
    """What was recognised."""
    from converters.tables import SHAPES, WORDS

    filled = sum(row.top1 != 0 for row in results.rows)
    if not results.rows:
        return f"shape {results.shape}, {SHAPES[results.shape or ''].example}; no row could be read"
    text = f"shape {results.shape}, {SHAPES[results.shape or ''].example}; {len(results.rows):,} rows, "
    if results.unit is None:
        return text + "all placeholders"
    return f"{text}{filled:,} results in {WORDS[results.unit]}{', with top-5' if results.has_top5 else ''}"


def _facts(results: "Results") -> dict[str, Any]:
    """What was recognised, for `--json`."""
    return {
        "path": str(results.path),
        "shape": results.shape,
        "rows": len(results.rows),
        "results": sum(row.top1 != 0 for row in results.rows),
        "unit": results.unit,
        "top5": results.has_top5,
        "problems": results.problems,
        "notes": results.notes,
    }
