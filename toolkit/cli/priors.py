"""`supernet prior`."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from math import isfinite
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Annotated, Any

import typer

from toolkit.cli.console import console, print_json
from toolkit.cli.options import Ray, Workers
from toolkit.cli.progress import progress_bars

if TYPE_CHECKING:
    from toolkit.priors.scoring import Scored

NAMES = "zen,naswot,synflow,snip,grad_norm"
IMAGES, WORK, OUTPUT = "Images", "Work", "Output"


def prior(
    candidates: Annotated[Path, typer.Argument(help="a candidates file, a table, or a run folder with its data")],
    space: Annotated[
        str | None, typer.Option("--space", "-s", help="the search space; default: the first that accepts the codes")
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
            "--out",
            "-o",
            help="write scores as a file for `supernet rank`; {} in it is the prior's name",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="replace files that are there already", rich_help_panel=OUTPUT)
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON", rich_help_panel=OUTPUT)] = False,
) -> None:
    """Score candidates without training: Zen-score, NASWOT, SynFlow, SNIP, grad-norm.

    Start it again to go on: nothing is done twice. `supernet rank` finds the scores and prints them beside its own.
    """
    from toolkit.verbs.priors import prior as score_candidates

    names = set(score.split(","))
    if out is not None and len(names) > 1 and "{}" not in out.name:
        raise typer.BadParameter(f"--out names one file for {len(names)} priors; put {{}} where their names belong")
    with progress_bars() as progress:
        found = score_candidates(
            candidates,
            score,
            space=space,
            changes=changes or (),
            seed=seed,
            code_columns=code_column or (),
            data=data,
            size=size,
            backend=backend,
            device=device,
            workers=workers,
            ray=ray,
            ledger=ledger,
            out=out,
            overwrite=overwrite,
            progress=progress,
            note=progress.note,
        )
    if as_json:
        print_json([_facts(scored) for scored in found.scored])
    else:
        _print(found.scored, found.ledger)


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
