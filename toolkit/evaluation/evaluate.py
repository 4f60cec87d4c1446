"""Fill a run's ledger: every candidate that is not in it yet, exactly once, wherever the work is done."""

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Self

from toolkit.backends import get_backend
from toolkit.backends.base import Counts, Precision
from toolkit.candidates import Candidates
from toolkit.data.base import Progress
from toolkit.errors import Stopped
from toolkit.evaluation.fitting import Trained, fitted
from toolkit.evaluation.images import EvaluationSet
from toolkit.evaluation.judging import By, Judge
from toolkit.evaluation.ledger import AVERAGED, Ledger, Row, Setting
from toolkit.evaluation.policy import NormPolicy
from toolkit.evaluation.prefixes import prefix_groups
from toolkit.evaluation.worker import Equipment, Machine, Worker
from toolkit.executors import Crew, deal, hire
from toolkit.interrupts import interrupt_at_once
from toolkit.runs.checkpoint import load_checkpoint
from toolkit.runs.folder import RunFolder
from toolkit.runs.recipe import read_recipe
from toolkit.runs.setup import load_weights, open_data, open_space, quiet
from toolkit.spaces import SearchSpace

GROUP = 128
"""Candidates that are walked together, between two commits to the ledger: all that a killed process can lose, per
worker. Twice as many share hardly more: 1.955x instead of 1.948x of the official candidates' MACs.
"""

FEWEST, EACH = 16, 8
"""Groups are smaller, down to so many candidates (1.844x), where a worker would get fewer than so many groups."""


@dataclass(frozen=True)
class Job:
    """What to evaluate with.

    Attributes:
        run: the run folder.
        checkpoint: which of its checkpoints.
        policy: where batch-norm statistics come from.
        images: how many validation images; all if None.
        start: instead of testing on the first so many of them again, add to the results that the ledger holds of these.
        averaged: use the moving average of the weights.
        threads: CPU threads of each process that does the work; by default the recipe's, or the framework's choice.
        memory: bytes that activations may take in each of these processes; no bound if None.
        precision: of the arithmetic; whatever the supernet was trained in, candidates are told apart best in full.
        backend: the framework; by default the one that the supernet was trained with. Their results are equal to
            rounding, so both are filed under the same setting.
        by: what judges networks in place of the supernet's classifier.
    """

    run: Path
    checkpoint: Path
    policy: NormPolicy
    images: int | None = None
    averaged: bool = False
    threads: int | None = None
    memory: int | None = None
    precision: Precision = "fp32"
    start: int = 0
    backend: str | None = None
    by: By = "labels"


@dataclass(frozen=True)
class Done:
    """What an evaluation did: results under `setting`, `fresh` of them new, in `seconds` of wall time."""

    setting: Setting
    fresh: int
    total: int
    seconds: float


def equip(job: Job, progress: Progress = quiet) -> tuple[Equipment, Setting]:
    """What workers need, and what their results are filed under.

    Raises:
        InputError: a bad checkpoint or data set, or more images asked for than there are.
    """
    recipe = read_recipe(RunFolder.open(job.run).recipe)
    data = open_data(recipe, progress)
    images = EvaluationSet.of(data, job.policy, job.images, view=0 if job.by == "contrastive" else None)
    space = open_space(recipe, data)
    checkpoint = load_checkpoint(job.checkpoint)
    backend = job.backend or recipe.backend
    network = get_backend(backend, "cpu").network(space, space.widest, recipe.seed)
    load_weights(network, checkpoint, str(job.checkpoint), averaged=job.averaged)
    machine = Machine(backend, recipe.device, job.precision, job.threads or recipe.threads)
    identity = checkpoint.digest + (AVERAGED if job.averaged else "")
    weights, judge = network.weights(), None
    if job.by != "labels":
        device = machine.open()
        own = device.network(space, space.widest, recipe.seed)
        own.load_weights(weights)
        folder, temperature = RunFolder(job.run).judges, getattr(recipe.method, "temperature", Judge("knn").temperature)
        trained = Trained(checkpoint, identity, device, own, data, folder, recipe.seed, temperature)
        found = fitted(job.by, trained, job.policy, job.images, progress)
        weights, judge, identity = found.weights, found.judge, identity + found.suffix
    setting = Setting(space.name, identity, images.digest, len(images.labels), images.norm, job.precision)
    return Equipment(space, weights, images, machine, job.memory, job.start, judge), setting


class Filler:
    """Fills a run's ledger, in as many calls as needed: data, weights and workers are there once. A context.

    Args:
        workers, ray: where the work is done; see `toolkit.executors.hire`. Nobody is hired before there is work.

    Attributes:
        setting: what results are filed under.

    Raises:
        InputError: a bad checkpoint, data set or ledger; another process is writing.
    """

    def __init__(
        self, job: Job, *, workers: int | None = None, ray: str | None = None, progress: Progress = quiet
    ) -> None:
        self._job, self._path = job, RunFolder.open(job.run).ledger
        self._where = workers, ray
        equipment, self.setting = equip(job, progress)
        self._equipment: Equipment | None = equipment
        self._space = equipment.space
        self._crew: Crew[list[str], list[Row]] | None = None
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self.ledger = self._stack.enter_context(Ledger.write(self._path))
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def fill(
        self, codes: Iterable[str], progress: Progress = quiet, on_first_result: Callable[[], None] = quiet
    ) -> int:
        """Evaluate those that have no result yet; how many these were.

        Args:
            on_first_result: called when there are results, so that all that was given is known to be good.

        Raises:
            InputError: bad weights or images, or the disk is full.
            Stopped: Ctrl-C; everything finished was recorded.
        """
        wanted, done = dict.fromkeys(codes), self.ledger.done(self.setting)
        missing = [code for code in wanted if code not in done]
        if not missing:
            on_first_result()
            return 0
        start = self._job.start
        nothing = Counts(0, 0, 0, 0.0)
        before = self.ledger.results(replace(self.setting, images=start)) if start else dict.fromkeys(missing, nothing)
        finished, fresh = len(wanted) - len(missing), 0
        progress("evaluating", finished, len(wanted))
        try:
            crew = self._hired()
            for results in deal(crew, group_candidates(self._space, missing, crew.size)):
                rows = [replace(row, counts=before[row.code] + row.counts) for group in results for row in group]
                self.ledger.record(self.setting, rows)
                if not fresh:
                    on_first_result()
                fresh += len(rows)
                progress("evaluating", finished + fresh, len(wanted))
        except KeyboardInterrupt:
            kept = len(self.ledger.done(self.setting) & wanted.keys())
            raise Stopped(
                f"Stopped; {kept:,} of {len(wanted):,} candidates are in {self._path}. "
                "The same command again goes on from there."
            ) from None
        return len(missing)

    def _hired(self) -> Crew[list[str], list[Row]]:
        if self._crew is None:
            equipment = self._equipment
            assert equipment is not None  # noqa: S101
            gpus = equipment.machine.device != "cpu"
            self._stack.enter_context(interrupt_at_once())
            self._crew = self._stack.enter_context(closing(hire(partial(Worker, equipment), *self._where, gpus=gpus)))
            self._equipment = None  # the crew has a copy of all images, and nobody needs a second one
        return self._crew


def evaluate_candidates(
    job: Job,
    candidates: Candidates,
    *,
    workers: int | None = None,
    ray: str | None = None,
    progress: Progress = quiet,
    on_first_result: Callable[[], None] = quiet,
) -> Done:
    """Evaluate every candidate that the run's ledger does not hold yet under the job's setting.

    Args:
        workers, ray, on_first_result: as for `Filler`.

    Raises:
        InputError, Stopped: as `Filler` does.
    """
    started = time.perf_counter()
    codes = dict.fromkeys(candidates.values())
    with Filler(job, workers=workers, ray=ray, progress=progress) as filler:
        fresh = filler.fill(codes, progress, on_first_result)
    return Done(filler.setting, fresh, len(codes), time.perf_counter() - started)


def group_candidates(space: SearchSpace, codes: Sequence[str], workers: int) -> list[list[str]]:
    """Cut candidates into groups that share much, enough of them for all workers to finish at about the same time."""
    networks = [(code, space.supernet_plans(space.parse(code))) for code in codes]
    return [[code for code, _ in group] for group in prefix_groups(networks, group_limit(len(codes), workers))]


def group_limit(candidates: int, workers: int) -> int:
    """How many candidates may be in a group."""
    return min(GROUP, max(FEWEST, candidates // (EACH * workers)))
