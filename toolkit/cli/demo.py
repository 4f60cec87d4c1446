"""`supernet demo`: the whole main job, by the very commands a user would type."""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.markup import escape

from toolkit.cli import evaluation, probe, rank, spaces, submission, training, truths
from toolkit.cli.console import console

if TYPE_CHECKING:
    from toolkit.runs.folder import RunFolder

RECIPE = "demo"
SPACE = "resnet48-tiny"
TRUTH = "turned-digits"
IMAGES = 256
"""Validation images that candidates are tested on. Judged by the loss, few of them are equal all the same."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much is done: changes of the recipe, candidates to draw, and whether interference is probed.

    The truth's networks are the first candidates.
    """

    changes: tuple[str, ...]
    candidates: int
    probed: bool = True


FULL = Size((), 45_000)
QUICK = Size(("training.epochs=2",), 300, probed=False)
PADDLE = Size((), 2_000)

TAKEN = 10
"""Networks put first that one would look at."""

MEASURE = "gradient_cosine"
ALONE = 12
"""How many are trained alone where candidates are the user's own, so that the shipped truth is of none of them."""


def demo(
    out: Annotated[Path, typer.Option(help="the run folder")] = Path("runs/demo"),
    candidates: Annotated[Path | None, typer.Option(help="the official file, say; default: 45,000 are drawn")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="processes that evaluate; default: one per CPU")] = None,
    quick: Annotated[bool, typer.Option(help="a smoke test: few epochs and 300 candidates, not to be judged")] = False,
    backend: Annotated[
        Literal["torch", "paddle"], typer.Option(help="the framework; with paddle, slow on a CPU, the job is smaller")
    ] = "torch",
    alone: Annotated[
        int | None,
        typer.Option(min=3, help="train so many candidates alone too; default: none, or 12 of candidates of your own"),
    ] = None,
) -> None:
    """Train a supernet on embedded data, evaluate 45,000 candidates, write and check the submission, rank it.

    It is ranked against a truth that ships with the toolkit: some of the candidates, each trained alone several times.
    Started again on the same folder it goes on where it ended.
    """
    from toolkit.runs.folder import RunFolder
    from toolkit.truths import read

    run = RunFolder(out)
    own = candidates is not None
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
            "On a CPU Paddle is several times slower than PyTorch, so this demo is smaller: "
            f"{PADDLE.candidates:,} candidates instead of {FULL.candidates:,}.",
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
        f"evaluate {out} --candidates {candidates} --images {IMAGES} --workers {workers}",
        lambda: evaluation.evaluate(out, candidates, images=IMAGES, workers=workers),
    )
    do(
        "Write the submission",
        f"submit {out} --candidates {candidates} --out {run.submission} --score loss",
        lambda: submission.submit(out, candidates, run.submission, "loss"),
    )
    do(
        "Check it",
        f"check {run.submission} --space {SPACE} --candidates {candidates}",
        lambda: submission.check(run.submission, SPACE, candidates),
    )
    if alone is not None or own:
        count = alone or ALONE
        do(
            "Train a few candidates alone",
            f"standalone {out} --candidates {candidates} --choose spread --count {count} --workers {workers}{setting}",
            lambda: training.standalone(
                out, candidates, count=count, choose="spread", workers=workers, changes=changes
            ),
        )
    if own:
        do(
            "Rank the supernet against them",
            f"rank {run.submission} --truth {run.standalone} --space {SPACE} --out {run.rank}",
            lambda: rank.rank(run.submission, run.standalone, SPACE, out=run.rank),
        )
    else:
        truth = out / "truth.json"
        do(
            "Take the truth: some of them, trained alone",
            f"truth {TRUTH} --out {truth} --overwrite",
            lambda: truths.truth(TRUTH, truth, overwrite=True),
        )
        table, seeds = truth.with_suffix(".csv"), read(TRUTH).seeds
        columns = " ".join(f"--truth-column {seed}" for seed in seeds)
        do(
            "Rank the supernet against it",
            f"rank {run.submission} --truth {table} {columns} --space {SPACE} --out {run.rank}",
            lambda: rank.rank(run.submission, table, SPACE, truth_column=list(seeds), out=run.rank),
        )
    if size.probed:
        do(
            "See where sharing hurts",
            f"probe {out} --paths 4 --batches 2 --measures {MEASURE}",
            lambda: probe.probe(out, paths=4, batches=2, measures=MEASURE),
        )
    console.print("\n[bold]Done[/]")
    for what, seconds in timings.items():
        console.print(f"  {seconds:7.1f} s  {what}")
    console.print(f"  {sum(timings.values()):7.1f} s  in all")
    for line in _answer(run):
        console.print(f"\n{escape(line)}", soft_wrap=True)
    dashboard = f"[cyan]supernet app {escape(str(out.parent))}[/]"
    console.print(f"\nOpen the dashboard: {dashboard} (in this environment), or make app", soft_wrap=True)


def _answer(run: "RunFolder") -> Iterator[str]:
    """What came out, in words: how well it ranks, what taking its first ten would cost, where it is wrong."""
    from app.views.verdict import where_it_sits
    from toolkit.files import read_bytes
    from toolkit.interference.table import read_interference
    from toolkit.ranking.report import RankReport
    from toolkit.spaces import get_space

    report = RankReport.model_validate_json(read_bytes(run.rank))
    yield report.summary
    if picks := [pick for pick in report.score.picks if pick.size <= TAKEN]:
        best = picks[-1]
        yield (
            f"Of the {best.size} networks that it puts first the best is truly number {best.best_rank} of "
            f"{report.networks:,}, {100 * best.regret:.1f} points below the best of all."
        )
    measured = run.interference.is_file()
    if measured and (where := where_it_sits(get_space(SPACE), read_interference(run.interference))):
        yield f"Where sharing hurts: {where}"
