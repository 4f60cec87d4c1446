"""All runs of a sweep, one after the other or in several processes, and the report on them."""

import os
from collections.abc import Sequence
from contextlib import closing, nullcontext, suppress
from functools import partial
from pathlib import Path

import numpy as np

from toolkit.candidates import Candidates, read_candidates
from toolkit.data.base import Progress
from toolkit.errors import InputError, Stopped
from toolkit.executors import spread
from toolkit.files import write_json, write_text
from toolkit.interrupts import interrupt_at_once
from toolkit.ranking.pairs import FEWEST
from toolkit.ranking.priors import cost_priors
from toolkit.runs.setup import Note, quiet
from toolkit.spaces import SearchSpace, get_space
from toolkit.sweeps.config import Evaluation, Sweep, Trial
from toolkit.sweeps.report import PLAN, REPORT, Finished, SweepReport, compare, read_report
from toolkit.sweeps.trial import Scores, finish, judge
from toolkit.training.steps import prepare_pipeline


def run_sweep(
    sweep: Sweep,
    trials: Sequence[Trial],
    out: Path,
    *,
    plan: str | None = None,
    workers: int | None = None,
    ray: str | None = None,
    progress: Progress = quiet,
    note: Note = quiet,
) -> SweepReport:
    """Finish all runs of a sweep and compare them; `out/sweep.json` holds the report, `out/VARIANT/seed-N` the runs.

    Whatever is there already is not done again. The report is written anew after every run, so that it can be followed,
    and a killed sweep leaves a comparison. A run that fails takes none of the others with it: it stands in the report
    with its problems. Several workers each train and evaluate whole runs; on a Ray cluster `out` and what recipes
    name must be there under the same paths on all machines.

    Args:
        plan: the text of the sweep's file, kept as `out/sweep.toml`.
        workers, ray: where the work is done; see `toolkit.executors.hire`.

    Raises:
        InputError: bad candidates or truth; a worker that died; not one run could be finished, as with bad data; or one
            that the last report holds cannot be read again: then that report stays as it is.
        Stopped: Ctrl-C; all finished work is kept.
    """
    space = get_space(trials[0].recipe.space)
    candidates = read_candidates(sweep.candidates, space)
    truth = _truth(sweep, candidates, space)
    _refuse_others(trials, out)
    if plan is not None:
        write_text(out / PLAN, plan)
    codes = list(truth)
    priors = cost_priors(space, [space.parse(code) for code in codes])
    true = np.array([truth[code] for code in codes])
    found: dict[tuple[str, int], Finished] = {}
    failed: dict[tuple[str, int], tuple[str, ...]] = {}

    def write() -> SweepReport:
        report = compare(
            [trial.key for trial in trials],
            found,
            priors,
            true,
            space=space.name,
            baseline=sweep.reference,
            score=sweep.evaluation.score,
            failed=failed,
        )
        write_json(out / REPORT, report.model_dump())
        return report

    known = _finished_before(out) & {trial.key for trial in trials}
    if not known:
        write()
    several = bool(ray) or (workers or 1) > 1
    make = partial(_Runner, out.absolute() if ray else out, candidates, sweep.evaluation)
    make = partial(make, threads=1) if several else partial(make, progress=progress, note=note)
    gpus = any(trial.recipe.device != "cpu" for trial in trials)
    # What the last report holds comes first, and until that is read again the report stays: it knows more.
    ordered = sorted(trials, key=lambda trial: trial.key not in known)
    try:
        work = spread(make, ordered, workers, ray, gpus=gpus)
        with interrupt_at_once() if several else nullcontext(), closing(work) as results:
            for done in results:
                for trial, outcome in done:
                    if isinstance(outcome, Scores):
                        scores = np.array([outcome.scores[code] for code in codes])
                        found[trial.key] = Finished(scores, outcome.training, outcome.evaluation)
                        judge(trial, out, outcome, candidates, truth, priors)
                    else:
                        failed[trial.key] = outcome
                        note(outcome[0])
                if known <= found.keys():
                    write()
                progress("runs", len(found) + len(failed), len(trials))
    except KeyboardInterrupt:
        raise Stopped(
            f"Stopped; {len(found)} of {len(trials)} runs in {out} are finished, and each of the others is kept up to "
            "its last checkpoint. The same command again goes on from there."
        ) from None
    except Stopped as stopped:
        raise Stopped(f"{stopped} The same `supernet sweep` again does, and goes on with the others.") from None
    if not found or not known <= found.keys():
        raise InputError(list(dict.fromkeys(problem for problems in failed.values() for problem in problems)))
    return read_report(out / REPORT)


def _refuse_others(trials: Sequence[Trial], out: Path) -> None:
    """Before anything is written.

    Raises:
        InputError: runs of these names were begun with other recipes; names every difference.
    """
    problems: list[str] = []
    for trial in trials:
        folder = trial.folder(out)
        if any(step.run(folder).exists() for step in trial.pipeline.steps):
            try:
                prepare_pipeline(trial.pipeline, folder, resume=True)
            except InputError as error:
                problems += error.problems
    if problems:
        raise InputError(problems)


def _finished_before(out: Path) -> set[tuple[str, int]]:
    """The runs that the report in a folder holds, if there is a readable one."""
    with suppress(InputError):
        return {(run.variant, run.seed) for run in read_report(out / REPORT).finished()}
    return set()


def _truth(sweep: Sweep, candidates: Candidates, space: SearchSpace) -> dict[str, float]:
    """True accuracies of the candidates that have one, by the candidate's code."""
    path = sweep.truth or sweep.candidates
    known = read_candidates(path, space)
    true = {space.parse(code): known.accs[name] for name, code in known.items()}
    truth = {code: true[arch] for code in candidates.values() if (arch := space.parse(code)) in true}
    if len(truth) < FEWEST or len(set(truth.values())) < 2:
        raise InputError(
            f"{path}: gives true accuracies of {len(truth):,} of the candidates in {sweep.candidates}, with "
            f"{len(set(truth.values()))} different values; at least {FEWEST} networks that differ are needed"
        )
    return truth


class _Runner:
    """Finishes trials, one after the other; every call is a task of an executor."""

    def __init__(
        self,
        out: Path,
        candidates: Candidates,
        evaluation: Evaluation,
        threads: int | None = None,
        progress: Progress = quiet,
        note: Note = quiet,
    ) -> None:
        self._finish = partial(finish, out=out, candidates=candidates, evaluation=evaluation, note=note)
        self._progress = progress
        if threads is not None:  # before a framework is loaded: processes that all take every CPU are slower than one
            os.environ.setdefault("OMP_NUM_THREADS", str(threads))

    def __call__(self, trial: Trial) -> tuple[Trial, Scores | tuple[str, ...]]:
        """The trial's scores; or what went wrong, which is no reason to give up the others."""

        def show(what: str, done: int, total: int) -> None:
            self._progress(f"{what} {trial.variant} {trial.seed}", done, total)

        try:
            return trial, self._finish(trial, progress=show)
        except InputError as error:
            return trial, tuple(error.problems)
