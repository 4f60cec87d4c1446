"""Options that several commands have, each written once."""

from pathlib import Path
from typing import Annotated, Literal

import typer

AsJson = Annotated[bool, typer.Option("--json", help="print JSON")]
AsMarkdown = Annotated[bool, typer.Option("--markdown", help="print Markdown")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="replace files that are there already")]
Run = Annotated[Path, typer.Argument(help="the run folder")]
AnySpace = Annotated[
    str | None, typer.Option("--space", "-s", help="the search space; default: the first that accepts the codes")
]
SpaceName = Annotated[str, typer.Option("--space", "-s", help="the search space; `supernet spaces` lists them")]
CandidatesOfRun = Annotated[
    Path | None, typer.Option("--candidates", "-c", help="candidates file; default: the run's last one")
]
Changes = Annotated[
    list[str] | None, typer.Option("--set", help="key=value, such as training.epochs=5; key=none: the default")
]
Norm = Annotated[
    str,
    typer.Option(
        help="batch-norm statistics: stored, batch (512 images at a time), batch:N, calibrate (128 images) or "
        "calibrate:N"
    ),
]
Images = Annotated[int | None, typer.Option(min=1, help="validation images; default: all")]
Ema = Annotated[bool, typer.Option("--ema", help="use the moving average of the weights")]
Backend = Annotated[str | None, typer.Option(help="torch or paddle; default: the run's")]
ImageCorrelation = Annotated[
    float, typer.Option(min=0, max=0.999, help="how alike two networks err on an image; 0: each saw others")
]
Choice = Literal["spread", "stratified", "sampled"]
Seeds = Annotated[
    list[int] | None, typer.Option("--seed", min=0, max=2**63 - 1, help="of training; repeat for several")
]
Workers = Annotated[
    int | None,
    typer.Option(
        "--workers",
        "-j",
        min=1,
        help="processes, one CPU thread each; default: this one, or all of the Ray cluster",
    ),
]
Ray = Annotated[str | None, typer.Option(help="do the work on a Ray cluster: its address, or local to start one here")]
Memory = Annotated[
    str | None,
    typer.Option(help="most that activations may take, in all processes together, on a cluster in each: 4GiB"),
]
