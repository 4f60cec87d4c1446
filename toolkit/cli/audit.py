"""How `supernet train --audit` shows what it found."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.markup import escape
from rich.table import Table

from toolkit.cli.console import console, print_json
from toolkit.cli.progress import progress_bars

if TYPE_CHECKING:
    from toolkit.audit.moves import Cause
    from toolkit.audit.report import Report
    from toolkit.training.steps import Pipeline

_HEADINGS: "dict[Cause | None, str]" = {
    "gradient": "gradient",
    "momentum": "momentum",
    "decay": "decay",
    "forward": "statistics",
    "unknown": "unknown",
    None: "unmoved",
}


def audit_training(pipeline: "Pipeline", out: Path | None, steps: int, *, as_json: bool) -> None:
    """Audit a recipe, or the run in `out`, and print what was found; violations end the command with status 1."""
    from toolkit.audit.audit import audit_pipeline

    with progress_bars() as progress:
        reports = audit_pipeline(pipeline, out, steps, progress)
    if as_json:
        print_json({title: report.plain() for title, report in reports.items()})
    else:
        for title, report in reports.items():
            if len(reports) > 1:
                console.print(f"[bold]{escape(title)}[/]")
            _show(report)
    if any(report.violations for report in reports.values()):
        raise typer.Exit(1)


def _show(report: "Report") -> None:
    """What moved the tensors of each block, and step by step; what is as declared, and what is not."""
    console.print(_by_block(report), "", _by_step(report), "")
    for fact in report.facts():
        console.print(escape(fact), soft_wrap=True)
    for each in report.violations:
        console.print(f"[bold red]✗[/] {escape(each.words)} Remedy: {escape(each.remedy)}.", soft_wrap=True)
    if not report.violations:
        console.print("[bold green]✓[/] Nothing changed that should not have.")


def _by_block(report: "Report") -> Table:
    table = Table(
        "block", "tensors", *_HEADINGS.values(), box=None, title="Tensors by the strongest cause that moved them"
    )
    wrong = {name for each in report.violations for name in each.tensors}
    blocks: dict[str, list[str]] = {}
    for name in report.sizes:
        blocks.setdefault(name.split(".")[1], []).append(name)
    for block, names in blocks.items():
        kinds = [report.kinds[name] for name in names]
        mark = " [bold red]✗[/]" if wrong & {*names} else ""
        table.add_row(f"{block}{mark}", str(len(names)), *(_number(kinds.count(cause)) for cause in _HEADINGS))
    return table


def _by_step(report: "Report") -> Table:
    headings = [heading for cause, heading in _HEADINGS.items() if cause is not None]
    table = Table(
        "step",
        "passes",
        "updates",
        *headings,
        "teacher",
        box=None,
        title="Tensors with numbers moved by each cause, step by step",
    )
    for step in report.steps:
        moved = [len({m.tensor for m in step.notes.moves if m.cause == cause}) for cause in _HEADINGS if cause]
        drift = "" if step.drift is None else f"{step.drift.by_batch:.1e}"
        notes = step.notes
        table.add_row(str(step.step), str(len(notes.passes)), str(notes.updates), *map(_number, moved), drift)
    return table


def _number(count: int) -> str:
    return str(count) if count else "[dim]·[/]"
