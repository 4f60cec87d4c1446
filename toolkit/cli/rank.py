"""`supernet rank` and `supernet budget`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from toolkit.cli.console import console, print_json
from toolkit.cli.options import AsJson
from toolkit.cli.progress import progress_bars

if TYPE_CHECKING:
    from toolkit.ranking.layout import Section
    from toolkit.ranking.report import RankReport

TABLES = "Tables (CSV, TSV, parquet, JSON)"
NOISE = "Noise"
OUTPUT = "Output"


def rank(
    scores: Annotated[Path, typer.Argument(help="a submission, any file of that format, a table, or a run folder")],
    truth: Annotated[
        Path | None, typer.Option(help="true accuracies of some of its networks, likewise; default: SCORES")
    ] = None,
    space: Annotated[
        str | None, typer.Option(help="the search space; default: the first that accepts the codes")
    ] = None,
    against: Annotated[
        list[Path] | None, typer.Option(help="other scores of the same networks: is SCORES better?")
    ] = None,
    score: Annotated[
        Literal["top1", "top5", "loss"] | None,
        typer.Option(help="what ranks the candidates of a run folder: loss often does it better \\[top1]"),
    ] = None,
    loss: Annotated[bool, typer.Option("--loss", help="scores are losses: less is better")] = False,
    code_column: Annotated[
        list[str] | None,
        typer.Option(help="what names a network; several are joined by colons \\[arch]", rich_help_panel=TABLES),
    ] = None,
    score_column: Annotated[
        list[str] | None,
        typer.Option(help="the score; further ones stand beside it \\[acc]", rich_help_panel=TABLES),
    ] = None,
    truth_column: Annotated[
        list[str] | None,
        typer.Option(help="the truth; several are trainings with other seeds \\[acc]", rich_help_panel=TABLES),
    ] = None,
    prior_column: Annotated[
        list[str] | None,
        typer.Option(help="what costs nothing, in the table of truths; any number", rich_help_panel=TABLES),
    ] = None,
    priors: Annotated[
        Path | None,
        typer.Option(help="what `supernet prior` filed; default: priors.sqlite beside SCORES or the truth"),
    ] = None,
    images: Annotated[
        int | None, typer.Option(min=1, help="images that each score was measured on", rich_help_panel=NOISE)
    ] = None,
    image_correlation: Annotated[
        float,
        typer.Option(
            min=0, max=0.999, help="how alike two networks err on an image; 0: each saw others", rich_help_panel=NOISE
        ),
    ] = 0.0,
    interval: Annotated[
        Literal["bca", "percentile"], typer.Option(help="how 95% intervals are made", rich_help_panel=NOISE)
    ] = "bca",
    resamples: Annotated[
        int, typer.Option(min=100, help="draws of networks that they rest on", rich_help_panel=NOISE)
    ] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="of these draws", rich_help_panel=NOISE)] = 0,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="write the report to this JSON file", rich_help_panel=OUTPUT)
    ] = None,
    html: Annotated[
        Path | None, typer.Option(help="write it with plots to this HTML file", rich_help_panel=OUTPUT)
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="replace files that are there already", rich_help_panel=OUTPUT)
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON", rich_help_panel=OUTPUT)] = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="print Markdown", rich_help_panel=OUTPUT)] = False,
) -> None:
    """How good a ranking is: correlations with the truth with 95% intervals, beside MACs, parameters and other priors.

    For example: supernet rank table.csv --score-column mine --truth-column seed0 --truth-column seed1
    """
    from toolkit.files import write_text
    from toolkit.ranking.files import CANDIDATES, Columns
    from toolkit.verbs.outputs import refuse_existing
    from toolkit.verbs.ranking import rank as rank_scores

    if as_json and as_markdown:
        raise typer.BadParameter("give one of --json and --markdown")
    if truth is None and not truth_column:
        raise typer.BadParameter("give --truth, or a --truth-column if SCORES is a table that holds the truth too")
    columns = Columns(
        tuple(code_column or CANDIDATES.code),
        tuple(score_column or CANDIDATES.score),
        tuple(truth_column or CANDIDATES.truth),
        tuple(prior_column or ()),
    )
    if scores.is_dir() and (truth is None or loss or score_column):
        raise typer.BadParameter("a run folder needs --truth; --score chooses among its results, no --loss, no column")
    if score and not scores.is_dir():
        raise typer.BadParameter("--score chooses among the results of a run folder; for a file of losses: --loss")
    refuse_existing(out, html, overwrite=overwrite)
    with progress_bars() as progress:
        found = rank_scores(
            scores,
            truth,
            space=space,
            against=against or (),
            score=score,
            loss=loss,
            columns=columns,
            priors=priors,
            images=images,
            image_correlation=image_correlation,
            interval=interval,
            resamples=resamples,
            seed=seed,
            progress=lambda done, total: progress("resampling", done, total),
        )
    report = found.report
    if out is not None:
        write_text(out, report.model_dump_json(indent=2) + "\n")  # ends of intervals may be infinite: null in JSON
    if html is not None:
        from toolkit.ranking.html import to_html

        pairs = found.compared.pairs
        write_text(html, to_html(report, pairs, {**found.compared.priors, **pairs.rivals}))
    if as_json:
        console.file.write(report.model_dump_json(indent=2) + "\n")
    elif as_markdown:
        from toolkit.ranking.markdown import to_markdown

        console.file.write(to_markdown(report))
    else:
        print_report(report)


def print_report(report: "RankReport") -> None:
    """The report for reading: the answer in words, what to know before believing it, the tables."""
    from rich.markup import escape

    from toolkit.ranking import words
    from toolkit.ranking.layout import sections

    console.print(f"[bold]{escape(report.summary)}[/]", soft_wrap=True)
    for note in report.notes:
        console.print(f"[yellow]![/] {escape(note)}", soft_wrap=True)
    for section in sections(report):
        console.print()
        print_section(section)
    console.print()
    for note in words.footnotes(report):
        console.print(f"[dim]{escape(note)}[/]", soft_wrap=True)


def print_section(section: "Section") -> None:
    """A titled table."""
    from rich.markup import escape
    from rich.table import Table

    console.print(f"[bold cyan]{escape(section.title)}[/]", soft_wrap=True)
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="dim")
    for number, cell in enumerate(section.heading):
        table.add_column(escape(cell), justify="right" if number else "left", overflow="fold")
    for row in section.rows:
        table.add_row(*map(escape, row))
    console.print(table)
    if section.note:
        console.print(f"[dim]{escape(section.note)}[/]", soft_wrap=True)


def budget(
    networks: Annotated[int | None, typer.Option(min=3, help="networks with a truth: how sure is tau then?")] = None,
    within: Annotated[float, typer.Option(min=0.001, max=0.5, help="how sure Kendall's tau is to be, +-")] = 0.01,
    accuracy: Annotated[float, typer.Option(min=0.01, max=0.99, help="a typical accuracy of the candidates")] = 0.7,
    spread: Annotated[
        float, typer.Option(min=1e-5, max=0.5, help="standard deviation of their true accuracies")
    ] = 0.012,
    image_correlation: Annotated[
        float, typer.Option(min=0, max=0.999, help="how alike two networks err on an image; 0: each saw others")
    ] = 0.0,
    as_json: AsJson = False,
) -> None:
    """How many stand-alone trainings, and how many validation images, it takes to know Kendall's tau to +-0.01.

    Before there are any results; `supernet rank` says the same from those at hand. The defaults fit the 2022 challenge.
    """
    from toolkit.verbs.planning import budget as plan_effort

    found = plan_effort(networks, within=within, accuracy=accuracy, spread=spread, image_correlation=image_correlation)
    if as_json:
        print_json(found.model_dump())
        return
    for section in found.sections():
        print_section(section)
