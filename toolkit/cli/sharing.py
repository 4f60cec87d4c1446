"""`supernet sharing`."""

from dataclasses import asdict
from typing import Annotated, Any

import typer

from toolkit.cli.console import console, print_json
from toolkit.cli.options import AsJson

_KINDS = {"convs": "weights", "norms": "batch norms", "activations": "slopes"}
"""What may be grouped, as in `toolkit.spaces.own.Own`; norms and slopes are shown where they differ from weights."""


def sharing(
    recipe: Annotated[str, typer.Argument(help="a TOML file, or the name of a shipped recipe")],
    changes: Annotated[list[str] | None, typer.Option("--set", help="key=value, such as supernet.groups=4")] = None,
    as_json: AsJson = False,
) -> None:
    """Say which weights each width of a recipe's supernet runs on, step by step; nothing is trained."""
    from toolkit.verbs.recipes import sharing as share

    found = share(recipe, changes or ())
    if as_json:
        print_json(asdict(found))
        return
    for number, step in enumerate(found.steps):
        if number:
            console.print()
        _print(step)


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
