"""`supernet convert`, `export`: weights for other frameworks and for deployment."""

from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from toolkit.cli.console import console, print_json
from toolkit.cli.options import AsJson, Overwrite
from toolkit.cli.progress import progress_bars
from toolkit.errors import middle_out

if TYPE_CHECKING:
    from converters.onnx import Exported
    from converters.weights import Report

SHOWN = 3
"""Tensors of each kind that are named, unless all are asked for."""

NAME = 200
"""Characters of a tensor's name that are printed; `--json` has them all."""


def convert(
    source: Annotated[Path, typer.Argument(help="weights: .safetensors, Paddle's .pdparams, PyTorch's .pth or .pt")],
    target: Annotated[Path, typer.Argument(help="the file to write; its suffix names the format")],
    space: Annotated[str | None, typer.Option(help="the search space; default: what the file says or fits")] = None,
    code: Annotated[str | None, typer.Option(help="the weights are this candidate's stand-alone network's")] = None,
    network: Annotated[
        str | None, typer.Option(help="which, if there are several: student, teacher, split2, ema or a prefix")
    ] = None,
    size: Annotated[int | None, typer.Option(min=1, help="height of the images; default: the space's own")] = None,
    drop: Annotated[
        list[str] | None, typer.Option(help="a tensor, or a pattern, that has no place in the space and may be lost")
    ] = None,
    candidates: Annotated[int, typer.Option(min=0, help="random candidates compared before and after")] = 5,
    keys: Annotated[
        bool, typer.Option("--keys", help="list every tensor, also those that only changed their name")
    ] = False,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Carry weights from one framework to another, every tensor accounted for. Nothing in the files is executed."""
    from converters.weights import Ask
    from converters.weights import convert as convert_weights

    ask = Ask(space, code, network, size, tuple(drop or ()))
    report = convert_weights(source, target, ask, candidates=candidates, overwrite=overwrite)
    if as_json:
        print_json(asdict(report))
        return
    _print_report(report, every=keys)


def export(
    run: Annotated[Path, typer.Argument(help="the run folder")],
    out: Annotated[Path, typer.Option(help="the file to write (.onnx), or the folder for several")],
    codes: Annotated[list[str] | None, typer.Argument(help="codes of candidates")] = None,
    top: Annotated[
        int | None, typer.Option(min=1, help="the best so many of the run's results, instead of codes")
    ] = None,
    checkpoint: Annotated[Path | None, typer.Option(help="default: the newest of the run")] = None,
    ema: Annotated[bool, typer.Option(help="use the moving average of the weights")] = False,
    norm: Annotated[str, typer.Option(help="batch-norm statistics: stored, calibrate or calibrate:N")] = "stored",
    normalise: Annotated[bool, typer.Option(help="the model takes pixels (uint8) and normalises them itself")] = False,
    latency: Annotated[bool, typer.Option(help="measure how long one image takes in onnxruntime")] = False,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads of onnxruntime")] = 1,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Write candidates with their supernet's weights as ONNX files, cut to size and compared with the run's backend."""
    if bool(codes) == (top is not None):
        raise typer.BadParameter("give either codes or --top K")
    from converters.onnx import TOLERANCE, Options, best, chosen_by_code
    from converters.onnx import export as export_candidates
    from toolkit.evaluation.policy import NormPolicy

    options = Options(checkpoint, ema, NormPolicy.parse(norm), normalise, latency, threads)
    chosen = chosen_by_code(codes, out) if codes else best(run, top or 0, out, options)
    with progress_bars() as progress:
        exported = export_candidates(run, chosen, options, progress, overwrite=overwrite)
    if as_json:
        print_json({"tolerance": TOLERANCE, "files": [_facts(one) for one in exported]})
        return
    for one in exported:
        _print(f"{one.path}: {one.size / 1e6:,.2f} MB, {one.code}")
        _print(f"  logits differ from the backend's by {one.difference:.1e} of the largest (allowed: {TOLERANCE:.0e})")
        if one.latency:
            _print(f"  {one.latency}")


def _print_report(report: "Report", *, every: bool) -> None:
    _print(f"{report.source}: {report.verdict}")
    for match in report.matches if every else report.reshaped:
        change = f" ({match.change})" if match.change else ""
        _print(f"  {middle_out(match.key, NAME)} → {match.name}{change}")
    for why, same in groupby(sorted(report.unmatched, key=lambda one: (one.why, one.key)), lambda one: one.why):
        found = [one.key for one in same]
        shown = found if every else found[:SHOWN]
        others = f" and {len(found) - len(shown)} more, which --keys lists" if len(found) > len(shown) else ""
        _print(f"  unmatched, {why}: {', '.join(middle_out(key, NAME) for key in shown)}{others}")
    for note in report.notes:
        _print(f"  note: {note}")
    _print(f"{report.target}: {report.proof or 'written; nothing was compared, as asked'}")


def _facts(one: "Exported") -> dict[str, Any]:
    return asdict(one) | {"path": str(one.path)}


def _print(line: str) -> None:
    """One line as it is: file names and codes are no markup, and are not cut."""
    console.print(line, markup=False, soft_wrap=True)
