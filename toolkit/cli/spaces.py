"""`supernet spaces`, `cost`, `candidates`."""

import csv
import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from toolkit.cli.console import console, print_json, print_line
from toolkit.cli.options import AsJson, Overwrite, SpaceName

if TYPE_CHECKING:
    from toolkit.spaces import Cost


def spaces(as_json: AsJson = False) -> None:
    """List the search spaces: how many codes each has, and what its smallest and largest networks cost."""
    from toolkit.spaces import SPACES

    extremes = {name: (space.cost(space.smallest), space.cost(space.largest)) for name, space in SPACES.items()}
    if as_json:
        print_json(
            {
                name: {
                    "summary": space.summary,
                    "decisions": len(space.decisions),
                    "codes": space.cardinality,
                    "macs": [cost.macs for cost in extremes[name]],
                    "params": [cost.params for cost in extremes[name]],
                }
                for name, space in SPACES.items()
            }
        )
        return
    for name, space in SPACES.items():
        smallest, largest = extremes[name]
        console.print(
            f"[bold]{name:18}[/] {space.summary}\n{'':18} "
            f"{len(space.decisions)} decisions, {space.cardinality:.1e} codes; "
            f"{smallest.macs / 1e6:,.3f}-{largest.macs / 1e6:,.3f} M MACs, "
            f"{smallest.params / 1e6:,.3f}-{largest.params / 1e6:,.3f} M parameters",
            soft_wrap=True,
        )


def cost(
    space: SpaceName,
    codes: Annotated[list[str] | None, typer.Argument(help="codes of architectures")] = None,
    candidates: Annotated[Path | None, typer.Option(help="a candidates file, instead of codes")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="write the costs of all candidates to this CSV file")
    ] = None,
    latency: Annotated[
        Path | None, typer.Option(help="table of latencies (CSV), to be shown beside; `supernet latency` makes one")
    ] = None,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Count multiply-accumulates and parameters, exactly."""
    from toolkit.verbs.outputs import refuse_existing

    if bool(codes) == (candidates is not None):
        raise typer.BadParameter("give either codes or --candidates FILE")
    refuse_existing(out, overwrite=overwrite)
    if candidates is not None:
        _cost_file(space, candidates, out, latency, as_json)
        return
    if out is not None:
        raise typer.BadParameter("--out goes with --candidates FILE")
    _cost_codes(space, codes or [], latency, as_json)


def candidates(
    space: SpaceName,
    out: Annotated[Path, typer.Option("--out", "-o", help="the file to write")],
    count: Annotated[int, typer.Option(min=1, help="how many")] = 45_000,
    seed: Annotated[int, typer.Option(min=0, help="another seed draws others")] = 0,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Draw a candidates file with the distribution of the challenges' own files; no network occurs twice."""
    from toolkit.candidates import draw_candidates, write_candidates
    from toolkit.spaces import get_space
    from toolkit.verbs.outputs import refuse_existing

    refuse_existing(out, overwrite=overwrite)
    write_candidates(out, draw_candidates(get_space(space), count, seed))
    if as_json:
        print_json({"written": str(out), "space": space, "candidates": count, "seed": seed})
    else:
        print_line(f"{count:,} candidates of {space}: {out}")


def _cost_codes(space: str, codes: list[str], latency: Path | None, as_json: bool) -> None:
    """One line per code, once all of them are found to be valid."""
    from toolkit.verbs.spaces import cost as count

    costs = list(zip(codes, count(space, codes), strict=True))
    beside = _latencies(space, codes, latency)
    if as_json:
        print_json(
            [
                {"code": code, "macs": cost.macs, "params": cost.params}
                | ({"latency": {device: ms[code] for device, ms in beside.items()}} if latency else {})
                for code, cost in costs
            ]
        )
        return
    headings = "".join(f"{f'ms, {device}':>{len(device) + 6}}" for device in beside)
    console.print(f"[bold]{'MACs':>13}  {'parameters':>10}{escape(headings)}  code[/]")
    for code, cost in costs:
        cells = "".join(f"{_ms(ms[code]):>{len(device) + 6}}" for device, ms in beside.items())
        console.print(f"{cost.macs:13,}  {cost.params:10,}{cells}  {code}", soft_wrap=True)


def _latencies(space: str, codes: Iterable[str], table: Path | None) -> dict[str, dict[str, float | None]]:
    """Milliseconds by device and code; None where the table does not tell."""
    from toolkit.latencies import read_latencies
    from toolkit.spaces import get_space
    from toolkit.verbs.spaces import read_codes

    if table is None:
        return {}
    named = get_space(space)
    archs = dict(read_codes(named, codes))
    devices = read_latencies(table, named)
    return {device: {code: ms.get(arch) for code, arch in archs.items()} for device, ms in devices.items()}


def _ms(latency: float | None) -> str:
    return "-" if latency is None else f"{latency:.4g}"


def _cost_file(space: str, path: Path, out: Path | None, latency: Path | None, as_json: bool) -> None:
    """How the costs of a file's candidates are spread; all of them go to `out`."""
    from rich.table import Table

    from toolkit.candidates import name, read_candidates
    from toolkit.spaces import get_space
    from toolkit.verbs.spaces import cost as count

    codes = read_candidates(path, get_space(space))
    costs = dict(zip(codes, count(space, codes.values()), strict=True))
    beside = _latencies(space, codes.values(), latency)
    if out is not None:
        _write_csv(out, codes, costs, beside)
    macs = {key: cost.macs for key, cost in costs.items()}
    params = {key: cost.params for key, cost in costs.items()}
    tau = _tau(list(macs.values()), list(params.values()))
    spreads = {"macs": _spread(macs), "params": _spread(params)}
    if as_json:
        found = {
            what: {place: {"id": key, "value": value} for place, (key, value) in spread.items()}
            for what, spread in spreads.items()
        }
        print_json({"candidates": len(codes), **found, "tau_b": tau})
        return
    table = Table(f"{len(codes):,} candidates", box=None)
    for place in ("minimum", "median", "maximum"):
        table.add_column(place, justify="right")
    for what, spread in (("MACs", spreads["macs"]), ("parameters", spreads["params"])):
        table.add_row(what, *(f"{value:,}\n{escape(name(key))}" for key, value in spread.values()))
    console.print(table)
    if tau is not None:
        console.print(f"tau_b(MACs, parameters) = {tau:.4f}")


def _tau(first: list[int], second: list[int]) -> float | None:
    """Kendall's tau_b, or None where it is undefined: all values of one side are equal."""
    import numpy as np

    from toolkit.ranking.concordance import Concordance
    from toolkit.ranking.formulas import TAU_B

    if len(set(first)) < 2 or len(set(second)) < 2:
        return None
    pairs = Concordance(np.array(first), np.array(second)).once().pairs  # scipy's own takes a second to load
    return float(np.clip(TAU_B.coefficient(pairs), -1, 1)[0])


def _spread(values: Mapping[str, int]) -> dict[str, tuple[str, int]]:
    """Minimum, (lower) median and maximum, each with a candidate that has it."""
    ranked = sorted(values, key=values.__getitem__)
    places = {"minimum": ranked[0], "median": ranked[(len(ranked) - 1) // 2], "maximum": ranked[-1]}
    return {place: (key, values[key]) for place, key in places.items()}


def _write_csv(
    path: Path,
    codes: Mapping[str, str],
    costs: "Mapping[str, Cost]",
    latencies: Mapping[str, Mapping[str, float | None]],
) -> None:
    from toolkit.files import atomic_write

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("id", "code", "macs", "params", *(f"ms, {device}" for device in latencies)))
    for key, code in codes.items():
        beside = ("" if ms[code] is None else f"{ms[code]:.6g}" for ms in latencies.values())
        writer.writerow((key, code, costs[key].macs, costs[key].params, *beside))
    with atomic_write(path) as file:
        file.write(text.getvalue().encode(errors="backslashreplace"))  # JSON's ids may hold half a surrogate pair
