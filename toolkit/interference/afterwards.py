"""Probing the checkpoints of a run: `supernet probe`."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path

import pandas as pd

from toolkit.backends.base import Backend, Network
from toolkit.data.base import Dataset, Progress
from toolkit.interference.probe import HISTORY, UPDATES, Probe, Settings
from toolkit.interference.table import Row, add_probe, as_frame, read_interference
from toolkit.interference.times import times_trained
from toolkit.interference.updates import WINDOW, update_rows
from toolkit.runs.checkpoint import Checkpoint, load_checkpoint
from toolkit.runs.folder import RunFolder
from toolkit.runs.recipe import Recipe, read_recipe
from toolkit.runs.setup import load_weights, open_backend, open_data, open_space, quiet
from toolkit.spaces import SearchSpace
from toolkit.training.loop import Loop
from toolkit.training.tally import Tally
from toolkit.training.trainer import load_tally


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
    network = backend.supernet(open_space(recipe, data), recipe.seed)
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
        loop = _loop(backend, network, data, recipe, checkpoint)
        complete = bool(checkpoint.optimizer) or not recipe.training.momentum  # converted weights come without
        if settings.wants(UPDATES) and complete:
            rows += [row for row in _updates(loop, recipe, checkpoint) if row.measure in settings.measures]
        table = as_frame(rows, step, step / loop.steps_per_epoch)
        add_probe(run.interference, table)
    return Probed(path, network.space, table, tuple(uncounted))


def _part(progress: Progress, number: int, of: int, what: str, done: int, total: int) -> None:
    """The progress of one of several equal probes, as that of all."""
    progress(what, number * total + done, of * total)


def _loop(backend: Backend, network: Network, data: Dataset, recipe: Recipe, checkpoint: Checkpoint) -> Loop:
    """The training as it went on from a checkpoint, whose weights the network has."""
    optimizer = backend.optimizer(network, recipe.training.sgd)
    optimizer.load_state(checkpoint.optimizer | {f"ema.{name}": array for name, array in checkpoint.ema.items()})
    return Loop(backend, network, optimizer, data, recipe.training, recipe.seed)


def _updates(loop: Loop, recipe: Recipe, checkpoint: Checkpoint) -> list[Row]:
    method = recipe.make_method(loop.network.space)
    method.load_state(checkpoint.method)
    weights, teachers = [loop.network.weights()], [loop.optimizer.averaged()]
    with closing(loop.steps(method.step, checkpoint.facts.step, method.after)) as steps:
        for _ in islice(steps, WINDOW):
            weights.append(loop.network.weights())
            teachers.append(loop.optimizer.averaged())
    if len(weights) == 1:
        return []
    return list(update_rows(weights, [each for each in teachers if each is not None]))
