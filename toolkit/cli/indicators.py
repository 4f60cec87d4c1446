"""`supernet indicator`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from toolkit.cli.console import console, print_json, print_line
from toolkit.cli.options import AsJson, CandidatesOfRun, Overwrite, Run


def indicator(
    run: Run,
    candidates: CandidatesOfRun = None,
    truth: Annotated[
        Path | None, typer.Option(help="true accuracies: how well every checkpoint that is kept agrees with them")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="write the candidates' scores")] = None,
    standardise: Annotated[
        bool, typer.Option("--standardise", help="z-scores over the options of each decision")
    ] = False,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Rank by the scales of each option's last batch norm, as BN-NAS does: a look-up, no image is seen."""
    from rich.table import Table

    from toolkit.verbs.indicators import indicator as look_up

    found = look_up(run, candidates, truth=truth, out=out, standardise=standardise, overwrite=overwrite)
    if as_json:
        print_json(
            {
                "table": {
                    decision.name: dict(zip(map(str, decision.options), row, strict=True))
                    for decision, row in zip(found.space.decisions, found.table, strict=True)
                },
                "scores": found.scores,
                "agreement": {str(step): report.summary for step, report in found.reports.items()},
                "undefined": list(found.undefined),
            }
        )
        return
    table = Table("decision", "option: mean scale of its last batch norm", box=None)
    for decision, row in zip(found.space.decisions, found.table, strict=True):
        told = ", ".join(f"{option}: {value:.4f}" for option, value in zip(decision.options, row, strict=True))
        table.add_row(escape(decision.name), escape(told))
    console.print(table)
    for step, report in found.reports.items():
        print_line(f"step {step:,}: {report.summary}")
    for step in found.undefined:
        print_line(f"step {step:,}: all candidates score alike")
    if found.written is not None:
        print_line(f"{len(found.scores):,} candidates in {found.written}")
