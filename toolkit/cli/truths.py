"""`supernet truth`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from toolkit.cli.console import console, print_line
from toolkit.cli.options import Overwrite


def truth(
    name: Annotated[str | None, typer.Argument(help="a truth that ships with the toolkit; default: list these")] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="the file; default: NAME.json")] = None,
    overwrite: Overwrite = False,
) -> None:
    """Write a truth that ships with the toolkit: networks trained alone, to hold a ranking against.

    A table with every seed is written beside it, as .csv. In a run folder the dashboard finds both. How the networks
    were trained: docs/truths.md.
    """
    from toolkit import truths
    from toolkit.verbs.outputs import refuse_existing

    if name is None:
        for each in truths.names():
            found = truths.read(each)
            accs = found.candidates.accs.values()
            said = f"{len(accs):,} networks, {len(found.seeds)} seeds, {100 * min(accs):.1f} to {100 * max(accs):.1f} %"
            console.print(f"[bold]{escape(each):16}[/] {said}, SHA-256 {found.digest[:12]}", soft_wrap=True)
        return
    out = out or Path(f"{name}.json")
    refuse_existing(out, out.with_suffix(".csv"), overwrite=overwrite)
    found = truths.write_truth(name, out)
    print_line(f"{len(found.candidates):,} networks trained alone: {out}; every seed: {out.with_suffix('.csv')}")
