"""`supernet methods`, `train`, `standalone`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from toolkit.cli.console import print_line, print_listing
from toolkit.cli.options import AsJson, Backend, Changes, Ray, Workers
from toolkit.cli.progress import progress_bars

Choose = Literal["spread", "stratified", "sampled", "d-optimal", "first"]


def methods(as_json: AsJson = False) -> None:
    """List the training methods."""
    from toolkit.methods import METHODS

    print_listing(METHODS, as_json=as_json)


def train(
    recipe: Annotated[str | None, typer.Argument(help="a TOML file, or the name of a shipped recipe")] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="the run folder to make or to go on with")] = Path(
        "runs/run"
    ),
    changes: Changes = None,
    data: Annotated[str | None, typer.Option(help="short for --set data.source=...")] = None,
    space: Annotated[str | None, typer.Option(help="short for --set space=...")] = None,
    backend: Annotated[str | None, typer.Option(help="torch or paddle: short for --set backend=...")] = None,
    device: Annotated[str | None, typer.Option(help="short for --set device=...")] = None,
    resume: Annotated[bool, typer.Option(help="go on from the last checkpoint")] = False,
    skip_damaged: Annotated[
        bool,
        typer.Option(
            "--skip-damaged", help="with --resume: set damaged checkpoints aside and go on from the one before"
        ),
    ] = False,
    candidates: Annotated[
        Path | None, typer.Option(help="say first how far the paths drawn are from these candidates")
    ] = None,
    audit: Annotated[
        bool,
        typer.Option(
            help="instead, do a few steps in memory and report what they change, and why; with --resume, after the "
            "last checkpoint. Exit status 1 if something changed that should not have"
        ),
    ] = False,
    steps: Annotated[int, typer.Option(min=1, help="with --audit: how many")] = 8,
    as_json: Annotated[bool, typer.Option("--json", help="with --audit: print JSON")] = False,
) -> None:
    r"""Train a supernet: in one step or, where the recipe has `\[\[step]]` tables, in several.

    Under `torchrun` or `paddle.distributed.launch` it trains data-parallel.
    """
    from toolkit.cli.audit import audit_training
    from toolkit.cli.sampling import words
    from toolkit.runs.checkpoint import set_damaged_aside
    from toolkit.training.steps import only_trainer, prepare_pipeline
    from toolkit.verbs.recipes import compare_recipe
    from toolkit.verbs.training import open_recipe
    from toolkit.verbs.training import train as train_recipe

    short = {"data.source": data, "space": space, "backend": backend, "device": device}
    changes = [*(f"{key}={value}" for key, value in short.items() if value is not None), *(changes or [])]
    if recipe is None and (changes or not resume):
        raise typer.BadParameter("name a recipe; only --resume alone goes without, for the run holds its own")
    if skip_damaged and not resume:
        raise typer.BadParameter("--skip-damaged is for --resume; a new run has no checkpoints yet")
    if as_json and not audit:
        raise typer.BadParameter("--json is for --audit; what a training does is in OUT/metrics.jsonl")
    asked = None if recipe is None else open_recipe(recipe, changes)
    if resume and (audit or candidates is not None):
        asked = prepare_pipeline(asked, out, resume=True)
    if audit and asked is not None:
        audit_training(asked, out if resume else None, steps, as_json=as_json)
        return
    if skip_damaged:
        pipeline = prepare_pipeline(asked, out, resume=resume)
        with only_trainer(out):
            for path in (path for step in pipeline.steps for path in set_damaged_aside(step.run(out))):
                print_line(f"Damaged, and set aside: {path}")
    if candidates is not None and asked is not None:
        for step in asked.steps:
            title = f"{step.title}: " if asked.divided else ""
            print_line(title + words(compare_recipe(step.recipe, candidates)))
    with progress_bars() as progress:
        done = train_recipe(asked, out, resume=resume, progress=progress, note=progress.note)
    print_line(f"Trained: {done.checkpoint}\nNext: supernet evaluate {out} --candidates FILE")


def standalone(
    run: Annotated[Path, typer.Argument(help="a run folder: its recipe says how to train and on what")],
    candidates: Annotated[Path | None, typer.Option(help="candidates file; default: the run's")] = None,
    count: Annotated[
        int | None, typer.Option(min=1, help="how many of them; default: 12, or all of a file given")
    ] = None,
    choose: Annotated[
        Choose,
        typer.Option(
            help="which: spread evenly over the candidates' MACs, one drawn from each equal part of them, any, "
            "those that teach a predictor most, or the first of the file, which `supernet search` sorts"
        ),
    ] = "spread",
    draw_seed: Annotated[int, typer.Option(min=0, help="seed of that draw")] = 0,
    changes: Changes = None,
    seeds: Annotated[
        list[int] | None,
        typer.Option("--seed", min=0, max=2**63 - 1, help="of initial weights and order of images; repeat for several"),
    ] = None,
    workers: Workers = None,
    ray: Ray = None,
    backend: Backend = None,
    warm_start: Annotated[
        bool, typer.Option("--warm-start", help="begin with the weights of the supernet's newest checkpoint")
    ] = False,
) -> None:
    """Train candidates alone for ground truth, into RUN/standalone.json. Finished ones are kept and not done again.

    RUN/standalone.csv holds each seed for itself, and losses: labels for `supernet predict`.
    """
    from toolkit.verbs.training import standalone as train_alone

    changes = [*(changes or []), *([] if backend is None else [f"backend={backend}"])]
    with progress_bars() as progress:
        done = train_alone(
            run,
            candidates,
            count=count,
            choose=choose,
            draw_seed=draw_seed,
            changes=changes,
            seeds=seeds or [0],
            workers=workers,
            ray=ray,
            warm_start=warm_start,
            progress=progress,
        )
    times, truth = "", f"--truth {done.truth}"
    if len(done.seeds) > 1:
        times = f", {len(done.seeds)} times each"
        truth = f"--truth {done.by_seed} " + " ".join(f"--truth-column seed{seed}" for seed in done.seeds)
    print_line(f"{len(done.counts)} candidates trained alone{times}: {done.truth}")
    print_line(f"Next: supernet rank {run / 'submission.json'} {truth} --space {done.space}")
