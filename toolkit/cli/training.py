"""`supernet methods`, `train`, `standalone`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from toolkit.cli.console import console, print_listing, progress_bars

Choose = Literal["spread", "stratified", "sampled", "d-optimal"]


def methods(as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False) -> None:
    """List the training methods."""
    from toolkit.methods import METHODS

    print_listing(METHODS, as_json=as_json)


def train(
    recipe: Annotated[str | None, typer.Argument(help="a TOML file, or the name of a shipped recipe")] = None,
    out: Annotated[Path, typer.Option(help="the run folder to make or to go on with")] = Path("runs/run"),
    changes: Annotated[list[str] | None, typer.Option("--set", help="key=value, such as training.epochs=5")] = None,
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
    """Train a supernet: in one step or, where the recipe has `[[step]]` tables, in several.

    Under `torchrun` or `paddle.distributed.launch` it trains data-parallel.
    """
    from toolkit.cli.audit import audit_training
    from toolkit.cli.sampling import compare_recipe, words
    from toolkit.runs.checkpoint import set_damaged_aside
    from toolkit.training.steps import only_trainer, prepare_pipeline, read_pipeline, train_pipeline

    short = {"data.source": data, "space": space, "backend": backend, "device": device}
    changes = [*(f"{key}={value}" for key, value in short.items() if value is not None), *(changes or [])]
    if recipe is None and (changes or not resume):
        raise typer.BadParameter("name a recipe; only --resume alone goes without, for the run holds its own")
    if skip_damaged and not resume:
        raise typer.BadParameter("--skip-damaged is for --resume; a new run has no checkpoints yet")
    if as_json and not audit:
        raise typer.BadParameter("--json is for --audit; what a training does is in OUT/metrics.jsonl")
    asked = None if recipe is None else read_pipeline(recipe, changes)
    if audit:
        audited = asked if asked is not None and not resume else prepare_pipeline(asked, out, resume=True)
        audit_training(audited, out if resume else None, steps, as_json=as_json)
        return
    pipeline = prepare_pipeline(asked, out, resume=resume)
    if skip_damaged:
        with only_trainer(out):
            for path in (path for step in pipeline.steps for path in set_damaged_aside(step.run(out))):
                console.print(f"Damaged, and set aside: {path}", markup=False, soft_wrap=True)
    if candidates is not None:
        for step in pipeline.steps:
            title = f"{step.title}: " if pipeline.divided else ""
            console.print(title + words(compare_recipe(step.recipe, candidates)), markup=False, soft_wrap=True)
    with progress_bars() as progress:
        checkpoint = train_pipeline(pipeline, out, progress, progress.note)
    console.print(
        f"Trained: {checkpoint}\nNext: supernet evaluate {out} --candidates FILE", markup=False, soft_wrap=True
    )


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
            "or those that teach a predictor most"
        ),
    ] = "spread",
    draw_seed: Annotated[int, typer.Option(min=0, help="seed of that draw")] = 0,
    changes: Annotated[list[str] | None, typer.Option("--set", help="such as training.epochs=30")] = None,
    seeds: Annotated[
        list[int] | None,
        typer.Option("--seed", min=0, max=2**63 - 1, help="of initial weights and order of images; repeat for several"),
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="processes; each takes one CPU thread if there are several")] = 1,
    backend: Annotated[str | None, typer.Option(help="torch or paddle; default: the run's")] = None,
    warm_start: Annotated[
        bool, typer.Option("--warm-start", help="begin with the weights of the supernet's newest checkpoint")
    ] = False,
) -> None:
    """Train candidates alone for ground truth, into RUN/standalone.json. Finished ones are kept and not done again.

    RUN/standalone.csv holds each seed for itself, and losses: labels for `supernet predict`.
    """
    from toolkit.evaluation.candidates import read_candidates
    from toolkit.runs.folder import RunFolder
    from toolkit.runs.recipe import read_recipe
    from toolkit.spaces import get_space
    from toolkit.training.selection import SELECTIONS
    from toolkit.training.standalone import train_candidates_alone

    folder = RunFolder.open(run)
    recipe = read_recipe(folder.recipe, [*(changes or []), *([] if backend is None else [f"backend={backend}"])])
    space = get_space(recipe.space)
    table = read_candidates(candidates or folder.candidates, space)
    count = count or (12 if candidates is None else len(table))
    chosen = SELECTIONS[choose](space, table, count, draw_seed)
    seeds = list(dict.fromkeys(seeds or [0]))
    with progress_bars() as progress:
        warm = folder.latest_checkpoint() if warm_start else None
        train_candidates_alone(recipe, folder, chosen, seeds=seeds, workers=workers, warm=warm, progress=progress)
    times = "" if len(seeds) == 1 else f", {len(seeds)} times each"
    truth = f"--truth {folder.standalone}"
    if len(seeds) > 1:
        truth = f"--truth {folder.standalone_seeds} " + " ".join(f"--truth-column seed{seed}" for seed in seeds)
    console.print(
        f"{len(chosen)} candidates trained alone{times}: {folder.standalone}\n"
        f"Next: supernet rank {folder.submission} {truth} --space {space.name}",
        markup=False,
        soft_wrap=True,
    )
