"""Train a supernet, or candidates alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from toolkit.backends.base import Counts
from toolkit.candidates import read_candidates
from toolkit.data.base import Progress
from toolkit.interference import watch
from toolkit.runs.folder import RunFolder
from toolkit.runs.recipe import Recipe, read_recipe
from toolkit.runs.setup import Note, quiet
from toolkit.spaces import get_space
from toolkit.training.selection import SELECTIONS
from toolkit.training.standalone import train_candidates_alone
from toolkit.training.steps import Pipeline, parse_pipeline, prepare_pipeline, read_pipeline, train_pipeline

Choose = Literal["spread", "stratified", "sampled", "d-optimal", "first"]
FEW = 12
"""Candidates that are trained alone, where nobody says how many."""


@dataclass(frozen=True, slots=True)
class Trained:
    """A finished training: its run folder, the last checkpoint, and the recipe (of the last step)."""

    run: Path
    checkpoint: Path
    recipe: Recipe


@dataclass(frozen=True, slots=True)
class TrainedAlone:
    """Candidates trained alone.

    Attributes:
        truth: the file of true accuracies.
        by_seed: the same, every seed in a column of its own.
        seeds: these.
        counts: by id, what each seed's network got right.
    """

    space: str
    truth: Path
    by_seed: Path
    seeds: tuple[int, ...]
    counts: Mapping[str, list[Counts]]


def open_recipe(recipe: str | Path | Mapping[str, Any] | Pipeline, changes: Sequence[str] = ()) -> Pipeline:
    """A TOML file, the name of a shipped recipe, or the tables themselves; with `key=value` changes to a file.

    Raises:
        InputError: lists all that is wrong.
    """
    if isinstance(recipe, Pipeline):
        return recipe
    return parse_pipeline(recipe) if isinstance(recipe, Mapping) else read_pipeline(recipe, list(changes))


def train(
    recipe: str | Path | Mapping[str, Any] | Pipeline | None = None,
    out: Path | str = "runs/run",
    *,
    changes: Sequence[str] = (),
    resume: bool = False,
    progress: Progress = quiet,
    note: Note = quiet,
) -> Trained:
    """Train a supernet, in one step or in several.

    Args:
        recipe: as `open_recipe` takes it; None only with `resume`, for the run holds its own.
        changes: such as `training.epochs=5`.
        resume: go on from the last checkpoint.

    Raises:
        InputError: bad recipe, data or checkpoint; `out` holds a run already; the loss is no longer a number.
        Stopped: Ctrl-C; the state at the last finished step was saved.
    """
    out = Path(out)
    asked = None if recipe is None else open_recipe(recipe, changes)
    pipeline = prepare_pipeline(asked, out, resume=resume)
    return Trained(out, train_pipeline(pipeline, out, progress, note, watch), pipeline.recipe)


def standalone(
    run: Path | str,
    candidates: Path | str | None = None,
    *,
    count: int | None = None,
    choose: Choose = "spread",
    draw_seed: int = 0,
    changes: Sequence[str] = (),
    seeds: Sequence[int] = (0,),
    workers: int | None = None,
    ray: str | None = None,
    warm_start: bool = False,
    progress: Progress = quiet,
) -> TrainedAlone:
    """Train candidates of a run alone, for ground truth. Finished ones are kept and not done again.

    Args:
        candidates: a file; the run's own by default.
        count: how many of them; by default 12, or all of a file that was given.
        choose: spread evenly over the candidates' MACs, one drawn from each equal part of them, any, those that
            teach a predictor most, or the first of the file, as a search sorts them.
        workers, ray: where the work is done: processes of this machine, or a Ray cluster's address, or `local`.
        warm_start: begin with the weights of the supernet's newest checkpoint.

    Raises:
        InputError: bad run, candidates or data.
        Stopped: Ctrl-C; finished networks are kept.
    """
    folder = RunFolder.open(run)
    recipe = read_recipe(folder.recipe, list(changes))
    space = get_space(recipe.space)
    table = read_candidates(candidates or folder.candidates, space)
    chosen = SELECTIONS[choose](space, table, count or (FEW if candidates is None else len(table)), draw_seed)
    seeds = tuple(dict.fromkeys(seeds))
    warm = folder.latest_checkpoint() if warm_start else None
    counts = train_candidates_alone(
        recipe, folder, chosen, seeds=seeds, workers=workers, ray=ray, warm=warm, progress=progress
    )
    return TrainedAlone(space.name, folder.standalone, folder.standalone_seeds, seeds, counts)
