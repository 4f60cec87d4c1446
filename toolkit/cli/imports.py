"""`supernet import`: a run folder of somebody's weights."""

from pathlib import Path
from typing import Annotated

import typer

from toolkit.cli.console import console, print_json
from toolkit.cli.progress import progress_bars
from toolkit.errors import InputError


def import_(
    source: Annotated[Path, typer.Argument(help="a supernet's weights: .safetensors, .pdparams, .pth or .pt")],
    data: Annotated[str, typer.Option(help="digits, cifar10:FOLDER, cifar100:FOLDER or imagefolder:FOLDER")],
    out: Annotated[Path, typer.Option(help="the run folder to make")],
    space: Annotated[str | None, typer.Option(help="the search space; default: what the file says or fits")] = None,
    mean: Annotated[
        str | None, typer.Option(help="normalisation, such as 0.5071,0.4865,0.4409; default: the data's own")
    ] = None,
    std: Annotated[str | None, typer.Option(help="likewise, such as 0.1942,0.1918,0.1958")] = None,
    widths: Annotated[
        str | None, typer.Option(help="widths that run in place of others, such as 4=5,8=9; or none")
    ] = None,
    network: Annotated[
        str | None, typer.Option(help="which, if there are several: student, teacher, split2, ema or a prefix")
    ] = None,
    size: Annotated[int | None, typer.Option(min=1, help="height of the images; default: the data's own")] = None,
    drop: Annotated[
        list[str] | None, typer.Option(help="a tensor, or a pattern, that has no place in the space and may be lost")
    ] = None,
    recipe: Annotated[
        str | None, typer.Option(help="a recipe that says of the supernet what names and shapes of tensors do not")
    ] = None,
    changes: Annotated[list[str] | None, typer.Option("--set", help="such as data.calibration=5000")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Make a run folder of a checkpoint, so that its candidates can be evaluated, ranked and submitted.

    For example: supernet import step2.pt --space resnet20 --data cifar100:DIR --widths 4=5,8=9 --out runs/winner
    """
    from toolkit.verbs.weights import import_run

    with progress_bars() as progress:
        made = import_run(
            source,
            data,
            out,
            space=space,
            mean=None if mean is None else _numbers("mean", mean),
            std=None if std is None else _numbers("std", std),
            widths=None if widths is None else _widths(widths),
            network=network,
            size=size,
            drop=drop or (),
            recipe=recipe,
            changes=changes or (),
            progress=progress,
        )
    if as_json:
        print_json(
            {
                "run": str(made.run),
                "source": made.source,
                "space": made.recipe.space,
                "supernet": made.recipe.supernet and made.recipe.supernet.model_dump(exclude_none=True),
                "mean": made.spec.mean,
                "std": made.spec.std,
                "network": made.network,
                "matched": len(made.matches),
                "unmatched": {one.key: one.why for one in made.unmatched},
                "notes": made.notes,
            }
        )
        return
    supernet = made.recipe.supernet
    said = supernet.model_dump(exclude_none=True) if supernet else "the space's own"
    lines = [
        f"{made.run}: {made.recipe.space}, {len(made.matches)} tensors of {made.network!r} in {made.source}",
        f"supernet: {said}",
        *(f"note: {note}" for note in made.notes),
        f"Next: supernet evaluate {made.run} --candidates FILE",
    ]
    for line in lines:
        console.print(line, markup=False, soft_wrap=True)


def _numbers(name: str, text: str) -> list[float]:
    try:
        return [float(number) for number in text.split(",")]
    except ValueError:
        raise InputError(f"--{name} {text}: write a number for each channel, such as 0.5,0.5,0.5") from None


def _widths(text: str) -> dict[int, int]:
    if text == "none":
        return {}
    pairs = [pair.partition("=") for pair in text.split(",")]
    if not all(before.isdecimal() and after.isdecimal() for before, _, after in pairs):
        raise InputError(f"--widths {text}: write width=width, such as 4=5,8=9, or none")
    return {int(before): int(after) for before, _, after in pairs}
