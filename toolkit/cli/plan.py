"""`supernet plan`."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from toolkit.cli.console import console, errors, print_json
from toolkit.cli.options import AsJson, Memory, Norm
from toolkit.cli.progress import progress_bars
from toolkit.errors import InputError

if TYPE_CHECKING:
    from toolkit.evaluation.plan import Budget, Outlook, Sharing, Times
    from toolkit.evaluation.timing import Speed
    from toolkit.evaluation.worker import Machine
    from toolkit.spaces import Arch, SearchSpace

IMAGES = 50_000
SAMPLES, TOGETHER = 32, 8
"""What is timed, at most: so many times so many candidates that are neighbours in a group."""


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
    seconds: Annotated[float, typer.Option(min=0, max=600, help="how long to time this machine; 0: not at all")] = 5.0,
    accuracy: Annotated[float, typer.Option(min=0, max=100, help="a typical one in percent, for the noise")] = 70.0,
    spread: Annotated[float, typer.Option(min=0.01, help="standard deviation of true accuracies, in points")] = 1.2,
    as_json: AsJson = False,
) -> None:
    """What evaluating these candidates will take: work, memory and time; and what how many images are worth."""
    from toolkit.candidates import read_candidates
    from toolkit.evaluation.evaluate import group_limit
    from toolkit.evaluation.memory import chunk_for, parse_size, usual_chunk
    from toolkit.evaluation.plan import BUDGETS, Outlook, budgets, find_sharing
    from toolkit.evaluation.policy import NormPolicy
    from toolkit.evaluation.timing import Trial, measure

    policy = NormPolicy.parse(norm)
    limit = None if memory is None else parse_size(memory) // workers
    meant, machine, images = _meant(space, run, images, 1 if workers > 1 else None)
    codes = dict.fromkeys(read_candidates(candidates, meant).values())
    with errors.status(f"comparing {len(codes):,} candidates"):
        networks = [(arch, meant.supernet_plans(arch)) for arch in map(meant.parse, codes)]
        sharing = find_sharing(networks, group_limit(len(networks), workers), meant.channels, meant.size)
    chunk = usual_chunk(policy, images)
    if limit is not None:
        chunk = min(chunk, chunk_for(limit, sharing.need, policy))
    speed: Speed | None = None
    if seconds:
        trial = Trial(meant, _samples(sharing), images, policy, chunk, seconds, machine)
        with errors.status("timing this machine"):
            speed = measure(trial, workers)
    outlook = Outlook(sharing, images, policy, chunk, workers, speed)
    rows = budgets(accuracy / 100, spread / 100, sorted({*BUDGETS, images}))
    if as_json:
        print_json(_to_json(outlook, rows) | {"space": meant.name, "accuracy": accuracy, "spread": spread})
    else:
        _print(outlook, rows, f"an accuracy of {accuracy:g}% and true accuracies {spread:g} points apart")


def _meant(
    space: str | None, run: Path | None, images: int | None, threads: int | None
) -> "tuple[SearchSpace, Machine, int]":
    """The space for its images, where it will run, and the number of images to test on."""
    from toolkit.evaluation.worker import Machine
    from toolkit.runs.folder import RunFolder
    from toolkit.runs.recipe import read_recipe
    from toolkit.runs.setup import open_data, open_space
    from toolkit.spaces import get_space

    if (space is None) == (run is None):
        raise typer.BadParameter("give either --space SPACE or --run RUN")
    if space is not None:
        return get_space(space), Machine(threads=threads), images or IMAGES
    assert run is not None  # noqa: S101
    recipe = read_recipe(RunFolder.open(run).recipe)
    with progress_bars() as progress:
        data = open_data(recipe, progress)
    available = len(data.validation.labels)
    if images is not None and images > available:
        raise InputError(f"{images} images to test on: the validation split of {run} has {available}")
    return (
        open_space(recipe, data),
        Machine(recipe.backend, recipe.device, threads=threads or recipe.threads),
        images or available,
    )


def _samples(sharing: "Sharing[Arch]") -> "list[list[Arch]]":
    """Neighbours in groups here and there."""
    step = -(-len(sharing.groups) // SAMPLES)
    return [[arch for arch, _ in group[:TOGETHER]] for group in sharing.groups[::step]]


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


def _duration(times: "Times") -> str:
    from toolkit.evaluation.budget import show_seconds

    return f"{show_seconds(times.expected)} ({show_seconds(times.fastest)} to {show_seconds(times.slowest)})"
