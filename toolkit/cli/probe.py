"""`supernet probe`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from toolkit.cli.console import console, print_json, print_line
from toolkit.cli.options import AsJson, Overwrite
from toolkit.cli.progress import progress_bars

if TYPE_CHECKING:
    from toolkit.interference.splits import Suggestion

_SHOWN = 10
"""Suggestions listed on the screen."""


def probe(
    run: Annotated[Path, typer.Argument(help="the run folder")],
    checkpoint: Annotated[list[Path] | None, typer.Option(help="which, repeatable; default: all that are kept")] = None,
    batches: Annotated[int, typer.Option(min=1, help="draws that are averaged; errors need two")] = 4,
    paths: Annotated[int, typer.Option(min=2, help="random paths that are compared with each other")] = 8,
    images: Annotated[int, typer.Option(min=2, help="in a batch")] = 64,
    measures: Annotated[str | None, typer.Option(help="which, separated by commas; default: all")] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="of batches, paths and draws")] = 0,
    suggest_split: Annotated[
        Path | None, typer.Option(help="write a recipe that splits where it brings most, and goes on from here")
    ] = None,
    splits: Annotated[int, typer.Option(min=1, help="how many decisions that recipe splits")] = 1,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Measure where sharing weights hurts, branch by branch, into RUN/interference.parquet."""
    from toolkit.files import write_text
    from toolkit.interference.probe import MEASURED, Settings
    from toolkit.interference.splits import MEASURE, split_recipe, suggest_splits
    from toolkit.runs.folder import RunFolder
    from toolkit.runs.recipe import read_recipe
    from toolkit.verbs.outputs import refuse_existing
    from toolkit.verbs.probing import probe as probe_run

    refuse_existing(suggest_split, overwrite=overwrite)
    folder = RunFolder.open(run)
    wanted = tuple(filter(None, measures.split(","))) if measures is not None else MEASURED
    if suggest_split is not None:
        wanted = (*wanted, MEASURE)
    settings = Settings(paths, batches, images, seed, wanted)
    with progress_bars() as progress:
        probed = probe_run(run, checkpoint or (), settings, progress=progress)
    suggestions = suggest_splits(probed.space, probed.table)
    if suggest_split is not None:
        recipe = split_recipe(read_recipe(folder.recipe), probed.checkpoint, suggestions[:splits])
        write_text(suggest_split, recipe.to_toml())
    if as_json:
        print_json(
            {
                "table": str(folder.interference),
                "rows": len(probed.table),
                "splits": list(map(_plain, suggestions)),
                "uncounted": list(map(str, probed.uncounted)),
            }
        )
        return
    _show(suggestions)
    for path in probed.uncounted:
        print_line(f"note: {path}: was saved by a version that did not count what is trained: times_trained is unknown")
    console.print(f"\nMeasured: {folder.interference}", markup=False, soft_wrap=True)
    if suggest_split is not None:
        console.print(f"Next: supernet train {suggest_split} --out RUN", markup=False, soft_wrap=True)
    else:
        console.print("Next: supernet app, page Interference", markup=False, soft_wrap=True)


def _show(suggestions: "list[Suggestion]") -> None:
    from rich.markup import escape
    from rich.table import Table

    if not suggestions:
        return
    table = Table("split", "into", "conflict it ends", "parameters more", box=None)
    for each in suggestions[:_SHOWN]:
        groups = " | ".join(",".join(group) for group in each.split.groups)
        error = "" if each.error != each.error else f" ± {each.error:.1g}"
        table.add_row(each.split.decision, escape(groups), f"{each.gain:.2g}{error}", f"{each.params:,}")
    console.print(table)


def _plain(each: "Suggestion") -> dict[str, object]:
    return {
        "decision": each.split.decision,
        "groups": each.split.groups,
        "blocks": each.blocks,
        "gain": each.gain,
        "error": None if each.error != each.error else each.error,
        "params": each.params,
    }
