"""`supernet methods`, `train`, `standalone`."""

from pathlib import Path
from typing import Annotated

import typer

from toolkit.cli.console import console, print_json, progress_bars


def methods(as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False) -> None:
    """List the training methods."""
    from toolkit.methods import METHODS

    if as_json:
        print_json(
            {
                name: {"summary": m.summary, "options": m.options_type.model_json_schema()["properties"]}
                for name, m in METHODS.items()
            }
        )
        return
    for name, method in METHODS.items():
        console.print(f"[bold]{name:12}[/] {method.summary}", soft_wrap=True)


def train(
    recipe: Annotated[str | None, typer.Argument(help="a TOML file, or the name of a shipped recipe")] = None,
    out: Annotated[Path, typer.Option(help="the run folder to make or to go on with")] = Path("runs/run"),
    changes: Annotated[list[str] | None, typer.Option("--set", help="key=value, such as training.epochs=5")] = None,
    data: Annotated[str | None, typer.Option(help="short for --set data.source=...")] = None,
    space: Annotated[str | None, typer.Option(help="short for --set space=...")] = None,
    device: Annotated[str | None, typer.Option(help="short for --set device=...")] = None,
    resume: Annotated[bool, typer.Option(help="go on from the last checkpoint")] = False,
) -> None:
    """Train a supernet. Under `torchrun` it trains data-parallel."""
    from toolkit.training.recipe import read_recipe
    from toolkit.training.trainer import prepare_run
    from toolkit.training.trainer import train as train_supernet

    short = {"data.source": data, "space": space, "device": device}
    changes = [*(f"{key}={value}" for key, value in short.items() if value is not None), *(changes or [])]
    if recipe is None and (changes or not resume):
        raise typer.BadParameter("name a recipe; only --resume alone goes without, for the run holds its own")
    asked = None if recipe is None else read_recipe(recipe, changes)
    kept, run = prepare_run(asked, out, resume=resume)
    with progress_bars() as progress:
        checkpoint = train_supernet(kept, run, progress, progress.note)
    console.print(
        f"Trained: {checkpoint}\nNext: supernet evaluate {out} --candidates FILE", markup=False, soft_wrap=True
    )


def standalone(
    run: Annotated[Path, typer.Argument(help="a run folder: its recipe says how to train and on what")],
    candidates: Annotated[Path | None, typer.Option(help="candidates file; default: the run's")] = None,
    count: Annotated[int, typer.Option(min=1, help="how many, evenly spread over the candidates' MACs")] = 12,
    changes: Annotated[list[str] | None, typer.Option("--set", help="such as training.epochs=30")] = None,
    seed: Annotated[
        int, typer.Option(min=0, max=2**63 - 1, help="seed of the initial weights and of the order of images")
    ] = 0,
) -> None:
    """Train candidates alone for ground truth, into RUN/standalone.json. Finished ones are kept and not done again."""
    from toolkit.evaluation.candidates import read_candidates
    from toolkit.spaces import get_space
    from toolkit.training.recipe import read_recipe
    from toolkit.training.run import RunFolder
    from toolkit.training.standalone import spread_by_macs, train_candidates_alone

    folder = RunFolder.open(run)
    recipe = read_recipe(folder.recipe, changes)
    space = get_space(recipe.space)
    chosen = spread_by_macs(space, read_candidates(candidates or folder.candidates, space), count)
    with progress_bars() as progress:
        train_candidates_alone(recipe, folder, chosen, seed=seed, progress=progress)
    console.print(
        f"{len(chosen)} candidates trained alone: {folder.standalone}\n"
        f"Next: supernet rank {folder.submission} --truth {folder.standalone} --space {space.name}",
        markup=False,
        soft_wrap=True,
    )
