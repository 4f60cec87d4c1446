"""Recipes in steps: several trainings in one file, each of which goes on with the weights of the one before.

`[[step]]` tables have a `name`, and change the common part of the recipe. Each step is an ordinary run that begins with
the last checkpoint of the step before: the last step in the run's own folder RUN, the earlier ones in RUN/steps. Made
for the progressive training of the 2021 challenge's first place (arXiv 2108.05866) and the few-shot splitting of the
fourth of 2022 (arXiv 2206.05896).
"""

import contextlib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tomli_w

from toolkit.backends.base import Weights
from toolkit.backends.shapes import shapes
from toolkit.data.base import Dataset, Progress
from toolkit.data.batches import steps_per_epoch
from toolkit.errors import InputError, Stopped
from toolkit.files import write_text
from toolkit.runs.folder import RunFolder
from toolkit.runs.recipe import (
    Recipe,
    find_recipe,
    merge_tables,
    moved,
    parse_recipe,
    read_changed,
    read_recipe,
    read_tables,
)
from toolkit.runs.setup import Note, descended, open_backend, open_data, open_space, quiet
from toolkit.runs.tables import Data
from toolkit.spaces import get_space
from toolkit.spaces.grouping import regrouping_problems
from toolkit.sqlite import only_writer
from toolkit.training.loop import parts
from toolkit.training.trainer import Watching, differences, prepare_run, train

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}")


@dataclass(frozen=True, slots=True)
class Step:
    """One training: its recipe, its name, its folder as seen from RUN, and what to call it while it goes on."""

    recipe: Recipe
    name: str = ""
    folder: str = ""
    title: str = "training"

    def run(self, path: Path) -> RunFolder:
        """Its run folder."""
        return RunFolder(path / self.folder)


@dataclass(frozen=True, slots=True)
class Pipeline:
    """The steps of a recipe, and the tables of the file that said so: none, if it was a recipe of a single step."""

    tables: Mapping[str, Any]
    steps: tuple[Step, ...]

    @property
    def recipe(self) -> Recipe:
        """The recipe of the last step, whose supernet is what all of it is for."""
        return self.steps[-1].recipe

    @property
    def divided(self) -> bool:
        """Whether the file has `[[step]]` tables."""
        return bool(self.tables)


def read_pipeline(source: Path | str, changes: list[str] | None = None) -> Pipeline:
    """The steps of a recipe file, or of the one shipped under that name.

    Changes are as in `read_recipe`, about the common part; `step.2.training.epochs=5` is about the second step, which
    may also be called by its name.

    Raises:
        InputError: as `read_recipe` does, for all steps; lists all problems.
    """
    path = find_recipe(source)
    return parse_pipeline(read_changed(path, changes), str(path))


def parse_pipeline(tables: Mapping[str, Any], where: str = "recipe") -> Pipeline:
    """The steps in TOML tables; errors as in `read_pipeline`, with `where` in front."""
    if "step" not in tables:
        return _single(parse_recipe(dict(tables), where))
    given = tables["step"]
    if not isinstance(given, list) or not given or not all(isinstance(changes, dict) for changes in given):
        raise InputError(f"{where}: step: write [[step]] tables, each with a name and what it changes")
    common = {key: table for key, table in tables.items() if key != "step"}
    names = [changes.get("name") for changes in given]
    found: dict[str, list[int]] = {}  # in which steps a problem occurs
    steps: list[Step] = []
    for number, (name, changes) in enumerate(zip(names, given, strict=True), start=1):
        problems = _name_problems(name, names)
        folder = "" if number == len(given) else f"steps/{number}-{name}"
        changed = {key: table for key, table in changes.items() if key != "name"}
        if number == 1:
            merged = merge_tables(common, changed)
        else:
            merged = merge_tables(common | {"initial": {}}, changed)  # what is common is about the first step
            problems += _going_on(merged, f"{number - 1}-{names[number - 2]}", last=not folder)
        try:
            recipe = parse_recipe(merged, "")
            steps.append(Step(recipe, str(name), folder, f"step {number} of {len(given)}"))
            if len(steps) == number > 1:
                problems += _parting(steps[-2].recipe, recipe)
        except InputError as error:
            problems += [problem.removeprefix(": ") for problem in error.problems]
        for problem in problems:
            found.setdefault(problem, []).append(number)
    if found:
        raise InputError(f"{where}: {_which(numbers, len(given))}{problem}" for problem, numbers in found.items())
    return Pipeline(tables, tuple(steps))


def _single(recipe: Recipe) -> Pipeline:
    return Pipeline({}, (Step(recipe),))


def _name_problems(name: object, names: Sequence[object]) -> list[str]:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        return [f"name: {name!a} is no name for a folder; use letters, digits, '.', '_', '+' and '-'"]
    return [f"name: {name!r} is the name of two steps"] if names.count(name) > 1 else []


def _going_on(tables: dict[str, Any], before: str, *, last: bool) -> list[str]:
    """Let a step begin with the weights of the one before; why it cannot."""
    initial = tables["initial"]
    if not isinstance(initial, dict):
        return []  # which the recipe will complain of
    taken = [key for key in ("weights", "run") if initial.pop(key, None) is not None]  # merged, so a table of its own
    initial["run"] = f"steps/{before}" if last else f"../{before}"
    return [
        f"initial.{key}: a step begins with the weights of the one before; only the first can take others"
        for key in taken
    ]


def _parting(before: Recipe, recipe: Recipe) -> list[str]:
    """Why a step cannot take the weights of another's supernet."""
    # Only these may change: what is evaluated stays the same.
    data = recipe.data.model_copy(update={"size": before.data.size, "augmentation": before.data.augmentation})
    same = {"space": before.space == recipe.space, "data": before.data == data}
    found = [
        f"{name}: must be the same in all steps; write it in the common part, above them"
        for name, holds in same.items()
        if not holds
    ]
    if found:
        return found
    problems = regrouping_problems(*(each.derive(get_space(each.space)) for each in (before, recipe)))
    return [f"supernet.groups: {problem}" for problem in problems]


def _which(numbers: Sequence[int], count: int) -> str:
    """In front of a problem of some steps; one that all have is the common part's."""
    return "" if len(numbers) == count > 1 else f"step {', '.join(map(str, numbers))}: "


def prepare_pipeline(asked: Pipeline | None, path: Path, *, resume: bool) -> Pipeline:
    """The steps of a new run, or of one to go on with, whose folder is made.

    Raises:
        InputError: as `prepare_run` does.
    """
    if not resume:
        return _prepare_new(asked, path)
    whole = RunFolder(path).steps
    if whole.is_file():
        kept = parse_pipeline(moved(read_tables(whole)), str(whole))
    else:
        kept = _single(prepare_run(None, path, resume=True)[0])
    problems = [] if asked is None else _changes(asked, kept, path)
    for step in kept.steps:
        run = step.run(path)
        if run.exists():
            problems += differences(step.recipe, read_recipe(run.recipe), str(run.path))
    if problems:
        raise InputError(dict.fromkeys(problems))
    return kept


def _prepare_new(asked: Pipeline | None, path: Path) -> Pipeline:
    if any(path.glob("steps/*/recipe.toml")):
        raise InputError(f"{path}: holds a run already; go on with it by --resume, or choose another --out")
    recipe, _ = prepare_run(None if asked is None else asked.recipe, path, resume=False)
    return asked if asked is not None and asked.divided else _single(recipe)


def _changes(asked: Pipeline, kept: Pipeline, path: Path) -> list[str]:
    """In what a recipe differs from that with which a run was begun."""
    if [step.folder for step in asked.steps] != [step.folder for step in kept.steps]:
        return [f"{path}: was begun with {_listed(kept)}, the recipe given has {_listed(asked)}; start a new run"]
    return [
        problem
        for new, old in zip(asked.steps, kept.steps, strict=True)
        for problem in differences(new.recipe, old.recipe, str(old.run(path).path))
    ]


def _listed(pipeline: Pipeline) -> str:
    if not pipeline.divided:
        return "no steps"
    return f"the steps {', '.join(step.name for step in pipeline.steps)}"


def train_pipeline(
    pipeline: Pipeline, path: Path, progress: Progress = quiet, note: Note = quiet, watching: Watching | None = None
) -> Path:
    """Train all steps of a prepared run that are not finished, from the last checkpoint on.

    Before the first, all are checked: that data and options are good, and each can take the weights before it.

    Returns:
        the last checkpoint.

    Raises:
        InputError: another process trains there, bad data or checkpoint, disk full, or the loss is no longer a number.
        Stopped: Ctrl-C; the state at the last finished step was saved.
    """
    with only_trainer(path):
        return _train_steps(pipeline, path, progress, note, watching)


@contextlib.contextmanager
def only_trainer(path: Path) -> Iterator[None]:
    """Hold the right to train in a run folder. In a data-parallel run the first process holds it for all.

    Raises:
        InputError: another process does; names it.
    """
    if not _is_first():
        yield
        return
    with only_writer(path, path / "train.lock"):
        yield


def _is_first() -> bool:
    """Whether this is the process of a data-parallel run that writes."""
    return os.environ.get("RANK", os.environ.get("PADDLE_TRAINER_ID", "0")) == "0"


def _train_steps(pipeline: Pipeline, path: Path, progress: Progress, note: Note, watching: Watching | None) -> Path:
    steps = pipeline.steps
    begun = [number for number, step in enumerate(steps) if step.run(path).checkpoints()]
    left = steps[max(begun, default=0) :]  # a step begins when the one before is finished
    opened: dict[Data, Dataset] = {}  # steps may differ in the size and augmentation of their images
    if pipeline.divided:
        verify = _is_first() and not begun
        for recipe in (step.recipe for step in left):
            if recipe.data not in opened:
                opened[recipe.data] = open_data(recipe, progress, verify=verify and not opened)
    if opened and not begun:
        _check(steps, opened)
    if _is_first() and not begun:
        whole = RunFolder(path).steps
        whole.unlink(missing_ok=True)  # of an attempt that did not come to its first step
        if pipeline.divided:
            write_text(whole, tomli_w.dumps(pipeline.tables))
    for step in left:

        def show(what: str, done: int, total: int, title: str = step.title) -> None:
            progress(title if what == "training" else what, done, total)

        try:
            checkpoint = train(step.recipe, step.run(path), show, note, opened.get(step.recipe.data), watching)
        except Stopped as stopped:
            raise Stopped(f"In {step.title}: {stopped}" if pipeline.divided else str(stopped)) from None
    return checkpoint


def _check(steps: Sequence[Step], opened: Mapping[Data, Dataset]) -> None:
    """Find what would go wrong in any step before the first is trained for hours."""
    problems: list[str] = []
    weights: Weights | None = None
    for step in steps:
        try:
            weights = _weights_after(step.recipe, opened[step.recipe.data], weights)
        except InputError as error:
            problems += [f"{step.title}: {problem}" for problem in error.problems]
    if problems:
        raise InputError(problems)


def _weights_after(recipe: Recipe, data: Dataset, before: Weights | None) -> Weights:
    """Names and shapes of the weights that a step will leave, as arrays that take no memory."""
    open_backend(recipe)
    space = open_space(recipe, data)
    train, held_out = parts(data, recipe.make_method(space).needs(), recipe.seed)
    for images in (train, held_out or train):
        steps_per_epoch(len(images.labels), recipe.training.batch_size)
    own = {name: np.broadcast_to(np.float32(0), shape) for name, shape in shapes(space.widest).items()}
    return own if before is None else descended(own, before)
