"""Run folders, and what can be said of each in one line."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pandas as pd

from app.views import candidates, ranking, training
from app.views.folder import changed
from app.views.ranking import sources
from toolkit.candidates import read_table
from toolkit.errors import InputError
from toolkit.ranking.report import Estimate
from toolkit.runs.folder import RunFolder
from toolkit.runs.recipe import Recipe, read_recipe
from toolkit.spaces.base import shorten

SPARK = 40
"""Points of the small loss curve."""

T = TypeVar("T")


def summarised(run: RunFolder) -> list[Path]:
    """The files that `summary` reads."""
    files = [run.recipe, run.metrics, run.path / "checkpoints", *candidates.ledger_files(run), run.candidates, run.rank]
    return [*files, run.standalone, *sources.score_files(run).values()]


@dataclass(frozen=True, slots=True)
class Summary:
    """One run in one line; None where there is nothing yet.

    Attributes:
        losses: the loss over the whole training, thinned.
        weights: the step of the newest checkpoint.
        scores: names of the files of scores.
        evaluated, candidates: how many of the candidates have a result under the latest setting.
        tau: Kendall's tau of the last rank report, with its interval.
        changed: seconds since 1970.
        problems: what could not be read, all of it.
    """

    recipe: Recipe | None
    progress: training.Progress
    losses: list[float]
    checkpoints: int
    weights: int | None
    scores: tuple[str, ...]
    evaluated: int | None
    candidates: int | None
    tau: Estimate | None
    changed: float
    problems: tuple[str, ...]


def summary(run: RunFolder) -> Summary:
    """Whatever is readable of a run; a damaged file takes away only what it held."""
    try:
        return _summary(run)
    except Exception as error:  # whatever it is, the other runs are to be seen
        problem = (
            f"{run.path}: cannot be summed up ({type(error).__name__}: {shorten(str(error))}); look at its files, "
            "the newest first"
        )
        nothing = training.progress(training.NO_CURVES, None)
        return Summary(None, nothing, [], 0, None, (), None, None, None, changed(run), (problem,))


def _summary(run: RunFolder) -> Summary:
    problems: list[str] = []

    def attempt(view: Callable[[], T]) -> T | None:
        try:
            return view()
        except InputError as error:
            problems.extend(error.problems)
        except OSError as error:
            problems.append(f"{error.filename}: cannot be read ({error.strerror}); check its rights")
        return None

    recipe = attempt(lambda: read_recipe(run.recipe))
    curves = attempt(lambda: training.curves(run))
    curves = training.NO_CURVES if curves is None else curves
    holdings = attempt(lambda: candidates.settings(run)) or []
    return Summary(
        recipe=recipe,
        progress=training.progress(curves, recipe),
        losses=training.thinned(curves[["loss"]].dropna(), SPARK)["loss"].tolist() if "loss" in curves else [],
        checkpoints=len(run.checkpoints()),
        weights=max(run.checkpoints(), default=None),
        scores=tuple(sources.score_files(run)),
        evaluated=holdings[0].results if holdings else None,
        candidates=attempt(lambda: len(read_table(run.candidates).ids)) if run.candidates.is_file() else None,
        tau=attempt(lambda: ranking.headline(run)),
        changed=changed(run),
        problems=tuple(dict.fromkeys(problems)),
    )


def matching(summaries: dict[str, Summary], text: str) -> list[str]:
    """Names of the runs in which every word of `text` occurs (in the name, space, method or data)."""

    def described(name: str) -> str:
        return f"{name} {setup(summaries[name])}".casefold()

    return [name for name in summaries if all(word in described(name) for word in text.casefold().split())]


def setup(summary: Summary) -> str:
    """What is trained on what."""
    recipe = summary.recipe
    return f"{recipe.method.name} · {recipe.space} · {recipe.data.source}" if recipe else "recipe unreadable"


def state(summary: Summary, *, live: bool) -> str:
    """What the run is doing, or how far it has come."""
    if summary.problems:
        return "damaged"
    if live:
        return "training"
    if summary.progress.share == 1:
        return "trained"
    if not summary.progress.step and summary.weights is not None:
        return "kept"
    return "stopped" if summary.progress.step else "begun"


def table(summaries: dict[str, Summary], submissions: dict[str, int | None]) -> pd.DataFrame:
    """One row per run; `submissions` are the numbers of problems, None where there is no submission."""
    return pd.DataFrame(
        {
            "run": name,
            "space": s.recipe.space if s.recipe else None,
            "method": s.recipe.method.name if s.recipe else None,
            "data": s.recipe.data.source if s.recipe else None,
            "step": s.progress.step,
            "epoch": s.progress.epoch,
            "epochs": s.progress.epochs,
            "loss": s.losses[-1] if s.losses else None,
            "checkpoints": s.checkpoints,
            "evaluated": s.evaluated,
            "candidates": s.candidates,
            "submission_problems": submissions[name],
            "kendall_tau": s.tau.value if s.tau else None,
            "kendall_tau_low": s.tau.low if s.tau else None,
            "kendall_tau_high": s.tau.high if s.tau else None,
            "changed": pd.Timestamp(s.changed, unit="s", tz="UTC").isoformat(timespec="seconds"),
        }
        for name, s in summaries.items()
    )
