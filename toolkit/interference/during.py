"""Probing while a supernet is trained: every few epochs, within a budget, without a trace in the training."""

import time

from toolkit.data.base import Dataset
from toolkit.interference.probe import Probe, Settings
from toolkit.interference.table import Row, add_probe, as_frame, rewind_interference
from toolkit.interference.times import times_trained
from toolkit.interference.updates import WINDOW, Weights, update_rows
from toolkit.runs.folder import RunFolder
from toolkit.runs.recipe import Recipe
from toolkit.training.loop import Loop, Step
from toolkit.training.tally import Tally

_SHARE = 0.025
"""Backward passes of probes, by default, as a share of those of the training; with what else a probe does, its time
stays below 5 %.
"""


class Watch:
    """Fills a run's table after every few epochs, and after the last step.

    All randomness is the probe's own, and the network is left as it was: the training does not notice. What was
    measured after step `start` is forgotten, for a resumed run measures it again.
    """

    def __init__(self, loop: Loop, data: Dataset, recipe: Recipe, run: RunFolder, start: int) -> None:
        self._loop, self._run, self._budget = loop, run, recipe.probe.budget
        self._every = recipe.probe.every_epochs * loop.steps_per_epoch
        settings = Settings(
            paths=recipe.probe.paths,
            batches=recipe.probe.batches,
            images=recipe.training.batch_size // loop.backend.world // (recipe.training.accumulate or 1),
            seed=recipe.seed,
            eta=recipe.training.lr,
        )
        self._probe = Probe(loop.backend, loop.network, data, settings)
        self._tally = loop.tally or Tally(loop.network.space)
        self._weights: list[Weights] = []
        self._teachers: list[Weights] = []
        self._probed, self._since = 0.0, time.perf_counter()
        rewind_interference(run.interference, start)

    def observe(self, done: Step) -> str:
        """Take note of a step.

        Returns:
            a few words on the probe and its cost, if it was time for one; else nothing.
        """
        started = time.perf_counter()
        due = min(-(-done.step // self._every) * self._every, self._loop.total)
        if due - done.step <= WINDOW:
            self._weights.append(self._loop.network.weights())
            if (teacher := self._loop.teacher) is not None:
                self._teachers.append(teacher.weights())
        words = ""
        if done.step == due:
            rows = self._measure(done.step)
            seconds = self._probed + time.perf_counter() - started
            trained = time.perf_counter() - self._since - seconds
            passes = self._probe.passes
            rows.append(Row("probe_cost", seconds / trained, n=round(passes)))
            add_probe(self._run.interference, as_frame(rows, done.step, done.epoch))
            words = f"probe: {passes:.0f} passes, {seconds:.1f} s, {seconds / trained:.1%} of the training"
            self._since, self._probed = time.perf_counter(), 0.0
        else:
            self._probed += time.perf_counter() - started
        return words

    def _measure(self, step: int) -> list[Row]:
        networks = self._tally.networks if self._tally.known else step
        since = (step - 1) % self._every + 1  # steps; a resumed run has not counted its networks from there
        budget = self._budget or _SHARE * networks * since / step
        rows = self._probe.measure(turn=-(-step // self._every), budget=budget)
        rows += update_rows(self._weights, self._teachers)
        rows += times_trained(self._tally)
        self._weights, self._teachers = [], []
        return rows
