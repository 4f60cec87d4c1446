"""`supernet sweep`, `split-test`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from toolkit.cli.console import console, print_json
from toolkit.cli.options import AsJson, AsMarkdown, Ray, Workers
from toolkit.cli.progress import progress_bars

if TYPE_CHECKING:
    from toolkit.sweeps.report import SweepReport


def sweep(
    file: Annotated[Path, typer.Argument(metavar="SWEEP.toml", help="the sweep: docs/sweeps.md says what it holds")],
    out: Annotated[Path, typer.Option("--out", "-o", help="the folder of its runs and of sweep.json")] = Path(
        "runs/sweep"
    ),
    workers: Workers = None,
    ray: Ray = None,
    as_json: AsJson = False,
    as_markdown: AsMarkdown = False,
) -> None:
    """Compare recipes: train each with several seeds, evaluate all on the same candidates, rank them side by side.

    Start it again to go on: finished runs are not done again. Watch it on the dashboard's page Sweeps.
    """
    from toolkit.verbs.sweeps import sweep as run_sweep

    _one_of(as_json, as_markdown)
    with progress_bars() as progress:
        report = run_sweep(file, out, workers=workers, ray=ray, progress=progress, note=progress.note)
    _print(report, out, as_json, as_markdown)


def _one_of(as_json: bool, as_markdown: bool) -> None:
    if as_json and as_markdown:
        raise typer.BadParameter("give one of --json and --markdown")


def _print(report: "SweepReport", out: Path, as_json: bool, as_markdown: bool) -> None:
    """The report; raises InputError, why runs failed, after it."""
    from rich.markup import escape

    from toolkit.cli.rank import print_section
    from toolkit.errors import InputError
    from toolkit.ranking.markdown import section_markdown
    from toolkit.sweeps import words
    from toolkit.sweeps.report import REPORT, sections

    if as_json:
        print_json(report.model_dump())
    elif as_markdown:
        parts = [*(f"**{line}**" for line in words.lines(report)), *(f"> {note}" for note in words.notes(report))]
        parts += map(section_markdown, sections(report))
        console.file.write("\n\n".join(parts) + "\n")
    else:
        for line in words.lines(report):
            console.print(f"[bold]{escape(line)}[/]", soft_wrap=True)
        for remark in words.notes(report):
            console.print(f"[yellow]![/] {escape(remark)}", soft_wrap=True)
        for section in sections(report):
            console.print()
            print_section(section)
        console.print(f"\nThe report: {out / REPORT}; the runs: supernet app {out}", markup=False, soft_wrap=True)
    if problems := report.problems():
        raise InputError(problems)


def split_test(
    run: Annotated[Path, typer.Argument(help="a trained run; it is probed unless it was")],
    out: Annotated[Path, typer.Option("--out", "-o", help="the folder of the sweep")] = Path("runs/split-test"),
    truth: Annotated[Path | None, typer.Option(help="true accuracies; default: the run's standalone.json")] = None,
    candidates: Annotated[Path | None, typer.Option(help="what is evaluated; default: the networks of TRUTH")] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="further training of every variant [1]")] = None,
    seeds: Annotated[
        list[int] | None, typer.Option("--seed", min=0, help="of that training; repeat for several [0 1]")
    ] = None,
    norm: Annotated[
        str | None, typer.Option(help="batch-norm statistics, as for `supernet evaluate` [calibrate]")
    ] = None,
    images: Annotated[int | None, typer.Option(min=1, help="validation images; default: all")] = None,
    workers: Workers = None,
    ray: Ray = None,
    as_json: AsJson = False,
    as_markdown: AsMarkdown = False,
) -> None:
    """Does splitting help? No split, the suggested one, a random one and the least promising, on equal budgets.

    Start it again to go on: OUT/sweep.toml holds the experiment, and `supernet sweep` takes it too.
    """
    from toolkit.verbs.sweeps import split_test as run_split_test

    _one_of(as_json, as_markdown)
    with progress_bars() as progress:
        report = run_split_test(
            run,
            out,
            truth=truth,
            candidates=candidates,
            epochs=epochs,
            seeds=seeds,
            norm=norm,
            images=images,
            workers=workers,
            ray=ray,
            progress=progress,
            note=progress.note,
        )
    _print(report, out, as_json, as_markdown)
