"""`supernet prior`."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from math import isfinite
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Annotated, Any

import typer

from toolkit.cli.console import console, print_json, progress_bars
from toolkit.cli.evaluation import Ray, Workers
from toolkit.errors import InputError

if TYPE_CHECKING:
    from toolkit.priors.base import ImageSource
    from toolkit.priors.scoring import Scored
    from toolkit.runs.recipe import Recipe
    from toolkit.spaces import SearchSpace

NAMES = "zen,naswot,synflow,snip,grad_norm"
IMAGES, WORK, OUTPUT = "Images", "Work", "Output"


def prior(
    candidates: Annotated[Path, typer.Argument(help="a candidates file, a table, or a run folder with its data")],
    space: Annotated[
        str | None, typer.Option(help="the search space; default: the first that accepts the codes")
    ] = None,
    score: Annotated[
        str, typer.Option(help="which, separated by commas; there are macs, params and depth too")
    ] = NAMES,
    changes: Annotated[list[str] | None, typer.Option("--set", help="NAME.OPTION=VALUE, such as zen.repeats=8")] = None,
    seed: Annotated[int | None, typer.Option(min=0, max=2**63 - 1, help="of random weights \\[0]")] = None,
    code_column: Annotated[
        list[str] | None,
        typer.Option(help="CANDIDATES is a table, and this names a network; several are joined by colons"),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(help="images: digits, cifar100:FOLDER, ...; default: the run's, or noise", rich_help_panel=IMAGES),
    ] = None,
    size: Annotated[
        int | None,
        typer.Option(min=1, help="their height and width; default: the data's, or the space's", rich_help_panel=IMAGES),
    ] = None,
    backend: Annotated[str, typer.Option(help="the framework", rich_help_panel=WORK)] = "torch",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N", rich_help_panel=WORK)] = "auto",
    workers: Workers = None,
    ray: Ray = None,
    ledger: Annotated[
        Path | None,
        typer.Option(help="keep scores here; default: priors.sqlite beside CANDIDATES", rich_help_panel=OUTPUT),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="write scores as a file for `supernet rank`; {} in it is the prior's name", rich_help_panel=OUTPUT
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON", rich_help_panel=OUTPUT)] = False,
) -> None:
    """Score candidates without training: Zen-score, NASWOT, SynFlow, SNIP, grad-norm.

    Start it again to go on: nothing is done twice. `supernet rank` finds the scores and prints them beside its own.
    """
    from toolkit.priors.choice import choose
    from toolkit.priors.ledger import LEDGER
    from toolkit.priors.scoring import Job, score_candidates
    from toolkit.priors.values import write_scores
    from toolkit.runs.folder import RunFolder
    from toolkit.runs.recipe import read_recipe

    priors = choose(score, changes or (), seed)
    if out is not None and len(priors) > 1 and "{}" not in out.name:
        raise typer.BadParameter(f"--out names one file for {len(priors)} priors; put {{}} where their names belong")
    recipe = None
    if candidates.is_dir():
        run = RunFolder.open(candidates)
        recipe, candidates = read_recipe(run.recipe), run.candidates
    networks, known = _read(candidates, space or (recipe.space if recipe else None), code_column)
    path = ledger or candidates.with_name(LEDGER)
    threads = 1 if ray or (workers or 1) > 1 else None
    found: list[Scored] = []
    with progress_bars() as progress:
        shaped, images = _images(known, data, size, recipe)
        jobs = [Job(shaped, chosen, images, backend, device, threads) for chosen in priors]
        for job in jobs:
            job.check()
        for job in jobs:
            scored = score_candidates(
                job, networks.values(), path, workers=workers, ray=ray, progress=progress, note=progress.note
            )
            if out is not None:
                write_scores(out.with_name(out.name.replace("{}", job.prior.name)), networks, scored.scores)
            found.append(scored)
    if as_json:
        print_json([_facts(scored) for scored in found])
    else:
        _print(found, path)


def _read(path: Path, space: str | None, columns: list[str] | None) -> "tuple[dict[str, str], SearchSpace]":
    """Codes by id, in the space's own spelling, and the space."""
    from toolkit.candidates import accepting_spaces, code_problems, read_table
    from toolkit.ranking.tables import read_values
    from toolkit.spaces import get_space

    problems: tuple[str, ...] = ()
    if columns:
        table = read_values(path, columns, ())
        codes = dict(zip(table.ids, table.codes, strict=True))
    else:
        entries = read_table(path)
        codes, problems = entries.codes, entries.problems
    if not codes:
        raise InputError(problems)
    chosen = get_space(space) if space else accepting_spaces(path, codes.values())[0]
    if problems := (*problems, *code_problems(path, codes, chosen)):
        raise InputError(problems)
    return {name: chosen.format(chosen.parse(code)) for name, code in codes.items()}, chosen


def _images(
    space: "SearchSpace", data: str | None, size: int | None, recipe: "Recipe | None"
) -> "tuple[SearchSpace, ImageSource]":
    """The space for the images that are asked for, and these."""
    from toolkit.data import open_dataset
    from toolkit.priors.images import Noise, Pictures
    from toolkit.runs.setup import open_data

    if data is not None:
        dataset = open_dataset(data, size=size, verify=False)
    elif recipe is not None:
        if size is not None:
            raise InputError(f"--size {size}: a run's images have their own size; leave it out, or give --data as well")
        dataset = open_data(recipe)
    else:
        return space.for_images(space.channels, size or space.size, space.classes), Noise()
    spec = dataset.spec
    return space.for_images(spec.channels, spec.size, spec.classes), Pictures.of(dataset)


def _facts(scored: "Scored") -> dict[str, Any]:
    """Of one prior, for `--json`."""
    values = sorted(value for value in scored.scores.values() if isfinite(value))
    return asdict(scored.setting) | {
        "options": json.loads(scored.setting.options),
        "candidates": len(scored.scores),
        "new": scored.fresh,
        "broken": len(scored.scores) - len(values),
        "seconds_each": scored.seconds,
        "minimum": values[0] if values else None,
        "median": median(values) if values else None,
        "maximum": values[-1] if values else None,
    }


def _print(found: "Sequence[Scored]", path: Path) -> None:
    from rich.table import Table

    table = Table(box=None, header_style="dim", pad_edge=False)
    for number, heading in enumerate(("prior", "networks", "new", "s each", "minimum", "median", "maximum", "broken")):
        table.add_column(heading, justify="right" if number else "left")
    for facts in map(_facts, found):
        spread = [facts[place] for place in ("minimum", "median", "maximum")]
        table.add_row(
            facts["prior"],
            f"{facts['candidates']:,}",
            f"{facts['new']:,}",
            f"{facts['seconds_each']:.2g}",
            *("" if value is None else f"{value:,.5g}" for value in spread),
            f"{facts['broken']:,}",
        )
    console.print(table)
    console.print(
        f"{found[0].setting.space}; kept in {path}\nNext: supernet rank SCORES --truth TRUTH --priors {path}",
        markup=False,
        soft_wrap=True,
    )
