"""Probing the checkpoints of a run: `supernet probe`."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path

import pandas as pd

from toolkit.backends.base import Weights
from toolkit.data.base import Progress
from toolkit.interference.probe import HISTORY, UPDATES, Probe, Settings
from toolkit.interference.table import Row, add_probe, as_frame, read_interference
from toolkit.interference.times import times_trained
from toolkit.interference.updates import WINDOW, update_rows
from toolkit.methods import Method
from toolkit.runs.checkpoint import load_checkpoint
from toolkit.runs.folder import RunFolder
from toolkit.runs.recipe import read_recipe
from toolkit.runs.setup import load_weights, open_backend, open_data, open_space, quiet
from toolkit.spaces import SearchSpace
from toolkit.training.loop import Loop
from toolkit.training.tally import Tally
from toolkit.training.trainer import fresh, load_tally


@dataclass(frozen=True, slots=True)
class Probed:
    """What was measured at the last of the checkpoints that were probed.

    `uncounted` are those that do not say what was trained how often, for they were saved before anybody counted.
    """

    checkpoint: Path
    space: SearchSpace
    table: pd.DataFrame
    uncounted: tuple[Path, ...]


def probe_run(run: RunFolder, checkpoints: Sequence[Path], settings: Settings, progress: Progress = quiet) -> Probed:
    """Measure a run at each of its checkpoints and add what was found to its table, checkpoint by checkpoint.

    How updates of the weights contradict each other is seen by playing a few steps of the training again, so at the
    last checkpoint, after which there are none, it has no number.

    Raises:
        InputError: a bad checkpoint, data set or table; the disk is full.
    """
    if run.interference.exists():
        read_interference(run.interference)  # better refused now than after all the work
    recipe = read_recipe(run.recipe)
    data = open_data(recipe, progress)
    backend = open_backend(recipe)
    space = open_space(recipe, data)
    network = backend.network(space, space.widest, recipe.seed)
    probe = Probe(backend, network, data, replace(settings, eta=recipe.training.lr))
    uncounted: list[Path] = []
    loaded = sorted(((load_checkpoint(path), path) for path in checkpoints), key=lambda pair: pair[0].facts.step)
    for number, (checkpoint, path) in enumerate(loaded):
        load_weights(network, checkpoint, str(path))
        rows = probe.measure(partial(_part, progress, number, len(loaded)))
        step = checkpoint.facts.step
        if settings.wants(HISTORY):
            tally = Tally(network.space)
            load_tally(tally, checkpoint, path)
            rows += times_trained(tally)
            uncounted += [] if tally.known else [path]
        state = fresh(recipe, backend, network)
        loop = state.loop(backend, data, recipe)
        complete = bool(checkpoint.optimizer) or not recipe.training.remembers  # converted weights come without
        if settings.wants(UPDATES) and complete:
            state.load(checkpoint, str(path))
            rows += [row for row in _updates(loop, state.method, step) if row.measure in settings.measures]
        table = as_frame(rows, step, step / loop.steps_per_epoch)
        add_probe(run.interference, table)
    return Probed(path, network.space, table, tuple(uncounted))


def _part(progress: Progress, number: int, of: int, what: str, done: int, total: int) -> None:
    """The progress of one of several equal probes, as that of all."""
    progress(what, number * total + done, of * total)


def _updates(loop: Loop, method: Method, start: int) -> list[Row]:
    """Those of a few steps more of the training."""

    def teacher() -> list[Weights]:
        return [] if loop.teacher is None else [loop.teacher.weights()]

    weights, teachers = [loop.network.weights()], teacher()
    with closing(loop.steps(method.step, start, method.after)) as steps:
        for _ in islice(steps, WINDOW):
            weights.append(loop.network.weights())
            teachers += teacher()
    return list(update_rows(weights, teachers)) if len(weights) > 1 else []
