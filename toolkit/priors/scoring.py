"""Fill a ledger with scores: every candidate that is not in it yet, exactly once, in this process or in several."""

import json
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from toolkit.backends import get_backend
from toolkit.data.base import Progress
from toolkit.errors import InputError, Stopped
from toolkit.executors import deal, hire
from toolkit.interrupts import interrupt_at_once
from toolkit.priors.base import ImageSource, Prior
from toolkit.priors.ledger import Ledger, Row, Setting
from toolkit.runs.setup import Note, quiet
from toolkit.spaces import SearchSpace

PATIENCE = 1.0
"""Seconds between two commits to the ledger, unless a candidate takes longer: all that a killed process loses."""


@dataclass(frozen=True)
class Job:
    """What to score with; plain data: any process makes a worker from it by calling it.

    Attributes:
        space: for the images that networks are to have.
        threads: CPU threads of each process; the framework's choice if None.
    """

    space: SearchSpace
    prior: Prior
    images: ImageSource
    backend: str = "torch"
    device: str = "auto"
    threads: int | None = None

    @property
    def setting(self) -> Setting:
        """What the ledger files scores under."""
        space, options = self.space, json.dumps(self.prior.options.model_dump(), sort_keys=True)
        images = f"{space.channels}x{space.size}x{space.size}, {space.classes} classes"
        if self.prior.uses_images:
            images += f", {self.images.name}"
        return Setting(space.name, self.prior.name, options, images)

    def check(self) -> None:
        """Whether there are images enough.

        Raises:
            InputError: there are not.
        """
        name, there, batch = self.prior.name, self.images.count, getattr(self.prior.options, "batch", 0)
        if self.prior.uses_images and there is not None and batch > there:
            raise InputError(
                f"{name} takes {batch:,} images and the data keeps {there:,} for it; take fewer, such as "
                f"--set {name}.batch={there}"
            )

    def __call__(self) -> Callable[[str], Row]:
        """A worker: it scores a candidate, by its code."""
        prior = self.prior
        backend = get_backend(self.backend, self.device, prior.precision, self.threads)

        def score(code: str) -> Row:
            start = time.perf_counter()
            try:
                value = prior.score(backend, self.space, self.space.parse(code), self.images)
            except backend.out_of_memory as error:
                raise InputError(
                    f"{prior.name} of {code}: device {backend.device} is out of memory; take smaller images (--size) "
                    "or, if the prior has batches, smaller ones"
                ) from error
            return Row(code, value, time.perf_counter() - start)

        return score


@dataclass(frozen=True)
class Scored:
    """What a ledger holds now: the scores of all candidates by code, `fresh` of them new, taking `seconds` each."""

    setting: Setting
    scores: dict[str, float]
    fresh: int
    seconds: float


def score_candidates(
    job: Job,
    codes: Iterable[str],
    path: Path,
    *,
    workers: int | None = None,
    ray: str | None = None,
    progress: Progress = quiet,
    note: Note = quiet,
) -> Scored:
    """Score every candidate that the ledger at `path` does not hold yet under the job's setting.

    Args:
        codes: in the space's own spelling.
        workers, ray: where the work is done; see `toolkit.executors.hire`.
        note: told how long a candidate takes.

    Raises:
        InputError: too few images; a bad ledger; another process is writing; the disk is full.
        Stopped: Ctrl-C; what was finished a second before was recorded.
    """
    job.check()
    codes, setting, name = list(dict.fromkeys(codes)), job.setting, job.prior.name
    with Ledger.write(path) as ledger:
        known = ledger.scores(setting)
        missing = [code for code in codes if code not in known]
        fresh, seconds = 0, 0.0
        if missing:
            progress(name, len(codes) - len(missing), len(codes))
            try:
                with interrupt_at_once(), closing(hire(job, workers, ray, gpus=job.device != "cpu")) as crew:
                    for rows in _batches(deal(crew, missing)):
                        ledger.record(setting, rows)
                        fresh, seconds = fresh + len(rows), seconds + sum(row.seconds for row in rows)
                        progress(name, len(codes) - len(missing) + fresh, len(codes))
                        note(f"{seconds / fresh:.2g} s each")
            except KeyboardInterrupt:
                kept = len(ledger.scores(setting).keys() & set(codes))
                raise Stopped(
                    f"Stopped; {kept:,} of {len(codes):,} candidates have their {name} in {path}. "
                    "The same command again goes on from there."
                ) from None
        scores = ledger.scores(setting)
        return Scored(setting, {code: scores[code] for code in codes}, len(missing), ledger.seconds(setting))


def _batches(results: Iterable[list[Row]]) -> Iterator[list[Row]]:
    """Results gathered until there is something worth a commit."""
    held: list[Row] = []
    start = time.monotonic()
    for rows in results:
        held += rows
        if time.monotonic() - start >= PATIENCE:
            yield held
            held, start = [], time.monotonic()
    if held:
        yield held
