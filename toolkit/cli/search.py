"""`supernet search`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from toolkit.cli.console import console, print_json, print_line
from toolkit.cli.options import AsJson, Backend, Ema, Images, Memory, Norm, Overwrite, Ray, Run, Workers
from toolkit.cli.progress import progress_bars

LIMITS, WORK, SHOWN = "Limits", "Work", 10


def search(
    run: Run,
    by: Annotated[
        Literal["evolution", "policy", "local", "random", "pareto"],
        typer.Option(
            help="how: regularised evolution, a policy gradient, local search, random draws, or evolution "
            "along the Pareto front"
        ),
    ] = "evolution",
    judge: Annotated[
        Literal["supernet", "predictor", "stacked"],
        typer.Option(
            "--score",
            help="by what: the supernet's accuracy, a predictor of the labels, or one that knows "
            "the supernet's accuracy too",
        ),
    ] = "supernet",
    labels: Annotated[
        Path | None, typer.Option(help="accuracies of a few networks; default: RUN/standalone.json")
    ] = None,
    floor: Annotated[float | None, typer.Option(help="labels below this count as equal to it")] = None,
    evaluations: Annotated[int, typer.Option("--evaluations", "-n", min=1, help="networks to score")] = 500,
    together: Annotated[int, typer.Option(min=1, help="networks of a round, evaluated together")] = 32,
    max_macs: Annotated[float | None, typer.Option(help="most MACs", rich_help_panel=LIMITS)] = None,
    max_parameters: Annotated[float | None, typer.Option(help="most parameters", rich_help_panel=LIMITS)] = None,
    max_latency: Annotated[float | None, typer.Option(help="most latency", rich_help_panel=LIMITS)] = None,
    latency: Annotated[
        Path | None, typer.Option(help="table of latencies, CSV: code and a column per device", rich_help_panel=LIMITS)
    ] = None,
    latency_column: Annotated[str | None, typer.Option(help="the device's", rich_help_panel=LIMITS)] = None,
    cost: Annotated[
        Literal["macs", "parameters", "latency"], typer.Option(help="of the Pareto front", rich_help_panel=LIMITS)
    ] = "macs",
    start: Annotated[
        Literal["space", "policy"], typer.Option(help="draw by the space's law, or by the policy that the run learned")
    ] = "space",
    seed: Annotated[int, typer.Option(min=0, help="of all draws")] = 0,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="what was scored, best first; default: RUN/search.json")
    ] = None,
    overwrite: Overwrite = False,
    checkpoint: Annotated[
        Path | None, typer.Option(help="default: the newest of the run", rich_help_panel=WORK)
    ] = None,
    norm: Norm = "calibrate",
    images: Images = None,
    ema: Ema = False,
    workers: Workers = None,
    ray: Ray = None,
    memory: Memory = None,
    precision: Annotated[
        Literal["fp32", "tf32", "bf16"], typer.Option(help="of the arithmetic", rich_help_panel=WORK)
    ] = "fp32",
    backend: Backend = None,
    as_json: AsJson = False,
) -> None:
    """Search the space for the best networks, within limits; they need not stand in any file.

    Start it again to go on: the same seed goes the same way, and nothing is evaluated twice.
    """
    from toolkit.verbs.searching import Limits, search_run

    with progress_bars() as progress:
        found = search_run(
            run,
            by=by,
            judge=judge,
            labels=labels,
            floor=floor,
            evaluations=evaluations,
            together=together,
            limits=Limits(max_macs, max_parameters, max_latency, latency, latency_column),
            cost=cost,
            start=start,
            seed=seed,
            out=out,
            checkpoint=checkpoint,
            norm=norm,
            images=images,
            ema=ema,
            workers=workers,
            ray=ray,
            memory=memory,
            precision=precision,
            backend=backend,
            overwrite=overwrite,
            progress=progress,
            note=progress.note,
        )
    if as_json:
        best, score = next(iter(found.scores.items()))
        front = [{"code": code, "score": found.scores[code], cost: found.costs[code]} for code in found.front]
        print_json(
            {
                "scored": len(found.scores),
                "evaluated_now": found.fresh,
                "best": best,
                "score": score,
                "proposed": found.proposed,
                "front": front,
                "result": str(found.result),
                "policy": None if found.policy is None else str(found.policy),
            }
        )
        return
    _table("best", list(found.scores)[:SHOWN], found.scores, found.costs, cost)
    console.print()
    _table(f"Pareto front against {cost}", found.front[-SHOWN:], found.scores, found.costs, cost)
    print_line(f"{len(found.scores):,} networks scored, {found.fresh:,} of them evaluated now: {found.result}")
    if found.proposed is not None:
        print_line(f"The policy ({found.policy}) proposes {found.proposed}")
    print_line(f"Next: supernet standalone {run} --candidates {found.result} --choose first --count 5")


def _table(
    title: str, codes: Sequence[str], scores: Mapping[str, float], costs: Mapping[str, float], cost: str
) -> None:
    from rich.table import Table

    table = Table(box=None, header_style="dim", pad_edge=False)
    table.add_column(title, overflow="fold")
    table.add_column("score", justify="right")
    table.add_column(cost, justify="right")
    for code in codes:
        table.add_row(code, f"{scores[code]:.4f}", f"{costs[code]:,.6g}")
    console.print(table)
