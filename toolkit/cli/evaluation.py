"""`supernet evaluate`, `status`."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.markup import escape

from toolkit.cli.console import console, print_json, print_line
from toolkit.cli.options import AsJson, CandidatesOfRun, Ema, Images, Memory, Norm, Ray, Run, Workers
from toolkit.cli.progress import progress_bars

if TYPE_CHECKING:
    from toolkit.evaluation.partly import Partly
    from toolkit.evaluation.race import Race


def evaluate(
    run: Run,
    candidates: CandidatesOfRun = None,
    checkpoint: Annotated[Path | None, typer.Option(help="default: the newest of the run")] = None,
    norm: Norm = "calibrate",
    images: Images = None,
    ema: Ema = False,
    workers: Workers = None,
    ray: Ray = None,
    memory: Memory = None,
    precision: Annotated[
        Literal["fp32", "tf32", "bf16"], typer.Option(help="of the arithmetic; docs/evaluation.md says what bf16 costs")
    ] = "fp32",
    race: Annotated[bool, typer.Option("--race", help="few images first, more where the order is uncertain")] = False,
    tolerance: Annotated[
        float, typer.Option(help="in a race: the share of others a candidate may be ranked wrongly against")
    ] = 0.05,
    part: Annotated[
        int | None,
        typer.Option("--evaluate", min=1, help="only so many candidates, spread over all; the others are predicted"),
    ] = None,
    until_tau: Annotated[
        float | None,
        typer.Option(help="go on in rounds until predictions agree so well with evaluated candidates held out"),
    ] = None,
    backend: Annotated[str | None, typer.Option(help="torch or paddle; default: the one it was trained with")] = None,
    by: Annotated[
        Literal["labels", "probe", "knn", "contrastive"],
        typer.Option(help="what judges: the classifier, or where there is none what docs/evaluation.md says"),
    ] = "labels",
) -> None:
    """Evaluate every candidate with the supernet's weights. Start it again to go on: nothing is done twice."""
    from toolkit.verbs.evaluation import evaluate as evaluate_run

    with progress_bars() as progress:
        found = evaluate_run(
            run,
            candidates,
            checkpoint=checkpoint,
            norm=norm,
            images=images,
            ema=ema,
            workers=workers,
            ray=ray,
            memory=memory,
            precision=precision,
            race=race,
            tolerance=tolerance,
            part=part,
            until_tau=until_tau,
            backend=backend,
            by=by,
            progress=progress,
            note=progress.say,
        )
    if found.race:
        _print_race(found.race)
    if found.partly:
        _print_rounds(found.partly)
    if done := found.done:
        rate = f" ({done.fresh / done.seconds:,.1f} per second)" if done.fresh else ""
        print_line(f"{done.total:,} candidates in {found.ledger}, {done.fresh:,} of them evaluated now{rate}")
    option = " --race" if found.race else " --predicted" if found.partly else ""
    option += f" --by {by}" if by != "labels" else ""
    print_line(f"Next: supernet submit {run} --candidates {found.candidates}{option} --out submission.json")


def _print_rounds(partly: "Partly") -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for heading in ("evaluated", "of all", "tau with held-out evaluated ones [95%]", "model", "s"):
        table.add_column(heading, justify="right")
    for each in partly.rounds:
        share = f"{100 * each.evaluated / partly.candidates:.1f}%"
        table.add_row(f"{each.evaluated:,}", share, str(each.agreement), each.model, f"{each.seconds:.1f}")
    console.print(table)


def _print_race(raced: "Race") -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for heading in ("images", "candidates", "expected Kendall tau with the full evaluation"):
        table.add_column(heading, justify="right")
    for each in raced.rounds:
        tau = f"{each.tau:.3f}" if each.tau == each.tau else ""
        table.add_row(f"{each.images:,}", f"{each.candidates:,}", tau)
    console.print(table)
    print_line(f"{100 * raced.spent:.0f}% of the images of a full evaluation passed through networks.")


def status(
    run: Run,
    as_json: AsJson = False,
) -> None:
    """What a run has done, and what is left."""
    from rich.table import Table

    from toolkit.verbs.evaluation import status as look_at

    found = look_at(run)
    folder, recipe = found.run, found.recipe
    if as_json:
        print_json(
            {
                "run": str(run),
                "space": recipe.space,
                "method": recipe.method.name,
                "step": found.step,
                "candidates": found.candidates,
                "ledger": [
                    asdict(holding.setting)
                    | {"results": holding.results, "of_candidates": done, "seconds": holding.seconds}
                    for holding, done in found.holdings
                ],
                "standalone": folder.standalone.exists(),
                "submission": folder.submission.exists(),
            }
        )
        return
    source = escape(recipe.data.source)
    console.print(f"[bold]{escape(folder.name)}[/]: {recipe.method.name} on {recipe.space}, {source}", soft_wrap=True)
    console.print(f"trained: {found.step:,} steps, {found.checkpoints} checkpoints kept")
    if not found.holdings:
        console.print(
            f"evaluated: nothing yet; supernet evaluate {run} --candidates FILE", markup=False, soft_wrap=True
        )
        return
    table = Table(
        "checkpoint", "batch norm", "images", "precision", "results", "of the candidates", "missing", box=None
    )
    for holding, done in found.holdings:
        setting = holding.setting
        table.add_row(
            escape(setting.checkpoint[:12] + ("" if setting.by == "labels" else f", {setting.by}")),
            escape(setting.norm),
            f"{setting.images:,}",
            escape(setting.precision),
            f"{holding.results:,}",
            f"{done:,} of {found.candidates:,}",
            f"{found.candidates - done:,}",
        )
    console.print(table)
