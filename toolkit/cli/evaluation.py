"""`supernet evaluate`, `status`."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.markup import escape

from toolkit.cli.console import console, errors, print_json, progress_bars
from toolkit.cli.submission import print_line
from toolkit.errors import InputError

if TYPE_CHECKING:
    from toolkit.evaluation.candidates import Candidates
    from toolkit.evaluation.partly import Partly
    from toolkit.evaluation.race import Race
    from toolkit.runs.folder import RunFolder

Workers = Annotated[
    int | None, typer.Option(min=1, help="processes, one CPU thread each; default: this one, or all of the Ray cluster")
]
Ray = Annotated[str | None, typer.Option(help="do the work on a Ray cluster: its address, or local to start one here")]
Memory = Annotated[
    str | None,
    typer.Option(help="most that activations may take, in all processes together, on a cluster in each: 4GiB"),
]


def evaluate(
    run: Annotated[Path, typer.Argument(help="the run folder")],
    candidates: Annotated[Path | None, typer.Option(help="candidates file; default: the run's last one")] = None,
    checkpoint: Annotated[Path | None, typer.Option(help="default: the newest of the run")] = None,
    norm: Annotated[
        str, typer.Option(help="batch-norm statistics: stored, batch, calibrate or calibrate:N")
    ] = "calibrate",
    images: Annotated[int | None, typer.Option(min=1, help="validation images; default: all")] = None,
    ema: Annotated[bool, typer.Option(help="use the moving average of the weights")] = False,
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
) -> None:
    """Evaluate every candidate with the supernet's weights. Start it again to go on: nothing is done twice."""
    from toolkit.evaluation.candidates import read_candidates, write_candidates
    from toolkit.evaluation.evaluate import Job, evaluate_candidates
    from toolkit.evaluation.memory import parse_size
    from toolkit.evaluation.partly import evaluate_part
    from toolkit.evaluation.policy import NormPolicy
    from toolkit.evaluation.race import race as run_race
    from toolkit.runs.folder import RunFolder
    from toolkit.runs.recipe import read_recipe
    from toolkit.spaces import get_space

    predicting = part is not None or until_tau is not None
    if race and predicting:
        raise InputError("a race evaluates all candidates; leave out --race, or --evaluate and --until-tau")
    folder = RunFolder.open(run)
    space = get_space(read_recipe(folder.recipe).space)
    table = read_candidates(candidates or folder.candidates, space)
    job = Job(
        run,
        checkpoint or folder.latest_checkpoint(),
        NormPolicy.parse(norm),
        images,
        averaged=ema,
        threads=1 if ray or (workers or 1) > 1 else None,
        memory=None if memory is None else parse_size(memory) // (1 if ray else workers or 1),
        precision=precision,
        backend=backend,
    )
    if candidates is not None:
        _tell_change(folder, table)
        write_candidates(folder.candidates, table)
    with progress_bars() as progress:
        if race:
            raced = run_race(job, table, tolerance=tolerance, workers=workers, ray=ray, progress=progress)
        elif predicting:
            partly = evaluate_part(job, table, count=part, until=until_tau, workers=workers, ray=ray, progress=progress)
        else:
            done = evaluate_candidates(job, table, workers=workers, ray=ray, progress=progress)
    if race:
        _print_race(raced)
    elif predicting:
        _print_rounds(partly)
    else:
        rate = f" ({done.fresh / done.seconds:,.1f} per second)" if done.fresh else ""
        print_line(f"{done.total:,} candidates in {folder.ledger}, {done.fresh:,} of them evaluated now{rate}")
    option = " --race" if race else " --predicted" if predicting else ""
    print_line(
        f"Next: supernet submit {run} --candidates {candidates or folder.candidates}{option} --out submission.json"
    )


def _tell_change(folder: "RunFolder", table: "Candidates") -> None:
    """A note where other candidates were evaluated before: their results stay."""
    from toolkit.evaluation.candidates import read_table

    before = set(read_table(folder.candidates).codes.values()) if folder.candidates.exists() else set()
    now = set(table.values())
    if before and before != now:
        errors.print(
            f"Other candidates than before: {len(now - before):,} are new, {len(before - now):,} are gone. What was "
            f"evaluated stays in {escape(str(folder.ledger))}.",
            soft_wrap=True,
        )


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
    run: Annotated[Path, typer.Argument(help="the run folder")],
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """What a run has done, and what is left."""
    from rich.table import Table

    from toolkit.evaluation.candidates import read_candidates
    from toolkit.evaluation.ledger import Ledger
    from toolkit.runs.folder import RunFolder
    from toolkit.runs.recipe import read_recipe
    from toolkit.spaces import get_space

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
    table = Table(
        "checkpoint", "batch norm", "images", "precision", "results", "of the candidates", "missing", box=None
    )
    for holding, done in holdings:
        setting = holding.setting
        table.add_row(
            escape(setting.checkpoint[:12]),
            escape(setting.norm),
            f"{setting.images:,}",
            escape(setting.precision),
            f"{holding.results:,}",
            f"{done:,} of {len(codes):,}",
            f"{len(codes) - done:,}",
        )
    console.print(table)
