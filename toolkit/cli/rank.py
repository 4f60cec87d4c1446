"""`supernet rank`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from toolkit.cli.console import console, print_json, progress_bars

if TYPE_CHECKING:
    from rich.table import Table

    from toolkit.ranking.report import RankReport


def rank(
    scores: Annotated[Path, typer.Argument(help="a submission, or any file of that format")],
    truth: Annotated[Path, typer.Option(help="true accuracies of some of its networks, in the same format")],
    space: Annotated[
        str | None, typer.Option(help="the search space; default: the first that accepts the codes")
    ] = None,
    resamples: Annotated[int, typer.Option(min=100, help="draws of networks that the intervals rest on")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="of these draws")] = 0,
    out: Annotated[Path | None, typer.Option(help="also write the report to this JSON file")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """How good a ranking is: correlations with the truth with 95% intervals, beside MACs and parameters."""
    from toolkit.files import write_json
    from toolkit.ranking.files import rank_files
    from toolkit.spaces import get_space

    chosen = None if space is None else get_space(space)
    with progress_bars() as progress:
        report = rank_files(
            scores,
            truth,
            chosen,
            resamples=resamples,
            seed=seed,
            progress=lambda done, total: progress("resampling", done, total),
        )
    if out is not None:
        write_json(out, report.model_dump())
    if as_json:
        print_json(report.model_dump())
        return
    print_report(report)


def print_report(report: "RankReport") -> None:
    """The report for reading: the answer in words, the table, the notes."""
    from rich.markup import escape

    console.print(f"{escape(report.summary)}\n", soft_wrap=True)
    console.print(_table(report))
    console.print(
        f"\n[dim]{report.networks:,} networks, {report.truth.distinct:,} different truths; "
        f"95% intervals from {report.resamples:,} draws of networks[/]",
        soft_wrap=True,
    )
    for note in report.notes:
        console.print(f"[yellow]![/] {escape(note)}", soft_wrap=True)


def _table(report: "RankReport") -> "Table":
    """The score and its priors side by side, a line per metric; then by how much the score is ahead of each prior."""
    from rich.table import Table

    from toolkit.ranking.metrics import METRICS

    table = Table(
        "", "[bold]score[/]", *(prior.name for prior in report.priors), box=None, padding=(0, 1, 0, 0), pad_edge=False
    )
    for key, metric in METRICS.items():
        score, *priors = (estimator.metrics[key].show() for estimator in (report.score, *report.priors))
        table.add_row(metric.label, f"[bold]{score}[/]", *priors)
    ties = (estimator.ties for estimator in (report.score, *report.priors))
    table.add_row("distinct", *(f"{tie.distinct:,}" for tie in ties))
    table.add_section()
    for key, metric in METRICS.items():
        table.add_row(metric.label, "[dim]ahead by[/]", *(prior.difference[key].show("+") for prior in report.priors))
    return table
