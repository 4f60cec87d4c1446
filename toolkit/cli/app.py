"""`supernet app`."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from toolkit.errors import InputError

DASHBOARD = Path(__file__).parents[2] / "app" / "__main__.py"
"""By its path: a folder from which somebody works may hold an app.py of his own."""


def app(
    runs: Annotated[Path, typer.Argument(help="the folder that holds the run folders, or one run folder")] = Path(
        "runs"
    ),
    port: Annotated[int, typer.Option(min=1, max=65535, help="where the dashboard listens")] = 8501,
    address: Annotated[str, typer.Option(help="0.0.0.0 lets other machines in: there is no password")] = "127.0.0.1",
    headless: Annotated[bool, typer.Option(help="do not open a browser")] = False,
) -> None:
    """Open the dashboard on a folder of runs."""
    if runs.exists() and not runs.is_dir():
        raise InputError(f"{runs}: is a file; give the folder that holds the runs")
    command = [sys.executable, str(DASHBOARD), "--server.port", str(port), "--server.address", address]
    command += ["--server.headless", str(headless).lower()]
    command += ["--browser.gatherUsageStats", "false", "--", str(runs)]
    os.execv(sys.executable, command)
