"""Compare recipes, and splits, side by side."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tomli_w

from toolkit.candidates import read_candidates
from toolkit.data.base import Progress
from toolkit.errors import InputError
from toolkit.evaluation.policy import NormPolicy
from toolkit.files import read_bytes, write_text
from toolkit.runs.folder import RunFolder
from toolkit.runs.recipe import read_recipe, read_tables
from toolkit.runs.setup import Note, quiet
from toolkit.spaces import get_space
from toolkit.sweeps.config import read_sweep
from toolkit.sweeps.report import PLAN, SweepReport
from toolkit.sweeps.splits import split_sweep, suggestions_at
from toolkit.sweeps.sweep import run_sweep

EPOCHS, SEEDS, NORM = 1, (0, 1), "calibrate"
"""Of the experiment on splits, where nobody says otherwise."""


def sweep(
    file: Path | str,
    out: Path | str = "runs/sweep",
    *,
    workers: int | None = None,
    ray: str | None = None,
    progress: Progress = quiet,
    note: Note = quiet,
) -> SweepReport:
    """Train each recipe with several seeds, evaluate all on the same candidates, rank them side by side.

    Started again it goes on; runs that failed stand in the report with their problems.

    Raises:
        InputError: the sweep is no good, or differs from what `out` holds; then `out` is as it was.
        Stopped: Ctrl-C; all finished work is kept.
    """
    config, trials = read_sweep(Path(file))
    plan = read_bytes(file).decode()
    return run_sweep(config, trials, Path(out), plan=plan, workers=workers, ray=ray, progress=progress, note=note)


def split_test(
    run: Path | str,
    out: Path | str = "runs/split-test",
    *,
    truth: Path | None = None,
    candidates: Path | None = None,
    epochs: int | None = None,
    seeds: Sequence[int] | None = None,
    norm: str | None = None,
    images: int | None = None,
    workers: int | None = None,
    ray: str | None = None,
    progress: Progress = quiet,
    note: Note = quiet,
) -> SweepReport:
    """Does splitting help? No split, the suggested one, a random one and the least promising, on equal budgets.

    Args:
        truth: true accuracies; by default the run's standalone.json.
        candidates: what is evaluated; by default the networks of `truth`.
        epochs, seeds: of the further training of every variant; by default 1, and 0 and 1.
        norm, images: as for `evaluate`.

    Raises:
        InputError: as `plan_split_test` and `sweep` do.
        Stopped: Ctrl-C; all finished work is kept.
    """
    plan = plan_split_test(
        run,
        out,
        truth=truth,
        candidates=candidates,
        epochs=epochs,
        seeds=seeds,
        norm=norm,
        images=images,
        progress=progress,
    )
    return sweep(plan, out, workers=workers, ray=ray, progress=progress, note=note)


def plan_split_test(
    run: Path | str,
    out: Path | str = "runs/split-test",
    *,
    truth: Path | None = None,
    candidates: Path | None = None,
    epochs: int | None = None,
    seeds: Sequence[int] | None = None,
    norm: str | None = None,
    images: int | None = None,
    progress: Progress = quiet,
) -> Path:
    """The sweep that tells whether splitting helps, in `out`; `sweep` runs it. One that is there already is kept.

    Raises:
        InputError: bad run, truth or options; or `out` holds an experiment that differs in what was asked for: names
            each difference.
    """
    folder, plan = RunFolder.open(run), Path(out) / PLAN
    asked: dict[str, Any] = {
        "candidates": candidates or truth,
        "truth": truth,
        "seeds": None if seeds is None else list(dict.fromkeys(seeds)),
        "common.training.epochs": epochs,
        "evaluation.norm": norm,
        "evaluation.images": images,
    }
    if plan.exists():
        _same(plan, {"recipe": folder.recipe} | asked)
        return plan
    truth = truth or folder.standalone
    recipe = read_recipe(folder.recipe)
    for file in dict.fromkeys([truth, candidates or truth]):
        read_candidates(file, get_space(recipe.space))
    NormPolicy.parse(norm or NORM)
    checkpoint = folder.latest_checkpoint()
    tables = split_sweep(
        recipe,
        folder.recipe,
        checkpoint,
        suggestions_at(folder, checkpoint, progress),
        candidates=candidates or truth,
        truth=truth,
        epochs=epochs or EPOCHS,
        seeds=asked["seeds"] or list(SEEDS),
        norm=norm or NORM,
        images=images,
    )
    plan.parent.mkdir(parents=True, exist_ok=True)
    write_text(plan, tomli_w.dumps(tables))
    return plan


def _same(plan: Path, asked: dict[str, Any]) -> None:
    """Refuse to go on with an experiment that is not the one asked for; what was not asked for may be anything."""
    kept = read_tables(plan)
    problems = []
    for key, value in asked.items():
        found: Any = kept
        for part in key.split("."):
            found = found.get(part) if isinstance(found, dict) else None
        same = found == value
        if isinstance(value, Path) and isinstance(found, str):
            same = Path(found).resolve() == value.resolve()
        if value is not None and not same:
            shown = str(value) if isinstance(value, Path) else value
            problems.append(
                f"{plan}: was begun with {key} = {found!r}, and is asked for with {shown!r} now; go on without that "
                "option, or choose another --out"
            )
    if problems:
        raise InputError(problems)
