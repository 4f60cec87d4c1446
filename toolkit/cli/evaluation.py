"""`supernet evaluate`, `status`."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from toolkit.cli.console import console, print_json, progress_bars


def evaluate(
    run: Annotated[Path, typer.Argument(help="the run folder")],
    candidates: Annotated[Path | None, typer.Option(help="candidates file; default: the run's last one")] = None,
    checkpoint: Annotated[Path | None, typer.Option(help="default: the newest of the run")] = None,
    norm: Annotated[
        str, typer.Option(help="batch-norm statistics: stored, batch, calibrate or calibrate:N")
    ] = "calibrate",
    images: Annotated[int | None, typer.Option(min=1, help="validation images; default: all")] = None,
    ema: Annotated[bool, typer.Option(help="use the moving average of the weights")] = False,
    workers: Annotated[int, typer.Option(min=1, help="processes; each takes one CPU thread if there are several")] = 1,
) -> None:
    """Evaluate every candidate with the supernet's weights. Start it again to go on: nothing is done twice."""
    from toolkit.evaluation.candidates import read_candidates, write_candidates
    from toolkit.evaluation.evaluate import Job, evaluate_candidates
    from toolkit.evaluation.policy import NormPolicy
    from toolkit.spaces import get_space
    from toolkit.training.recipe import read_recipe
    from toolkit.training.run import RunFolder

    folder = RunFolder.open(run)
    table = read_candidates(candidates or folder.candidates, get_space(read_recipe(folder.recipe).space))
    threads = 1 if workers > 1 else None
    job = Job(run, checkpoint or folder.latest_checkpoint(), NormPolicy.parse(norm), images, ema, threads)
    if candidates is not None:
        write_candidates(folder.candidates, table)
    with progress_bars() as progress:
        done = evaluate_candidates(job, table, workers=workers, progress=progress)
    rate = f" ({done.fresh / done.seconds:,.1f} per second)" if done.fresh else ""
    console.print(
        f"{done.total:,} candidates in {folder.ledger}, {done.fresh:,} of them evaluated now{rate}\n"
        f"Next: supernet submit {run} --candidates {candidates or folder.candidates} --out submission.json",
        markup=False,
        soft_wrap=True,
    )


def status(
    run: Annotated[Path, typer.Argument(help="the run folder")],
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """What a run has done, and what is left."""
    from rich.markup import escape
    from rich.table import Table

    from toolkit.evaluation.candidates import read_candidates
    from toolkit.evaluation.ledger import Ledger
    from toolkit.spaces import get_space
    from toolkit.training.recipe import read_recipe
    from toolkit.training.run import RunFolder

    folder = RunFolder.open(run)
    recipe = read_recipe(folder.recipe)
    checkpoints = folder.checkpoints()
    codes: set[str] = set()
    if folder.candidates.exists():
        codes = set(read_candidates(folder.candidates, get_space(recipe.space)).values())
    holdings = []
    if folder.ledger.exists():
        with Ledger.read(folder.ledger) as ledger:
            holdings = [(holding, len(codes & ledger.done(holding.setting))) for holding in ledger.settings()]
    if as_json:
        print_json(
            {
                "run": str(run),
                "space": recipe.space,
                "method": recipe.method.name,
                "step": max(checkpoints, default=0),
                "candidates": len(codes),
                "ledger": [
                    asdict(holding.setting)
                    | {"results": holding.results, "of_candidates": done, "seconds": holding.seconds}
                    for holding, done in holdings
                ],
                "standalone": folder.standalone.exists(),
                "submission": folder.submission.exists(),
            }
        )
        return
    source = escape(recipe.data.source)
    console.print(f"[bold]{escape(folder.name)}[/]: {recipe.method.name} on {recipe.space}, {source}", soft_wrap=True)
    console.print(f"trained: {max(checkpoints, default=0):,} steps, {len(checkpoints)} checkpoints kept")
    if not holdings:
        console.print(
            f"evaluated: nothing yet; supernet evaluate {run} --candidates FILE", markup=False, soft_wrap=True
        )
        return
    table = Table("checkpoint", "batch norm", "images", "results", "of the candidates", "missing", box=None)
    for holding, done in holdings:
        setting = holding.setting
        table.add_row(
            escape(setting.checkpoint[:12]),
            escape(setting.norm),
            f"{setting.images:,}",
            f"{holding.results:,}",
            f"{done:,} of {len(codes):,}",
            f"{len(codes) - done:,}",
        )
    console.print(table)
