"""`supernet predict`, `features`."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from toolkit.cli.console import console, errors, print_json, print_line
from toolkit.cli.options import AsJson, Overwrite
from toolkit.cli.submission import print_notes

if TYPE_CHECKING:
    from toolkit.predictors.prediction import Predicted

MODEL, OUTPUT = "Model", "Output"


def features(
    space: Annotated[str, typer.Option(help="the search space; `supernet spaces` lists them")],
    codes: Annotated[list[str] | None, typer.Argument(help="codes of architectures, to see their values")] = None,
    as_json: AsJson = False,
) -> None:
    """What predictors see of a network of a space: named numbers, by kind."""
    from toolkit.spaces import get_space

    chosen = get_space(space)
    archs = [chosen.parse(code) for code in codes or [chosen.format(chosen.largest)]]
    kinds = {kind: make(archs) for kind, make in chosen.feature_kinds.items()}
    if as_json:
        values = {kind: {name: column.tolist() for name, column in columns.items()} for kind, columns in kinds.items()}
        print_json({"space": chosen.name, "default": chosen.predicted_from, "codes": codes or [], "kinds": values})
        return
    for kind, columns in kinds.items():
        default = ", used by default" if kind in chosen.predicted_from else ""
        print_line(f"{kind} ({len(columns)} features{default})")
        for name, column in columns.items() if codes else ():
            print_line(f"  {name:34}" + "".join(f" {value:11.5g}" for value in column))
        if not codes:
            names = list(columns)
            print_line("  " + "; ".join(names[:6]) + (f"; ... {names[-1]}" if len(names) > 6 else ""))


def predict(
    run: Annotated[
        Path | None, typer.Argument(help="a run folder: its space, candidates and standalone.json are the defaults")
    ] = None,
    labels: Annotated[
        Path | None, typer.Option(help="scores of some networks, or a table; in a submission 0 means: none yet")
    ] = None,
    candidates: Annotated[Path | None, typer.Option(help="the candidates file: all to be predicted")] = None,
    out: Annotated[Path | None, typer.Option(help="the file to write, every candidate in it")] = None,
    space: Annotated[str | None, typer.Option(help="the search space; default: the run's")] = None,
    score: Annotated[
        list[Path] | None, typer.Option(help="further scores of all networks: a supernet's, of a prior; any number")
    ] = None,
    score_role: Annotated[
        Literal["feature", "mean", "trust"],
        typer.Option(help="they are features; the mean to be corrected; or are added, weighted", rich_help_panel=MODEL),
    ] = "feature",
    model: Annotated[
        Literal["auto", "ridge", "gp", "mlp", "lstm", "transformer"],
        typer.Option(
            help="auto: ridge or gp, whichever predicts left-out labels best; the last three are networks",
            rich_help_panel=MODEL,
        ),
    ] = "auto",
    backend: Annotated[
        str | None, typer.Option(help="torch or paddle, for networks; default: the run's", rich_help_panel=MODEL)
    ] = None,
    kind: Annotated[
        list[str] | None,
        typer.Option("--features", help="kinds of features; `supernet features` lists them", rich_help_panel=MODEL),
    ] = None,
    clip: Annotated[
        float,
        typer.Option(min=0, max=0.5, help="labels below this quantile count as equal to it", rich_help_panel=MODEL),
    ] = 0.02,
    floor: Annotated[
        float | None, typer.Option(help="labels below this value count as equal to it", rich_help_panel=MODEL)
    ] = None,
    code_column: Annotated[
        list[str] | None, typer.Option(help="of a table: what names a network; several are joined by colons \\[arch]")
    ] = None,
    label_column: Annotated[
        str, typer.Option(help="of a table: the label; of a run's: acc, loss or training_loss")
    ] = "acc",
    loss: Annotated[bool, typer.Option("--loss", help="labels are losses: less is better")] = False,
    keep_labels: Annotated[
        bool,
        typer.Option(help="labelled candidates keep their label; default: fitted values for all, smoother"),
    ] = False,
    drop_one: Annotated[
        bool, typer.Option(help="say what each score and kind of features adds, with intervals", rich_help_panel=OUTPUT)
    ] = False,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Rank every candidate from the labels of a few. From files alone; nothing is trained or evaluated.

    For example: supernet predict --space resnet20 --labels part.json --candidates all.json --out predicted.json
    """
    from toolkit.predictors.predictor import Options
    from toolkit.ranking.tables import CODE
    from toolkit.verbs.predicting import predict as predict_all

    with errors.status("predicting"):
        done = predict_all(
            run,
            space=space,
            labels=labels,
            candidates=candidates,
            out=out,
            scores=score or (),
            options=Options(model, tuple(kind) if kind else None, score_role, clip, floor),
            backend=backend,
            code_columns=code_column or [CODE],
            label_column=label_column,
            loss=loss,
            keep_labels=keep_labels,
            drop_one=drop_one,
            overwrite=overwrite,
        )
    if as_json:
        written = str(done.written) if done.written else None
        print_json(_facts(done.found) | {"cost": done.cost, "written": written, "notes": list(done.notes)})
        return
    _print(done.found, done.cost)
    print_notes(done.notes)
    if done.written is not None:
        what = "labels where there are some, else predictions" if keep_labels else "fitted values"
        count = len(done.found.values)
        unit = "as exp(-loss)" if loss else "in the labels' unit"
        print_line(f"{done.written}: {count:,} candidates; acc is {what}, {unit}, and no accuracy.")


def _facts(found: "Predicted") -> dict[str, Any]:
    predictor = found.predictor
    sds = sorted(found.sd.values())
    return {
        "candidates": len(found.values),
        "labelled": len(found.labelled),
        "labels": len(predictor.labels),
        "model": predictor.name,
        "settings": predictor.model.settings,
        "features": {"kinds": predictor.kinds, "columns": predictor.columns},
        "leave_one_out": asdict(found.agreement),
        "beside": {name: asdict(each) for name, each in found.beside.items()},
        "gains": {name: asdict(each) for name, each in found.gains.items()},
        "adds": {name: asdict(each) for name, each in found.dropped.items()},
        "trust": found.weight,
        "median_sd": sds[len(sds) // 2],
        "seconds": found.seconds,
    }


def _print(found: "Predicted", cost: str | None) -> None:
    from rich.markup import escape
    from rich.table import Table

    predictor = found.predictor
    settings = ", ".join(f"{name} {value:g}" for name, value in predictor.model.settings.items())
    print_line(
        f"{len(predictor.labels):,} labels, {predictor.columns} features ({', '.join(predictor.kinds)}): "
        f"{predictor.name} with {settings}, in {found.seconds:.1f} s"
    )
    if cost:
        print_line(f"Labels: {cost}.")
    if found.weight is not None:
        print_line(f"Weight of the prediction beside the scores: {found.weight:.2f}")
    table = Table("Kendall tau with the labels, each left out", box=None, pad_edge=False)
    for heading in ("tau [95%]", "prediction is ahead by"):
        table.add_column(heading, justify="right")
    table.add_row("prediction", str(found.agreement), "")
    _rows(table, [(escape(name), str(each), str(found.gains[name])) for name, each in found.beside.items()])
    console.print(table)
    if found.dropped:
        table = Table("what each adds", box=None, pad_edge=False)
        table.add_column("tau [95%]", justify="right")
        _rows(table, [(escape(name), str(each)) for name, each in found.dropped.items()])
        console.print(table)


def _rows(table: Any, rows: Sequence[tuple[str, ...]]) -> None:
    for row in rows:
        table.add_row(*row)
