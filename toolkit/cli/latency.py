"""`supernet latency`."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from toolkit.cli.console import console, print_json, print_line
from toolkit.cli.options import AsJson, Overwrite, SpaceName
from toolkit.cli.progress import progress_bars

if TYPE_CHECKING:
    from toolkit.verbs.latency import Latencies, Whole

SHOWN = 12


def latency(
    space: SpaceName,
    codes: Annotated[list[str] | None, typer.Argument(help="codes of architectures")] = None,
    candidates: Annotated[Path | None, typer.Option("--candidates", "-c", help="a candidates file instead")] = None,
    draw: Annotated[int | None, typer.Option(min=1, help="so many random networks of the space instead")] = None,
    operations: Annotated[
        Path, typer.Option(help="table of operations (CSV); what it lacks is measured here and added")
    ] = Path("operations.csv"),
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="write the networks' latencies to this CSV file, which a dashboard shows"),
    ] = None,
    device: Annotated[str, typer.Option(help="what this device is called in the tables")] = "onnxruntime-cpu",
    threads: Annotated[int, typer.Option(min=1, help="CPU threads of onnxruntime")] = 1,
    whole: Annotated[
        int, typer.Option(min=0, help="networks that are measured whole too, to see how far adding up can be trusted")
    ] = 0,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Say how long networks take for one image on this machine: measure each operation once, and add up.

    The table of operations serves searches too: `supernet search --latency operations.csv`.
    """
    from toolkit.candidates import draw_candidates, read_candidates
    from toolkit.spaces import get_space
    from toolkit.verbs.latency import latency as find_latencies
    from toolkit.verbs.latency import write_networks
    from toolkit.verbs.outputs import refuse_existing

    if sum((bool(codes), candidates is not None, draw is not None)) != 1:
        raise typer.BadParameter("give codes, --candidates FILE or --draw N")
    refuse_existing(out, overwrite=overwrite)
    named = get_space(space)
    if candidates is not None:
        chosen = list(dict.fromkeys(read_candidates(candidates, named).values()))
    else:
        chosen = codes or list(draw_candidates(named, draw or 1, 0).values())
    with progress_bars() as progress:
        found = find_latencies(
            space, chosen, operations, device=device, threads=threads, whole=whole, progress=progress
        )
    if out is not None:
        write_networks(out, found, device)
    if as_json:
        print_json(_json(found, operations))
        return
    shown = [one.code for one in found.whole] or _ends(found)
    _table(found, shown[:SHOWN])
    print_line(f"{found.fresh:,} operations measured now, {found.known:,} known before: {operations}")
    if found.ratio is not None:
        agree = f"; Kendall tau {found.tau}" if found.tau is not None else ""
        print_line(
            f"{len(found.whole)} networks measured whole take {found.ratio:.2f} times what adds up (the median){agree}"
        )
    if out is not None:
        print_line(f"{len(found.networks):,} networks: {out}")


def _ends(found: "Latencies") -> list[str]:
    """The fastest and the slowest networks."""
    ranked = sorted(found.networks, key=found.networks.__getitem__)
    return ranked if len(ranked) <= SHOWN else [*ranked[: SHOWN // 2], *ranked[-SHOWN // 2 :]]


def _table(found: "Latencies", codes: Sequence[str]) -> None:
    from rich.table import Table

    measured = {one.code: one for one in found.whole}
    table = Table(box=None, header_style="dim", pad_edge=False)
    table.add_column("network", overflow="fold")
    table.add_column("ms, added up", justify="right")
    if measured:
        table.add_column("ms, measured whole", justify="right")
    for code in codes:
        cells = [_measured(measured[code])] if code in measured else []
        table.add_row(code, f"{found.networks[code]:.3g}", *cells)
    console.print(table)


def _measured(one: "Whole") -> str:
    return f"{one.measured.ms:.3g} [{one.measured.low:.3g}, {one.measured.high:.3g}]"


def _json(found: "Latencies", operations: Path) -> dict[str, object]:
    return {
        "operations": str(operations),
        "measured_now": found.fresh,
        "known_before": found.known,
        "networks": dict(found.networks),
        "whole": [{"code": one.code, "added": one.added, **asdict(one.measured)} for one in found.whole],
        "kendall_tau": found.tau and asdict(found.tau),
        "measured_over_added": found.ratio,
    }
