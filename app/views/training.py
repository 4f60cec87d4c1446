"""A run's metrics as a table of curves, and what is happening in it right now."""

import json
import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from toolkit.files import read_bytes
from toolkit.runs.folder import RunFolder
from toolkit.runs.metrics import read_metrics
from toolkit.runs.recipe import Recipe, read_recipe

FRESH = 120.0
"""Seconds after which metrics without news mean that nobody trains any more."""

STEPS = 2**53
"""No training has so many: what claims it is a damaged line."""

POINTS = 1500
"""What a curve is thinned to: more cannot be told apart on a screen."""


NO_CURVES = pd.DataFrame({"step": pd.Series(dtype=int), "epoch": pd.Series(dtype=float)})


def curves(run: RunFolder) -> pd.DataFrame:
    """Every record: `step` (int), `epoch` and one float column per metric, NaN where a record has no number.

    Records whose step cannot be one are left out.
    """
    records = [
        {"step": record["step"]} | {name: _number(value) for name, value in record.items() if name != "step"}
        for record in read_metrics(run)
        if 0 <= record["step"] < STEPS
    ]
    if not records:
        return NO_CURVES
    frame = pd.DataFrame(records).dropna(axis="columns", how="all")
    return frame if "epoch" in frame else frame.assign(epoch=math.nan)


def metrics(frame: pd.DataFrame) -> list[str]:
    """The metrics of a table of curves, in the order of the file."""
    return [str(name) for name in frame if name not in ("step", "epoch")]


def latest(frame: pd.DataFrame, metric: str, form: str, unit: str = "") -> str | None:
    """The last number of a metric as text, None if there is none."""
    values = frame[metric].dropna() if metric in frame else frame.iloc[:0, 0]
    return f"{values.iloc[-1]:{form}}{unit}" if len(values) else None


def smoothed(values: pd.Series, weight: float) -> pd.Series:
    """Exponential moving average with `weight` on the past: 0 changes nothing; gaps stay gaps."""
    return values.ewm(alpha=1.0 - weight).mean().where(values.notna()) if weight else values


def thinned(frame: pd.DataFrame, points: int = POINTS) -> pd.DataFrame:
    """Every k-th record and the last, if there are more than `points`."""
    stride = math.ceil(len(frame) / points)
    return frame if stride <= 1 else frame.iloc[sorted({*range(0, len(frame), stride), len(frame) - 1})]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far training is; `epochs` is what the recipe asks for, None if that is unknown."""

    step: int
    epoch: float
    epochs: int | None

    @property
    def share(self) -> float | None:
        """Between 0 and 1."""
        return min(max(self.epoch / self.epochs, 0.0), 1.0) if self.epochs else None


def progress(frame: pd.DataFrame, planned: Recipe | None) -> Progress:
    """Where the last record stands."""
    epochs = planned.training.epochs if planned else None
    if frame.empty:
        return Progress(0, 0.0, epochs)
    epoch = float(frame["epoch"].iloc[-1])
    return Progress(int(frame["step"].iloc[-1]), 0.0 if math.isnan(epoch) else epoch, epochs)


def is_live(run: RunFolder, so_far: Progress, now: float | None = None) -> bool:
    """Whether somebody trains: metrics were written lately and the end is not reached. `now`: seconds since 1970."""
    return so_far.share != 1.0 and is_fresh(run.metrics, now)


def is_fresh(path: Path, now: float | None = None) -> bool:
    """Whether a file was written lately."""
    try:
        age = (time.time() if now is None else now) - path.stat().st_mtime
    except OSError:
        return False
    return age < FRESH


def gap(frame: pd.DataFrame) -> float | None:
    """By how much the largest network's last accuracy is above the smallest's, in percent points; None if not known."""
    if not {"largest_top1", "smallest_top1"} <= set(frame):
        return None
    both = frame[["largest_top1", "smallest_top1"]].dropna()
    return 100 * float(both["largest_top1"].iloc[-1] - both["smallest_top1"].iloc[-1]) if len(both) else None


def differing(recipes: Mapping[str, Recipe]) -> pd.DataFrame:
    """What differs between recipes: one row per key with dots, one column per run; a dash where a key is not set."""
    flat = {name: dict(_flat(each.model_dump(mode="json", exclude_none=True))) for name, each in recipes.items()}
    keys = dict.fromkeys(key for values in flat.values() for key in values)
    rows = [[key, *(values.get(key, "—") for values in flat.values())] for key in keys]
    return pd.DataFrame([row for row in rows if len(set(row[1:])) > 1], columns=["key", *flat])


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value if isinstance(value, str) else json.dumps(value)


def recipe(run: RunFolder) -> Recipe:
    """The recipe of the run; raises InputError."""
    return read_recipe(run.recipe)


def recipe_text(run: RunFolder) -> str:
    """The recipe as it stands in the run folder."""
    return read_bytes(run.recipe).decode(errors="replace")


def checkpoints(run: RunFolder) -> pd.DataFrame:
    """The run's checkpoints, newest first: `step`, `megabytes`, `written` (UTC)."""
    found = [(step, path.stat()) for step, path in run.checkpoints().items()]
    return pd.DataFrame(
        [
            (step, status.st_size / 1e6, pd.Timestamp(status.st_mtime, unit="s", tz="UTC"))
            for step, status in found[::-1]
        ],
        columns=["step", "megabytes", "written"],
    )


def _number(value: Any) -> float:
    """A metric's value; NaN for null and for whatever else a damaged line may hold."""
    try:
        number = float(value) if isinstance(value, int | float) else math.nan
    except OverflowError:
        return math.nan
    return number if math.isfinite(number) else math.nan
