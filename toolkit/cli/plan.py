"""`supernet plan`."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from toolkit.cli.console import console, print_json
from toolkit.cli.options import AsJson, Memory, Norm
from toolkit.cli.progress import progress_bars

if TYPE_CHECKING:
    from toolkit.evaluation.partly import Portion
    from toolkit.evaluation.plan import Budget, Outlook, Times
    from toolkit.spaces import Arch


def plan(
    candidates: Annotated[Path, typer.Option(help="the candidates file")],
    space: Annotated[str | None, typer.Option(help="the search space; default: the run's")] = None,
    run: Annotated[Path | None, typer.Option(help="plan for the space, images and device of this run folder")] = None,
    images: Annotated[
        int | None, typer.Option(min=1, help="images to test on; default: the run's validation images, else 50,000")
    ] = None,
    norm: Norm = "calibrate",
    memory: Memory = None,
    workers: Annotated[int, typer.Option(min=1, help="processes, one CPU thread each")] = 1,
    seconds: Annotated[float, typer.Option(min=0, max=600, help="how long to time this machine; 0: not at all")] = 2.0,
    accuracy: Annotated[float, typer.Option(min=0, max=100, help="a typical one in percent, for the noise")] = 70.0,
    spread: Annotated[float, typer.Option(min=0.01, help="standard deviation of true accuracies, in points")] = 1.2,
    as_json: AsJson = False,
) -> None:
    """What evaluating these candidates will take: work, memory and time; and what how many images are worth."""
    from toolkit.verbs.planning import plan as plan_evaluation

    if (space is None) == (run is None):
        raise typer.BadParameter("give either --space SPACE or --run RUN")
    with progress_bars() as progress:
        found = plan_evaluation(
            candidates,
            space=space,
            run=run,
            images=images,
            norm=norm,
            memory=memory,
            workers=workers,
            seconds=seconds,
            accuracy=accuracy,
            spread=spread,
            progress=progress,
            note=progress.say,
        )
    if as_json:
        parts = [asdict(part) for part in found.parts]
        said = {"space": found.space, "accuracy": accuracy, "spread": spread, "parts": parts}
        print_json(_to_json(found.outlook, found.budgets) | said)
    else:
        assumed = f"an accuracy of {accuracy:g}% and true accuracies {spread:g} points apart"
        _print(found.outlook, found.budgets, assumed)
        _print_parts(found.outlook, found.parts)


def _to_json(outlook: "Outlook[Arch]", rows: "Sequence[Budget]") -> dict[str, Any]:
    sharing = outlook.sharing
    ways = ("alone", "by_block", "by_convolution", "grouped")
    times = outlook.times(outlook.images)
    return {
        "candidates": sharing.candidates,
        "networks": sharing.networks,
        "groups": len(sharing.groups),
        "work_per_image": {way: asdict(getattr(sharing, way)) for way in ways},
        "images": outlook.images,
        "calibration_images": outlook.policy.calibration,
        "norm": str(outlook.policy),
        "macs": outlook.macs(outlook.images),
        "workers": outlook.workers,
        "images_at_a_time": outlook.chunk,
        "bytes_per_image": sharing.need.per_image,
        "bytes": outlook.memory,
        "speed": outlook.speed and asdict(outlook.speed),
        "seconds": times and asdict(times),
        "budgets": [asdict(row) | {"seconds": _expected(outlook, row)} for row in rows],
    }


def _expected(outlook: "Outlook[Arch]", row: "Budget") -> float | None:
    times = outlook.times(row.images)
    return None if times is None else times.expected


def _print(outlook: "Outlook[Arch]", rows: "Sequence[Budget]", assumed: str) -> None:
    from rich.table import Table

    from toolkit.evaluation.budget import show_seconds
    from toolkit.evaluation.memory import show_size

    sharing, images = outlook.sharing, outlook.images
    largest = max(map(len, sharing.groups))
    console.print(
        f"{sharing.candidates:,} candidates, {sharing.networks:,} different networks, "
        f"in {len(sharing.groups):,} groups of up to {largest} that begin alike\n",
        soft_wrap=True,
    )
    table = Table("for one image", box=None, pad_edge=False)
    for heading in ("stems and blocks", "MACs", "saved"):
        table.add_column(heading, justify="right")
    for name, work in (
        ("every candidate for itself", sharing.alone),
        ("each block once for equal beginnings", sharing.by_block),
        ("each convolution once, at its widest", sharing.by_convolution),
        ("the same within groups: what is done", sharing.grouped),
    ):
        saved = f"{sharing.alone.macs / work.macs:.3f}x"
        table.add_row(name, f"{work.blocks:,}", f"{work.macs / 1e9:,.1f} G", saved)
    console.print(table)
    calibration = f" and {outlook.policy.calibration:,} for calibration" if outlook.policy.calibration else ""
    each = f" in each of {outlook.workers} processes" if outlook.workers > 1 else ""
    console.print(
        f"\nWork: {outlook.macs(images):.3g} MACs for {images:,} images{calibration}.\n"
        f"Memory: {show_size(outlook.memory)} at most for activations, with {outlook.chunk:,} images at a time{each} "
        f"({show_size(sharing.need.per_image)} an image). On a CPU the process itself may take twice that.",
        soft_wrap=True,
    )
    if (times := outlook.times(images)) and outlook.speed:
        console.print(
            f"Time: about {_duration(times)} on this machine. An estimate from {outlook.speed.samples} samples at "
            f"{outlook.speed.mean / 1e9:,.3g} G MACs/s.",
            soft_wrap=True,
        )
    console.print(f"\nIf every candidate saw other images, with {assumed}:", soft_wrap=True)
    table = Table(box=None, pad_edge=False)
    for heading in ("images", "standard error", "highest Pearson", "highest Kendall", "time" if outlook.speed else ""):
        table.add_column(heading, justify="right")
    for row in rows:
        expected = _expected(outlook, row)
        values = f"{row.images:,}", f"{100 * row.error:.2f} points", f"{row.pearson:.3f}", f"{row.kendall:.3f}"
        table.add_row(*values, show_seconds(expected) if expected else "", style="bold" * (row.images == images))
    console.print(table)
    console.print("[dim]All candidates see the same images, which makes it better than that.[/]")


def _print_parts(outlook: "Outlook[Arch]", parts: "Sequence[Portion]") -> None:
    from rich.table import Table

    from toolkit.evaluation.budget import show_seconds

    times, whole = outlook.times(outlook.images), outlook.sharing.grouped.macs
    console.print(
        "\nOr evaluate a part and predict the rest (`supernet evaluate --evaluate N`, then `submit --predicted`):",
        soft_wrap=True,
        markup=False,
    )
    table = Table(box=None, pad_edge=False)
    for heading in ("evaluated", "of all MACs", "time" if times else ""):
        table.add_column(heading, justify="right")
    for part in parts:
        share = part.macs / whole
        table.add_row(f"{part.candidates:,}", f"{share:.1%}", show_seconds(share * times.expected) if times else "")
    console.print(table)


def _duration(times: "Times") -> str:
    from toolkit.evaluation.budget import show_seconds

    return f"{show_seconds(times.expected)} ({show_seconds(times.fastest)} to {show_seconds(times.slowest)})"
