"""`supernet sampling`, and what `supernet train` says about it."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from toolkit.cli.console import console, print_json, print_listing
from toolkit.cli.options import AsJson

if TYPE_CHECKING:
    from toolkit.sampling.distribution import Distribution


def sampling(
    recipe: Annotated[
        str | None, typer.Argument(help="a TOML file, or the name of a shipped recipe; default: list the samplers")
    ] = None,
    candidates: Annotated[Path | None, typer.Option(help="the candidates file that will be ranked")] = None,
    changes: Annotated[
        list[str] | None, typer.Option("--set", help="key=value, such as method.sampling.name=fair")
    ] = None,
    draws: Annotated[int, typer.Option(min=100, help="paths to draw")] = 5000,
    seed: Annotated[int, typer.Option(min=0, help="another seed draws others")] = 0,
    as_json: AsJson = False,
) -> None:
    """Compare the paths that a recipe would train with the candidates that will be ranked; nothing is trained.

    Of a recipe in steps, each is compared; in JSON they are a list.
    """
    from rich.markup import escape

    from toolkit.verbs.recipes import compare_sampling

    if (recipe is None) != (candidates is None):
        raise typer.BadParameter("a RECIPE and --candidates FILE go together")
    if recipe is None or candidates is None:
        from toolkit.sampling import SAMPLERS

        print_listing(SAMPLERS, as_json=as_json)
        return
    found = compare_sampling(recipe, candidates, changes or (), draws=draws, seed=seed)
    divided = bool(found[0].name)
    if as_json:
        facts = [each.distribution and asdict(each.distribution) for each in found]
        print_json(facts if divided else facts[0])
        return
    for each in found:
        if divided:
            console.print(f"[bold]{each.title}: {escape(each.name)}[/]")
        _print(each.distribution)


def words(found: "Distribution | None") -> str:
    """The comparison in two or three sentences."""
    if found is None:
        return "The method draws no paths: nothing to compare with the candidates."
    worst = ", ".join(f"{shift.decision} {shift.distance:.3f} ({shift.chance:.3f})" for shift in found.worst())
    p_value = "p below 0.001" if found.macs_p < 0.001 else f"p = {found.macs_p:.2g}"
    sentences = [
        f"Paths drawn ({found.sampler}, {found.draws:,}) against {found.candidates:,} candidates: options differ by "
        f"{found.mean_distance:.3f} on average (total variation; by chance {found.mean_chance:.3f}), most in {worst}.",
        f"MACs: median {found.macs_drawn / 1e6:,.4g} M drawn, {found.macs_candidates / 1e6:,.4g} M in the candidates; "
        f"Kolmogorov-Smirnov distance {found.macs_distance:.3f} ({p_value}).",
    ]
    if found.before_loss:
        sentences.append("The choice by loss, which needs a network, is left out.")
    return " ".join(sentences)


def _print(found: "Distribution | None") -> None:
    if found is not None:
        _print_shifts(found)
    console.print(words(found), markup=False, soft_wrap=True)


def _print_shifts(found: "Distribution") -> None:
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, header_style="dim", pad_edge=False)
    for number, heading in enumerate(("decision", "distance", "by chance", "drawn too often", "drawn too rarely")):
        table.add_column(heading, justify="right" if number in (1, 2) else "left")
    for shift in found.shifts:
        by_excess = sorted(shift.drawn, key=lambda option: shift.candidates[option] - shift.drawn[option])
        extremes = (
            f"{option}: {shift.drawn[option]:.0%}, not {shift.candidates[option]:.0%}"
            for option in (by_excess[0], by_excess[-1])
        )
        table.add_row(escape(shift.decision), f"{shift.distance:.3f}", f"{shift.chance:.3f}", *map(escape, extremes))
    console.print(table)
