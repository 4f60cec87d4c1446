"""Evaluate every candidate with a supernet's weights, and see how far that is."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from toolkit.backends.base import Precision
from toolkit.candidates import Candidates, read_candidates, read_table, write_candidates
from toolkit.data.base import Progress
from toolkit.errors import InputError
from toolkit.evaluation.evaluate import Done, Job, evaluate_candidates
from toolkit.evaluation.judging import By
from toolkit.evaluation.ledger import Holding, Ledger
from toolkit.evaluation.memory import parse_size
from toolkit.evaluation.partly import Partly, evaluate_part
from toolkit.evaluation.policy import NormPolicy
from toolkit.evaluation.race import TOLERANCE, Race
from toolkit.evaluation.race import race as run_race
from toolkit.runs.folder import RunFolder
from toolkit.runs.recipe import Recipe, read_recipe
from toolkit.runs.setup import Note, quiet
from toolkit.spaces import get_space


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What an evaluation did: the ledger that holds the results, and what was done, how a race or a part went."""

    ledger: Path
    candidates: Path
    done: Done | None
    race: Race | None
    partly: Partly | None


def job_of(
    folder: RunFolder,
    checkpoint: Path | None,
    norm: str,
    images: int | None,
    ema: bool,
    workers: int | None,
    ray: str | None,
    memory: str | None,
    precision: Precision,
    backend: str | None,
    by: By = "labels",
) -> Job:
    """An evaluation as plain data: of several processes each has one thread and its part of the memory.

    Raises:
        InputError: no checkpoint; a policy or a size that is none.
    """
    return Job(
        folder.path,
        checkpoint or folder.latest_checkpoint(),
        NormPolicy.parse(norm),
        images,
        averaged=ema,
        threads=1 if ray or (workers or 1) > 1 else None,
        memory=None if memory is None else parse_size(memory) // (1 if ray else workers or 1),
        precision=precision,
        backend=backend,
        by=by,
    )


def evaluate(
    run: Path | str,
    candidates: Path | str | None = None,
    *,
    checkpoint: Path | None = None,
    norm: str = "calibrate",
    images: int | None = None,
    ema: bool = False,
    workers: int | None = None,
    ray: str | None = None,
    memory: str | None = None,
    precision: Precision = "fp32",
    race: bool = False,
    tolerance: float = TOLERANCE,
    part: int | None = None,
    until_tau: float | None = None,
    backend: str | None = None,
    by: By = "labels",
    progress: Progress = quiet,
    note: Note = quiet,
) -> Evaluated:
    """Evaluate every candidate that the run's ledger does not hold yet: nothing is done twice.

    Args:
        candidates: a file, which becomes the run's own when the first results are there; by default the run's last one.
        norm: `stored`, `batch`, `batch:N`, `calibrate` or `calibrate:N`.
        memory: most that activations may take, such as `4GiB`: in all processes together, on a cluster in each.
        race: few images first, more where the order is uncertain, up to `tolerance`.
        part: only so many candidates, spread over all; `submit(run, predicted=True)` predicts the others.
        until_tau: likewise, in rounds, until predictions agree so well with evaluated candidates held out.
        by: `labels`, the supernet's classifier; without one `probe`, `knn` or `contrastive` (docs/evaluation.md).

    Raises:
        InputError: bad run, candidates, checkpoint, data or options; the run is as it was.
        Stopped: Ctrl-C; everything finished was recorded.
    """
    predicting = part is not None or until_tau is not None
    if race and predicting:
        raise InputError("a race evaluates all candidates; leave out --race, or --evaluate and --until-tau")
    folder = RunFolder.open(run)
    table = read_candidates(candidates or folder.candidates, get_space(read_recipe(folder.recipe).space))
    job = job_of(folder, checkpoint, norm, images, ema, workers, ray, memory, precision, backend, by)
    keep: Callable[[], None] = quiet if candidates is None else partial(_keep, folder, table, note)
    done, raced, partly = None, None, None
    if race:
        raced = run_race(
            job, table, tolerance=tolerance, workers=workers, ray=ray, progress=progress, on_first_result=keep
        )
    elif predicting:
        partly = evaluate_part(
            job,
            table,
            count=part,
            until=until_tau,
            workers=workers,
            ray=ray,
            progress=progress,
            on_first_result=keep,
        )
    else:
        done = evaluate_candidates(job, table, workers=workers, ray=ray, progress=progress, on_first_result=keep)
    return Evaluated(folder.ledger, Path(candidates or folder.candidates), done, raced, partly)


@dataclass(frozen=True, slots=True)
class Status:
    """What a run has done.

    Attributes:
        step: of its last checkpoint; 0 if there is none.
        checkpoints: how many are kept.
        candidates: how many different ones it has.
        holdings: what its ledger holds of each setting, and of how many of the candidates.
    """

    run: RunFolder
    recipe: Recipe
    step: int
    checkpoints: int
    candidates: int
    holdings: tuple[tuple[Holding, int], ...]


def status(run: Path | str) -> Status:
    """What a run has done, and what is left.

    Raises:
        InputError: no run, or its recipe, candidates or ledger cannot be read.
    """
    folder = RunFolder.open(run)
    recipe = read_recipe(folder.recipe)
    checkpoints = folder.checkpoints()
    codes: set[str] = set()
    if folder.candidates.exists():
        codes = set(read_candidates(folder.candidates, get_space(recipe.space)).values())
    holdings: list[tuple[Holding, int]] = []
    if folder.ledger.exists():
        with Ledger.read(folder.ledger) as ledger:
            holdings = [(holding, len(codes & ledger.done(holding.setting))) for holding in ledger.settings()]
    return Status(folder, recipe, max(checkpoints, default=0), len(checkpoints), len(codes), tuple(holdings))


def _keep(folder: RunFolder, table: Candidates, note: Note) -> None:
    """Make a table the run's candidates, with a note where others were evaluated before: their results stay."""
    before = set(read_table(folder.candidates).codes.values()) if folder.candidates.exists() else set()
    now = set(table.values())
    if before and before != now:
        note(
            f"Other candidates than before: {len(now - before):,} are new, {len(before - now):,} are gone. What was "
            f"evaluated stays in {folder.ledger}."
        )
    write_candidates(folder.candidates, table)
