"""How long the candidates take on devices, from tables of whole networks: in the run, or in folders beside the runs."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from app.views.candidates import architectures
from app.views.folder import inside
from toolkit.errors import InputError
from toolkit.latencies import read_latencies
from toolkit.runs.folder import RunFolder

NAME = "latency"
"""How names of such files begin."""

PREFIX = "latency "
"""How names of columns begin, before the device."""


def latency_files(run: RunFolder, folder: Path) -> list[Path]:
    """`RUN/latency*.csv` and `FOLDER/NAME/latency*.csv`, where NAME is no run."""
    beside = [path for path in folder.glob(f"*/{NAME}*.csv") if not (path.parent / RunFolder("").recipe).exists()]
    beside = [path for path in beside if inside(path, folder.resolve())]
    return sorted({*run.path.glob(f"{NAME}*.csv"), *beside})


def latencies(run: RunFolder, *, files: Sequence[Path]) -> pd.DataFrame:
    """Milliseconds: a column for each device, called after it, and a row for each candidate as in `architectures`.

    NaN: not in a table.

    A table beside the runs that is not about this space is passed over; of two tables with a device, the first counts.

    Raises:
        InputError: a table in the run's own folder has problems.
    """
    known = architectures(run)
    rows = [tuple(answers) for answers in known.answers.tolist()]
    found: dict[str, list[float | None]] = {}
    for path in files:
        try:
            table = read_latencies(path, known.space)
        except InputError:
            if path.parent == run.path:
                raise
            continue
        for device, values in table.items():
            column = [values.get(row) for row in rows]
            if device not in found and any(value is not None for value in column):
                found[device] = column
    return pd.DataFrame(found, index=known.table.index, dtype=float).add_prefix(PREFIX)
