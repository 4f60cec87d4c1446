"""`supernet demo`: the whole main job, by the very commands a user would type."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from toolkit.cli import evaluation, rank, spaces, submission, training
from toolkit.cli.console import console

RECIPE = "demo"
SPACE = "resnet48-mini"


def demo(
    out: Annotated[Path, typer.Option(help="the run folder")] = Path("runs/demo"),
    candidates: Annotated[Path | None, typer.Option(help="the official file, say; default: 45,000 are drawn")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="processes that evaluate; default: one per CPU")] = None,
    quick: Annotated[bool, typer.Option(help="a smoke test: few epochs and 300 candidates, not to be judged")] = False,
) -> None:
    """Train a supernet on embedded data, evaluate 45,000 candidates, write and check the submission, rank it.

    Started again on the same folder it goes on where it ended.
    """
    from toolkit.training.run import RunFolder

    run = RunFolder(out)
    workers = workers or os.cpu_count() or 1
    changes = ["training.epochs=2", "training.warmup_epochs=1"] if quick else []
    timings: dict[str, float] = {}

    def do(what: str, command: str, call: Callable[[], None]) -> None:
        console.print(f"\n[bold]{what}[/]\n[cyan]$ supernet {escape(command)}[/]", soft_wrap=True)
        start = time.perf_counter()
        call()
        timings[what] = time.perf_counter() - start

    resume = run.exists()
    setting = "".join(f" --set {change}" for change in changes)
    do(
        "Train a supernet",
        f"train {RECIPE}{setting} --out {out}{' --resume' if resume else ''}",
        lambda: training.train(RECIPE, out, changes=changes, resume=resume),
    )
    if candidates is None:
        candidates, count = run.candidates, 300 if quick else 45_000
        if not candidates.exists():
            do(
                "Draw candidates",
                f"candidates --space {SPACE} --count {count} --out {candidates}",
                lambda: spaces.candidates(SPACE, run.candidates, count),
            )
    do(
        "Evaluate them all",
        f"evaluate {out} --candidates {candidates} --workers {workers}",
        lambda: evaluation.evaluate(out, candidates, workers=workers),
    )
    do(
        "Write the submission",
        f"submit {out} --candidates {candidates} --out {run.submission}",
        lambda: submission.submit(out, candidates, run.submission),
    )
    do(
        "Check it",
        f"check {run.submission} --space {SPACE} --candidates {candidates}",
        lambda: submission.check(run.submission, SPACE, candidates),
    )
    alone = 3 if quick else 12
    do(
        "Train a few candidates alone, for ground truth",
        f"standalone {out} --count {alone}{setting}",
        lambda: training.standalone(out, count=alone, changes=changes),
    )
    do(
        "Rank the supernet against them",
        f"rank {run.submission} --truth {run.standalone} --space {SPACE} --out {run.rank}",
        lambda: rank.rank(run.submission, run.standalone, SPACE, out=run.rank),
    )
    console.print("\n[bold]Done[/]")
    for what, seconds in timings.items():
        console.print(f"  {seconds:7.1f} s  {what}")
    console.print(f"  {sum(timings.values()):7.1f} s  in all")
    dashboard = f"[cyan]supernet app {escape(str(out.parent))}[/]"
    console.print(f"\nOpen the dashboard: {dashboard} (in this environment), or make app", soft_wrap=True)
