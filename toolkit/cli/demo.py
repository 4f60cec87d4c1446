"""`supernet demo`: the whole main job, by the very commands a user would type."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.markup import escape

from toolkit.cli import evaluation, rank, spaces, submission, training
from toolkit.cli.console import console

RECIPE = "demo"
SPACE = "resnet48-mini"


@dataclass(frozen=True, slots=True)
class Size:
    """How much is done: changes of the recipe, candidates to draw, and how many of them to train alone."""

    changes: tuple[str, ...]
    candidates: int
    alone: int


FULL = Size((), 45_000, 12)
QUICK = Size(("training.epochs=2", "training.warmup_epochs=1"), 300, 3)
PADDLE = Size(("training.epochs=20",), 2_000, 6)


def demo(
    out: Annotated[Path, typer.Option(help="the run folder")] = Path("runs/demo"),
    candidates: Annotated[Path | None, typer.Option(help="the official file, say; default: 45,000 are drawn")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="processes that evaluate; default: one per CPU")] = None,
    quick: Annotated[bool, typer.Option(help="a smoke test: few epochs and 300 candidates, not to be judged")] = False,
    backend: Annotated[
        Literal["torch", "paddle"], typer.Option(help="the framework; with paddle, slow on a CPU, the job is smaller")
    ] = "torch",
) -> None:
    """Train a supernet on embedded data, evaluate 45,000 candidates, write and check the submission, rank it.

    Started again on the same folder it goes on where it ended.
    """
    from toolkit.runs.folder import RunFolder

    run = RunFolder(out)
    workers = workers or os.cpu_count() or 1
    size = QUICK if quick else PADDLE if backend == "paddle" else FULL
    changes = [*size.changes, *(["backend=paddle"] if backend == "paddle" else [])]
    timings: dict[str, float] = {}

    def do(what: str, command: str, call: Callable[[], None]) -> None:
        console.print(f"\n[bold]{what}[/]\n[cyan]$ supernet {escape(command)}[/]", soft_wrap=True)
        start = time.perf_counter()
        call()
        timings[what] = time.perf_counter() - start

    if size is PADDLE:
        console.print(
            "On a CPU Paddle is several times slower than PyTorch, so this demo is smaller: 20 epochs instead of 40, "
            f"{PADDLE.candidates:,} candidates instead of {FULL.candidates:,}, {PADDLE.alone} of them trained alone "
            f"instead of {FULL.alone}.",
            soft_wrap=True,
        )
    resume = run.exists()
    setting = "".join(f" --set {change}" for change in changes)
    do(
        "Train a supernet",
        f"train {RECIPE}{setting} --out {out}{' --resume' if resume else ''}",
        lambda: training.train(RECIPE, out, changes=changes, resume=resume),
    )
    if candidates is None:
        candidates = run.candidates
        if not candidates.exists():
            do(
                "Draw candidates",
                f"candidates --space {SPACE} --count {size.candidates} --out {candidates}",
                lambda: spaces.candidates(SPACE, run.candidates, size.candidates),
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
    do(
        "Train a few candidates alone, for ground truth",
        f"standalone {out} --count {size.alone} --workers {workers}{setting}",
        lambda: training.standalone(out, count=size.alone, workers=workers, changes=changes),
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
