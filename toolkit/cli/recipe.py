"""`supernet recipe`."""

from typing import Annotated

import typer

from toolkit.cli.console import console
from toolkit.cli.options import Changes


def recipe(
    name: Annotated[str | None, typer.Argument(help="a TOML file, or a shipped recipe; default: list these")] = None,
    changes: Changes = None,
) -> None:
    r"""Print a recipe with every default and a comment for each key. Of one in steps, each step.

    Write it to a file, change it, and train it: supernet recipe demo > mine.toml
    """
    from toolkit.runs.recipe import SHIPPED, find_recipe
    from toolkit.runs.reference import annotated
    from toolkit.training.steps import read_pipeline

    if name is None:
        for path in sorted(SHIPPED.glob("*.toml")):
            first = path.read_text(encoding="utf-8").partition("\n")[0].lstrip("# ")
            console.print(f"[bold]{path.stem:16}[/] {first}", soft_wrap=True)
        return
    pipeline = read_pipeline(name, changes)
    for step in pipeline.steps:
        if pipeline.divided:
            console.file.write(f"# {step.title} of {find_recipe(name)}: {step.name}\n")
        tables = step.recipe.model_dump(mode="json", exclude_none=True)
        console.file.write(annotated(tables, name) + ("\n" if pipeline.divided else ""))
