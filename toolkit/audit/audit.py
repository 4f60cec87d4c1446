"""The audit of a training: a few steps of its training, in memory, on a network that is thrown away."""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from toolkit.audit.reads import Reads, both_logits
from toolkit.audit.report import Drift, Report, Step
from toolkit.audit.watch import Watch
from toolkit.backends.base import Backend, Weights
from toolkit.backends.shapes import is_statistic
from toolkit.backends.weights import inherited
from toolkit.data.base import Dataset, Progress
from toolkit.errors import InputError
from toolkit.interference.draws import draw_batches
from toolkit.runs.recipe import Recipe
from toolkit.runs.setup import open_backend, open_data, open_space, quiet
from toolkit.training.steps import Pipeline
from toolkit.training.trainer import State, begin, fresh

STEPS = 8

Floats = npt.NDArray[np.floating]

_IMAGES = 64
"""Training images on which a frozen teacher's logits are compared."""


def audit_pipeline(
    pipeline: Pipeline, path: Path | None = None, steps: int = STEPS, progress: Progress = quiet
) -> dict[str, Report]:
    """Audit the first steps of each training of a recipe, by its title; nothing is written.

    With the `path` of a run, audited is the training that it has come to, from the last checkpoint on; if that is
    finished, the last steps of its schedule are done once more. Without, each training after the first goes on with
    the weights of the few steps before it.

    Raises:
        InputError: bad data or checkpoint, several processes, or the loss is no longer a number.
    """
    parts = pipeline.steps
    if path is not None:
        begun = [number for number, part in enumerate(parts) if part.run(path).checkpoints()]
        parts = parts[max(begun, default=0) :][:1]
    data = open_data(pipeline.recipe, progress)
    weights: Weights | None = None
    reports = {}
    for part in parts:
        recipe, backend = part.recipe, open_backend(part.recipe)
        if backend.world > 1:
            raise InputError(f"--audit: works in one process, found {backend.world}; start it without a launcher")
        if weights is not None:
            recipe = recipe.model_copy(update={"initial": recipe.initial.model_copy(update={"run": None})})
        run = None if path is None else part.run(path)
        begun_run = run if run is not None and run.checkpoints() else None
        folder = Path() if run is None else run.path
        state = begin(recipe, backend, open_space(recipe, data), begun_run, folder)
        if weights is not None:
            state.network.load_weights(inherited(state.network.weights(), weights))
            state = fresh(recipe, backend, state.network)  # what follows the network begins with these weights
        reports[part.title] = audit_steps(backend, state, data, recipe, steps, partial(_part, progress, part.title))
        weights = state.network.weights()
    return reports


def _part(progress: Progress, title: str, what: str, done: int, total: int) -> None:
    progress(f"{what} {title}", done, total)


def audit_steps(
    backend: Backend, state: State, data: Dataset, recipe: Recipe, steps: int = STEPS, progress: Progress = quiet
) -> Report:
    """Train on for `steps` steps, and report on each.

    Raises:
        InputError: the loss is no longer a number.
    """
    network, method = state.network, state.method
    first, owned = network.weights(), state.lab.state()
    watch = Watch(network, state.optimizer, recipe.training.made_optimizer)
    loop = replace(state, network=watch.network, optimizer=watch.optimizer).loop(backend, data, recipe)
    start = max(0, min(state.start, loop.total - steps))
    ((images, _),) = draw_batches(backend, data, 1, _IMAGES, recipe.seed)
    reads = Reads(backend, network.space, images[:2])
    frozen = method.frozen()
    blocks = None if frozen is None or isinstance(frozen, frozenset) else frozen
    logits = None if blocks is None else both_logits(network, blocks, images)
    done = []
    with closing(loop.steps(method.step, start, method.after)) as trained:
        for each in islice(trained, steps):
            if not np.isfinite(loss := float(each.values["loss"])):
                raise InputError(f"the loss of step {each.step} is {loss:g}; audit with a lower training.lr")
            notes = watch.take()
            unused = []
            for update in range(notes.updates):
                learning = [each.plans for each in notes.passes if each.update == update and not each.constant]
                used = frozenset[str]().union(*map(reads, learning))
                unused.append(frozenset(name for name in first if name not in used and not is_statistic(name)))
            drift = None
            if blocks is not None and logits is not None:
                now = both_logits(network, blocks, images)
                drift = Drift(*(_relative(before, after) for before, after in zip(logits, now, strict=True)))
            done.append(Step(each.step, notes, tuple(unused), drift))
            progress("auditing", len(done), min(steps, loop.total - start))
    return Report(
        space=network.space,
        recipe=recipe,
        steps=tuple(done),
        sizes={name: array.size for name, array in first.items()},
        norms={name: float(np.linalg.norm(array)) for name, array in first.items()},
        frozen=reads(blocks) if blocks is not None else frozen if isinstance(frozen, frozenset) else frozenset(),
        owned=_moved(owned, state.lab.state()),
    )


def _moved(before: Mapping[str, Floats], after: Mapping[str, Floats]) -> dict[str, float]:
    """How far all tensors of each thing that a method owns moved together, relative to their length."""
    names = dict.fromkeys(name.partition(".")[0] for name in after)
    found = {}
    for owner in names:
        kept = [name for name in after if name.startswith(f"{owner}.")]
        ends = [[np.ravel(each.get(name, np.zeros_like(after[name]))) for name in kept] for each in (before, after)]
        found[owner] = _relative(*map(np.concatenate, ends))
    return found


def _relative(before: Floats, after: Floats) -> float:
    """Distance, relative to the length before."""
    length = np.linalg.norm(before)
    return float(np.linalg.norm(after - before) / length) if length else float(np.any(after != before))
