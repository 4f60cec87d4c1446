"""Fill a run's ledger: every candidate that is not in it yet, exactly once, in this process or in several."""

import os
import signal
import threading
import time
from collections.abc import Generator, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from dataclasses import dataclass
from itertools import takewhile
from multiprocessing import active_children, get_context, parent_process
from pathlib import Path

from toolkit.data.base import Progress
from toolkit.errors import InputError, Stopped
from toolkit.evaluation.candidates import Candidates
from toolkit.evaluation.evaluator import Evaluator
from toolkit.evaluation.ledger import AVERAGED, Ledger, Row, Setting
from toolkit.evaluation.policy import NormPolicy
from toolkit.evaluation.prefixes import prefix_groups
from toolkit.interrupts import stop_on_interrupt
from toolkit.spaces import SearchSpace
from toolkit.training.checkpoint import load_checkpoint
from toolkit.training.recipe import read_recipe
from toolkit.training.run import RunFolder
from toolkit.training.setup import load_weights, open_backend, open_data, open_space, quiet

GROUP = 128
"""Candidates that are walked together, between two commits to the ledger: all that a killed process can lose, per
worker. Twice as many share hardly more: 1.94 or 1.96 of the official candidates' MACs.
"""


@dataclass(frozen=True)
class Job:
    """What to evaluate with; plain data, so that another process can set itself up from it.

    Attributes:
        run: the run folder.
        checkpoint: which of its checkpoints.
        policy: where batch-norm statistics come from.
        images: how many validation images; all if None.
        averaged: use the moving average of the weights.
        threads: CPU threads of the process that does the work; the framework's choice if None.
    """

    run: Path
    checkpoint: Path
    policy: NormPolicy
    images: int | None = None
    averaged: bool = False
    threads: int | None = None


@dataclass(frozen=True)
class Done:
    """What an evaluation did: results under `setting`, `fresh` of them new, in `seconds` of wall time."""

    setting: Setting
    fresh: int
    total: int
    seconds: float


class Worker:
    """A network with its weights, and images, ready to test candidates."""

    def __init__(self, job: Job, progress: Progress = quiet) -> None:
        recipe = read_recipe(RunFolder.open(job.run).recipe)
        data = open_data(recipe, progress)
        checkpoint = load_checkpoint(job.checkpoint)
        self.space: SearchSpace = open_space(recipe, data)
        backend = open_backend(recipe, job.threads)
        network = backend.supernet(self.space, recipe.seed)
        load_weights(network, checkpoint, str(job.checkpoint), averaged=job.averaged)
        self._evaluator = Evaluator(backend, network, data, job.policy, job.images)
        identity = checkpoint.digest + (AVERAGED if job.averaged else "")
        self.setting = self._evaluator.setting(identity)

    def evaluate(self, codes: Sequence[str]) -> list[Row]:
        """Test a group of candidates; each is charged its share of the time."""
        start = time.perf_counter()
        results = self._evaluator.evaluate([self.space.parse(code) for code in codes])
        seconds = (time.perf_counter() - start) / len(codes)
        return [Row(code, counts, seconds) for code, counts in zip(codes, results, strict=True)]


def evaluate_candidates(job: Job, candidates: Candidates, *, workers: int = 1, progress: Progress = quiet) -> Done:
    """Evaluate every candidate that the run's ledger does not hold yet under the job's setting.

    Raises:
        InputError: a bad checkpoint, data set or ledger; another process is writing; the disk is full.
        Stopped: Ctrl-C; everything finished was recorded.
    """
    run = RunFolder.open(job.run)
    started = time.perf_counter()
    first = Worker(job, progress)
    codes = dict.fromkeys(candidates.values())
    with Ledger.write(run.ledger) as ledger, stop_on_interrupt() as stop:
        done = ledger.done(first.setting)
        missing = [code for code in codes if code not in done]
        finished = len(codes) - len(missing)
        networks = [(code, first.space.supernet_plans(first.space.parse(code))) for code in missing]
        groups = [[code for code, _ in group] for group in prefix_groups(networks, GROUP)]
        wanted = takewhile(lambda _: not stop.requested, groups)
        results = (first.evaluate(group) for group in wanted) if workers <= 1 else _spread(job, wanted, workers)
        with closing(results):
            for rows in results:
                ledger.record(first.setting, rows)
                finished += len(rows)
                progress("evaluating", finished, len(codes))
        if finished < len(codes):
            raise Stopped(
                f"Stopped; {finished:,} of {len(codes):,} candidates are in {run.ledger}. "
                "The same command again goes on from there."
            )
    return Done(first.setting, len(missing), len(codes), time.perf_counter() - started)


def _spread(job: Job, groups: Iterable[Sequence[str]], workers: int) -> Generator[list[Row]]:
    """Evaluate groups in several processes; results come in the order in which they are finished."""
    context = get_context("spawn")  # a forked process would inherit the framework's threads, dead
    waiting, others = iter(groups), active_children()
    with ProcessPoolExecutor(workers, context, _set_up, (job,)) as pool:
        running: set[Future[list[Row]]] = set()
        try:
            while True:
                # Two groups a worker in flight: none is idle, and the user who stops does not wait long.
                while len(running) < 2 * workers and (group := next(waiting, None)) is not None:
                    running.add(_submit(pool, group))
                if not running:
                    return
                ready, running = wait(running, return_when=FIRST_COMPLETED)
                for future in ready:
                    yield future.result()
        except BrokenProcessPool as error:
            raise InputError("a worker process died; start the same command again to go on") from error
        except BaseException:  # nobody waits for what is in flight: a second Ctrl-C, a full disk
            for process in active_children():
                if process not in others:
                    process.kill()
            raise


def _submit(pool: ProcessPoolExecutor, group: Sequence[str]) -> Future[list[Row]]:
    """Hand a group to the pool, which may start a process for it: one that is deaf to Ctrl-C from its first moment.

    Ctrl-C is for the parent, which waits for what is in flight.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # a new process inherits this
    try:
        return pool.submit(_evaluate, group)
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


_worker: Worker


def _set_up(job: Job) -> None:
    global _worker
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _worker = Worker(job)


def _end_with_parent() -> None:
    """Wait until the parent is gone, however it ended, and follow it: nobody would stop this process any more."""
    if (parent := parent_process()) is not None:
        parent.join()
        os._exit(1)


def _evaluate(codes: Sequence[str]) -> list[Row]:
    return _worker.evaluate(codes)
