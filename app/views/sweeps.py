"""Sweeps below the dashboard's folder: what they compare, what came of it, and how far they are."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from app.views import candidates, runs, training
from app.views.folder import why_not
from toolkit.errors import InputError
from toolkit.files import read_bytes
from toolkit.ranking.metrics import CORE
from toolkit.ranking.report import Estimate
from toolkit.runs.folder import RunFolder
from toolkit.sweeps.report import PLAN, REPORT, Ranked, Run, SweepReport, sections

SEED, MEAN, PRIOR = "seed", "mean", "prior"
"""Kinds of rows: one run, a variant over its seeds, and what costs nothing."""

_Rows = list[tuple[object, ...]]
_ESTIMATE = ["value", "low", "high"]
_UNKNOWN = Estimate(value=None, low=None, high=None)


def named_sweeps(folder: Path) -> dict[str, Path]:
    """Every folder with a `sweep.json` by its path below `folder`, newest change first; `folder` may itself be one.

    They are looked for as deep as runs are (`toolkit.runs.folder.find_runs`). Those that lead outside are left out.
    """
    found = [
        report
        for depth in ("", "*/", "*/*/", "*/*/*/")
        for report in folder.glob(f"{depth}{REPORT}")
        if why_not(report.parent, folder.resolve()) is None
    ]
    sweeps = [report.parent for report in sorted(found, key=_changed, reverse=True)]
    return {s.relative_to(folder).as_posix() if s != folder else s.resolve().name: s for s in sweeps}


def plan(folder: Path) -> str | None:
    """The sweep's own file, None if its folder holds none.

    Raises:
        InputError: it cannot be read.
    """
    path = folder / PLAN
    return read_bytes(path).decode(errors="replace") if path.is_file() else None


ORDERS: dict[str, Callable[[Ranked], float]] = {
    "Best first": lambda each: -_number(each.tau.value, -2.0),
    "As planned": lambda _: 0.0,
}
"""Ways to sort variants; ties stay as the sweep's file has them."""


def ordered(report: SweepReport, order: str) -> list[str]:
    """All variants by name; those that are not compared yet come last."""
    names = [each.name for each in sorted(report.variants, key=ORDERS[order])]
    return list(dict.fromkeys([*names, *(run.variant for run in report.runs)]))


def taus(report: SweepReport) -> pd.DataFrame:
    """Kendall's tau of every run, variant and prior: `kind`, `name`, `seed` (NaN: none), `value`, `low`, `high`."""
    rows: _Rows = [(SEED, run.variant, run.seed, run.tau, None, None) for run in report.finished()]
    rows += [(MEAN, each.name, None, *_ends(each.tau)) for each in report.variants]
    rows += [(PRIOR, each.name, None, *_ends(each.tau)) for each in report.priors]
    return _frame(rows, ["kind", "name", "seed", *_ESTIMATE])


def differences(report: SweepReport) -> pd.DataFrame:
    """Kendall's tau less the baseline's, by seed and on average: as `taus`, and `verdict` (None for single seeds)."""
    by_name = {each.name: each for each in report.variants}
    base = by_name.get(report.baseline)
    rows: _Rows = []
    for each in report.variants if base else ():
        if base is None or each.difference is None:
            continue
        pairs = zip(report.seeds, each.by_seed, base.by_seed, strict=True)
        less = [(seed, a - b) for seed, a, b in pairs if a is not None and b is not None]
        rows += [(SEED, each.name, seed, difference, None, None, None) for seed, difference in less]
        rows.append((MEAN, each.name, None, *_ends(each.difference), each.verdict))
    return _frame(rows, ["kind", "name", "seed", *_ESTIMATE, "verdict"])


def costs(report: SweepReport) -> pd.DataFrame:
    """`taus` of runs and variants, and what they took: `training` and `evaluation`, in seconds per run."""
    rows: _Rows = [
        (SEED, run.variant, run.seed, run.tau, None, None, run.training, run.evaluation) for run in report.finished()
    ]
    rows += [(MEAN, e.name, None, *_ends(e.tau), e.training, e.evaluation) for e in report.variants]
    return _frame(rows, ["kind", "name", "seed", *_ESTIMATE, "training", "evaluation"])


def table(report: SweepReport) -> pd.DataFrame:
    """One row per variant and prior, every number of it in a column of its own."""
    return pd.DataFrame(
        {
            "name": each.name,
            "kind": "variant" if each in report.variants else PRIOR,
            **{
                f"{metric}{suffix}": getattr(each.metrics[metric], end)
                for metric in CORE
                for end, suffix in (("value", ""), ("low", "_low"), ("high", "_high"))
            },
            **{f"kendall_seed{seed}": tau for seed, tau in _by_seed(report, each)},
            "spread": each.spread,
            **dict(zip(("difference", "difference_low", "difference_high"), _ends(each.difference), strict=True)),
            "verdict": each.verdict,
            "training_seconds": each.training,
            "evaluation_seconds": each.evaluation,
        }
        for each in (*report.variants, *report.priors)
    )


def printed(report: SweepReport, names: list[str]) -> pd.DataFrame:
    """The table as the command prints it, but with the variants in the order of `names`, then the priors."""
    (section,) = sections(report)
    places = {name: place for place, name in enumerate(names)}
    rows = sorted(section.rows, key=lambda row: places.get(row[0], len(places)))
    return pd.DataFrame(rows, columns=["variant or prior", *section.heading[1:]])


@dataclass(frozen=True, slots=True)
class Trial:
    """A run of a sweep, with its folder.

    Attributes:
        name: what other pages call it; None where they do not offer it, as before it has begun.
    """

    run: Run
    folder: RunFolder
    name: str | None


def trials(report: SweepReport, sweep: Path, known: Mapping[str, RunFolder]) -> list[Trial]:
    """All runs of the sweep, in the order in which they are done.

    Args:
        known: the runs that the dashboard offers, by name.

    Raises:
        InputError: a run leads outside the sweep's folder.
    """
    names = {run.path: name for name, run in known.items()}
    folders = [RunFolder(sweep / run.folder) for run in report.runs]
    root = sweep.resolve()
    if problems := [problem for at in folders if (problem := why_not(at.path, root))]:
        raise InputError(problems)
    return [Trial(run, at, names.get(at.path)) for run, at in zip(report.runs, folders, strict=True)]


def is_live(sweep: Path, found: list[Trial], now: float | None = None) -> bool:
    """Whether somebody works on it: a run is to do, and something was written lately. `now`: seconds since 1970."""
    ahead = [trial.folder for trial in found if trial.run.state == "to do"]
    files = [file for run in ahead for file in (run.metrics, run.path / "checkpoints", *candidates.ledger_files(run))]
    newest = max(map(_changed, [sweep / REPORT, *files]))
    return bool(ahead) and (time.time() if now is None else now) - newest < training.FRESH


def state(trial: Trial, summary: runs.Summary | None, *, live: bool) -> str:
    """What a run is doing; what the page Runs says of its training, wherever the sweep has nothing to add.

    Args:
        summary: that of the page Runs; None for a run that has not begun.
        live: somebody works on the sweep.
    """
    if trial.run.state != "to do":
        return trial.run.state
    if summary is None:
        return "waiting"
    trained = runs.state(summary, live=training.is_live(trial.folder, summary.progress))
    return "evaluating" if live and trained == "trained" else trained


def progress(report: SweepReport, *, live: bool) -> str:
    """How far the sweep is, in a word or two."""
    if live:
        return "going on"
    if any(run.state == "to do" for run in report.runs):
        return "stopped"
    failed = sum(run.state == "failed" for run in report.runs)
    return f"{failed} failed" if failed else "finished"


def duration(seconds: float | None) -> str:
    """Such as `48 s`, `22 min`, `3.5 h`; a dash where it is not known."""
    if seconds is None:
        return "—"
    if seconds < 60:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def spent(report: SweepReport) -> float | None:
    """Seconds of training and evaluation in all finished runs together, None if there are none."""
    return sum((run.training or 0.0) + (run.evaluation or 0.0) for run in report.finished()) or None


def _by_seed(report: SweepReport, each: Ranked) -> Iterator[tuple[int, float | None]]:
    return zip(report.seeds, each.by_seed, strict=True) if each in report.variants else iter(())


def _ends(estimate: Estimate | None) -> tuple[float | None, float | None, float | None]:
    known = estimate or _UNKNOWN
    return known.value, known.low, known.high


def _frame(rows: _Rows, columns: list[str]) -> pd.DataFrame:
    numbers = [column for column in columns if column not in ("kind", "name", "verdict")]
    return pd.DataFrame(rows, columns=columns).astype(dict.fromkeys(numbers, float))


def _number(value: float | None, otherwise: float) -> float:
    return otherwise if value is None else value


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
