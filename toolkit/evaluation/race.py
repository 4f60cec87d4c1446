"""Racing: all candidates on few images, and more images only for those whose place is still uncertain.

Images are taken in one order, the same for all, and each round has twice those of the round before. So counts of rounds
add up, and what images have in common shifts all candidates alike.

**Noise.** What remains is how differently candidates do on other images of the same difficulty. The first two rounds
are for everybody, and show it: the variance, over candidates, of the difference between the accuracies on the images of
the first round and on the new ones of the second, as a share of what binomial noise would give. (Candidates that
inherit the same weights agree on most images, so the share is well below 1: what pairing by image gains.) A candidate
that has seen m of n images then has the noise variance `share * p (1 - p) (1/m - 1/n)` against its own result on all n.

**Who goes on.** A candidate goes on while the share of others that it is expected to be ranked wrongly against, at the
end, is above a tolerance. Comparing with the nearest neighbours alone would never end: of tens of thousands of
candidates the nearest are always too close to tell apart, and to a rank correlation one pair matters as little as any
other. One less twice the mean of these shares is the Kendall tau that the race expects with the full evaluation.

**Scores.** Whoever stopped at m images is carried along: the accuracy there, plus by how much the accuracies of those
who went on have changed since, in the mean. Without that, those who stopped on easier images would be too good.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from toolkit.backends.base import Counts
from toolkit.candidates import Candidates
from toolkit.data.base import Progress
from toolkit.errors import InputError
from toolkit.evaluation.evaluate import Job, evaluate_candidates
from toolkit.evaluation.ledger import Ledger, Setting
from toolkit.evaluation.policy import NormPolicy
from toolkit.runs.folder import RunFolder
from toolkit.runs.recipe import read_recipe
from toolkit.runs.setup import open_data, quiet

TOLERANCE = 0.05
"""The share of others that a candidate may be expected to be ranked wrongly against."""

FEWEST = 10
"""With fewer candidates their noise cannot be told, and is taken to be binomial."""

Rounds = Mapping[int, Mapping[str, Counts]]
"""By number of images, ascending: the counts of all who were tested on so many, by code."""

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Round:
    """What one round took and what it brought.

    Attributes:
        images: that candidates have been tested on by its end; `candidates`: how many took part.
        passes: images that passed through networks, those of the calibration included.
        seconds: of wall time.
        tau: the Kendall tau with the full evaluation that is expected if the race ends here; NaN after the first round.
    """

    images: int
    candidates: int
    passes: int
    seconds: float
    tau: float


@dataclass(frozen=True)
class Race:
    """How a race went.

    Attributes:
        scores: accuracies by code; those of candidates that stopped are carried along.
        images: by code, how many each was tested on.
        noise: how much of binomial noise tells candidates apart.
        full: passes of the full evaluation.
    """

    scores: dict[str, float]
    images: dict[str, int]
    rounds: tuple[Round, ...]
    noise: float
    full: int

    @property
    def spent(self) -> float:
        """Passes as a share of the full evaluation's."""
        return sum(each.passes for each in self.rounds) / self.full


def race(
    job: Job,
    candidates: Candidates,
    *,
    tolerance: float = TOLERANCE,
    workers: int | None = None,
    ray: str | None = None,
    progress: Progress = quiet,
    on_first_result: Callable[[], None] = quiet,
) -> Race:
    """Race candidates up to the job's images. Started again it goes on: every round is a setting of the run's ledger.

    Args:
        tolerance: see above; 0 is the full evaluation.
        workers, ray, on_first_result: as for `evaluate_candidates`.

    Raises:
        InputError: a tolerance that is none; or as `evaluate_candidates` does.
        Stopped: Ctrl-C; everything finished was recorded.
    """
    if not 0 <= tolerance < 0.5:
        raise InputError(f"tolerance {tolerance}: a share of the other candidates, from 0 to below 0.5")
    total, run = job.images or _available(job), RunFolder.open(job.run)
    going = candidates
    everybody = len(set(candidates.values()))
    results: dict[int, Mapping[str, Counts]] = {}
    rounds: list[Round] = []
    noise, before = 1.0, 0
    for images in schedule(total, job.policy):
        done = evaluate_candidates(
            replace(job, images=images, start=before),
            going,
            workers=workers,
            ray=ray,
            progress=progress,
            on_first_result=quiet if before else on_first_result,
        )
        with Ledger.read(run.ledger) as ledger:
            found = ledger.results(done.setting)
        results[images] = {code: found[code] for code in going.values()}
        passes = len(results[images]) * (images - before + job.policy.calibration)
        if len(results) == 2:
            noise = noise_share(results)
        wrong = expected_wrong(results, total, noise) if len(results) > 1 or images == total else {}
        tau = 1 - 2 * sum(wrong.values()) / everybody if wrong else np.nan
        rounds.append(Round(images, len(results[images]), passes, done.seconds, tau))
        if wrong:
            going = _only(going, {code for code in results[images] if wrong[code] > tolerance})
        before = images
        if not going:
            break
    seen = {code: images for images in results for code in results[images]}
    full = everybody * (total + job.policy.calibration)
    return Race(carried(results, accuracy), seen, tuple(rounds), noise, full)


def schedule(total: int, policy: NormPolicy) -> list[int]:
    """The number of images at the end of each round, each twice that of the round before; the last is `total`.

    The first round has a sixteenth; but at least four times what calibrates it, which every round has to do again, so
    that with few images there is one round: the full evaluation. For the policy `batch` rounds are whole batches.
    """
    unit = policy.images if policy.source == "batch" else 1
    first = max(total // 16, 4 * policy.calibration, 1)
    first = -(-first // unit) * unit
    ends = []
    while first < total:
        ends.append(first)
        first *= 2
    return [*ends, total]


def accuracy(counts: Counts) -> float:
    """The share of images whose true class is ranked first."""
    return counts.top1 / counts.total


def carried(rounds: Rounds, value: Callable[[Counts], float]) -> dict[str, float]:
    """The value of every code at its last round; of those that stopped before the end, carried along.

    So an accuracy may come out slightly above 1: cut off there, it would be a tie.
    """
    found: dict[str, float] = {}
    drift = 0.0
    after: Mapping[str, Counts] = {}
    for results in reversed(list(rounds.values())):
        changes = [value(counts) - value(results[code]) for code, counts in after.items() if code in results]
        drift += float(np.mean([change for change in changes if np.isfinite(change)] or [0.0]))
        found |= {code: value(counts) + drift for code, counts in results.items() if code not in found}
        after = results
    return found


def recorded(ledger: Ledger, setting: Setting, codes: Collection[str]) -> dict[int, dict[str, Counts]]:
    """The rounds that a ledger holds: results of `codes` on as many images as `setting` has or fewer."""
    images = (holding.setting.images for holding in ledger.settings() if holding.setting.images <= setting.images)
    rounds = {count: ledger.results(replace(setting, images=count)) for count in sorted(set(images))}
    found = {count: {code: results[code] for code in codes if code in results} for count, results in rounds.items()}
    return {count: results for count, results in found.items() if results}


def noise_share(rounds: Rounds) -> float:
    """What remains of binomial noise between candidates that see the same images, from the first two rounds."""
    (few, first), (many, second) = list(rounds.items())[:2]
    if len(second) < FEWEST:
        return 1.0
    before = np.array([first[code].top1 for code in second])
    after = np.array([counts.top1 for counts in second.values()])
    changes = (after - before) / (many - few) - before / few
    binomial = np.mean(_binomial(after / many, np.full(len(after), many))) * (1 / few + 1 / (many - few))
    return float(changes.var(ddof=1) / binomial)


def expected_wrong(rounds: Rounds, total: int, noise: float) -> dict[str, float]:
    """By code, the share of others that it is expected to be ranked wrongly against, compared with `total` images."""
    scores = carried(rounds, accuracy)
    seen = {code: images for images in rounds for code in rounds[images]}
    codes = list(scores)
    standing = np.array([(scores[code], seen[code]) for code in codes])
    # Candidates on the same images with the same counts are in the same situation: a few hundred or thousand in all.
    places, which, many = np.unique(standing, axis=0, return_inverse=True, return_counts=True)
    value, images = places.T
    variance = noise * _binomial(value, images) * (1 / images - 1 / total)
    wrong = np.empty(len(places))
    for i in range(len(places)):
        spread = np.sqrt(variance[i] + variance)
        with np.errstate(divide="ignore", invalid="ignore"):
            chances = np.where(spread > 0, ndtr(-np.abs(value[i] - value) / spread), 0.0)
        wrong[i] = (chances @ many - chances[i]) / max(1, len(codes) - 1)
    return dict(zip(codes, wrong[which.ravel()].tolist(), strict=True))


def _binomial(value: FloatArray, images: FloatArray) -> FloatArray:
    """The variance of one answer, p (1 - p), never quite 0: nobody is right on all images for certain."""
    p = np.clip(value, 1 / (images + 2), 1 - 1 / (images + 2))
    return p * (1 - p)


def _only(candidates: Candidates, codes: set[str]) -> Candidates:
    kept = {name: code for name, code in candidates.items() if code in codes}
    return Candidates(kept, {name: candidates.accs[name] for name in kept})


def _available(job: Job) -> int:
    recipe = read_recipe(RunFolder.open(job.run).recipe)
    return len(open_data(recipe).validation.labels)
