"""`supernet sharing`."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from toolkit.cli.console import console, print_json
from toolkit.cli.options import AsJson

if TYPE_CHECKING:
    from toolkit.spaces import SearchSpace
    from toolkit.spaces.grouping import Layers

_KINDS = {"convs": "weights", "norms": "batch norms", "activations": "slopes"}
"""What may be grouped, as in `toolkit.spaces.own.Own`; norms and slopes are shown where they differ from weights."""


def sharing(
    recipe: Annotated[str, typer.Argument(help="a TOML file, or the name of a shipped recipe")],
    changes: Annotated[list[str] | None, typer.Option("--set", help="key=value, such as supernet.groups=4")] = None,
    as_json: AsJson = False,
) -> None:
    """Say which weights each width of a recipe's supernet runs on, step by step; nothing is trained."""
    from toolkit.spaces import get_space
    from toolkit.training.steps import read_pipeline

    pipeline = read_pipeline(recipe, changes)
    space = get_space(pipeline.recipe.space)
    steps = [{"name": step.name, **describe(step.recipe.derive(space), space)} for step in pipeline.steps]
    if as_json:
        print_json({"space": space.name, "steps": steps})
        return
    for number, step in enumerate(steps):
        if number:
            console.print()
        _print(step)


def describe(space: "SearchSpace", base: "SearchSpace") -> dict[str, Any]:
    """The degree of sharing in a supernet, as plain data.

    `layers` lists the sets of layers that are grouped alike: the widest of their widths, their positions, and for
    weights, norms and slopes the groups, each named by its size, with the widths that run on it. `trunk` names the
    weight that all share.

    Args:
        base: the space itself, which says what the widths of the candidates are.
    """
    from dataclasses import asdict

    from toolkit.backends.shapes import parameters
    from toolkit.spaces.grouping import elastic_layers, groups_of
    from toolkit.spaces.own import group_of

    nominal = {(layers.position, layers.field): layers.users for layers in elastic_layers(base)}
    found: list[dict[str, Any]] = []
    for layers, own in groups_of(space):
        widths = _widths(layers, nominal.get((layers.position, layers.field), {}))
        row: dict[str, Any] = {"widest": max(layers.users), "blocks": []}
        for kind, groups in asdict(own).items():
            held: dict[str, list[dict[str, int]]] = {}
            for each in widths:
                group = str(group_of(each["runs_as"], groups)) if groups else "trunk"
                held.setdefault(group, []).append(each)
            row[kind] = held
        same = next((other for other in found if other | {"blocks": []} == row), None)
        if same is None:
            found.append(same := row)
        if layers.position not in same["blocks"]:
            same["blocks"].append(layers.position)
    return {"params": parameters(space.widest), "params_shared": parameters(base.widest), "layers": found}


def _widths(layers: "Layers", nominal: "Any") -> list[dict[str, int]]:
    """Every width of the candidates, and the one that the supernet runs in its place."""
    runs_as = {option: width for width, options in layers.users.items() for option in options}
    return [
        {"width": width, "runs_as": runs_as[options[0]]} for width, options in nominal.items() if options[0] in runs_as
    ]


def _print(step: dict[str, Any]) -> None:
    from rich.markup import escape
    from rich.table import Table

    if step["name"]:
        console.print(f"[bold]{escape(step['name'])}[/]")
    if step["layers"]:
        table = Table(box=None, header_style="dim", pad_edge=False)
        for heading in ("layers", "", "group", "widths (as they are run)"):
            table.add_column(heading, justify="right" if heading == "group" else "left")
        for row in step["layers"]:
            name = f"{row['widest']} wide, blocks {_ranges(row['blocks'])}"
            for kind, what in _KINDS.items():
                if kind != "convs" and row[kind] == row["convs"]:
                    continue
                for group, widths in row[kind].items():
                    table.add_row(name, what, group, ", ".join(map(_width, widths)))
                    name = what = ""
        console.print(table)
    more = step["params"] / step["params_shared"]
    console.print(
        f"{step['params']:,} parameters, {more:.2f} times those of the plain supernet ({step['params_shared']:,}).",
        soft_wrap=True,
    )


def _width(each: dict[str, int]) -> str:
    return f"{each['width']}" if each["width"] == each["runs_as"] else f"{each['width']} ({each['runs_as']})"


def _ranges(numbers: list[int]) -> str:
    """`[0, 1, 2, 4]` as `0-2, 4`."""
    parts: list[list[int]] = []
    for number in sorted(numbers):
        if parts and parts[-1][-1] == number - 1:
            parts[-1].append(number)
        else:
            parts.append([number])
    return ", ".join(f"{part[0]}-{part[-1]}" if len(part) > 1 else str(part[0]) for part in parts)
