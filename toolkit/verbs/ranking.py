"""How good a ranking is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from converters.submission import Score
from converters.submission.runs import describe, run_results
from toolkit.candidates import read_table
from toolkit.errors import InputError
from toolkit.ranking.assembly import rank_report
from toolkit.ranking.files import CANDIDATES, Columns, Comparison, compare_files
from toolkit.ranking.report import RankReport
from toolkit.ranking.tables import Table
from toolkit.ranking.uncertainty import IntervalKind
from toolkit.runs.folder import RunFolder
from toolkit.runs.recipe import read_recipe
from toolkit.runs.setup import quiet
from toolkit.spaces import get_space


@dataclass(frozen=True, slots=True)
class Ranked:
    """A report, and what it is about: the networks with their scores and truths, and what stands beside."""

    report: RankReport
    compared: Comparison


def rank(
    scores: Path | str,
    truth: Path | str | None = None,
    *,
    space: str | None = None,
    against: Sequence[Path] = (),
    score: Score | None = None,
    loss: bool = False,
    columns: Columns = CANDIDATES,
    priors: Path | None = None,
    images: int | None = None,
    image_correlation: float = 0.0,
    interval: IntervalKind = "bca",
    resamples: int = 1000,
    seed: int = 0,
    progress: Callable[[int, int], None] = quiet,
) -> Ranked:
    """Correlations of scores with the truth, with 95% intervals, beside MACs, parameters and other priors.

    Args:
        scores: a submission, any file of that format, a table, or a run folder.
        truth: true accuracies of some of its networks, likewise; by default `scores` holds them too.
        score: what ranks the candidates of a run folder.
        loss: scores are losses: less is better.
        priors: what `supernet prior` filed; by default priors.sqlite beside the scores or the truth.

    Raises:
        InputError: a file cannot be read, or they have too few networks in common.
    """
    scores = Path(scores)
    if space is None and scores.is_dir():
        space = read_recipe(RunFolder.open(scores).recipe).space
    judged, origin = _results(scores, score or "top1") if scores.is_dir() else (scores, ())
    found = compare_files(
        judged,
        Path(truth) if truth else scores,
        None if space is None else get_space(space),
        against=against,
        columns=columns,
        loss=loss,
        ledger=priors,
    )
    report = rank_report(
        found.pairs,
        found.priors,
        interval=interval,
        resamples=resamples,
        seed=seed,
        images=images,
        correlation=image_correlation,
        remarks=(*origin, *found.remarks, *_learned(scores, found.pairs.networks)),
        progress=progress,
    )
    return Ranked(report, found)


def _results(run: Path, score: Score) -> tuple[Table, tuple[str, ...]]:
    """What a run's last evaluation says of each network, and a remark on what that is."""
    setting, counts = run_results(run)
    means = {code: one.mean(score) for code, one in counts.items()}
    known = {code: mean for code, mean in means.items() if np.isfinite(mean)}
    ids = tuple(f"result-{number}" for number in range(1, len(known) + 1))
    table = Table(RunFolder(run).ledger, ids, tuple(known), {score: np.array(list(known.values()))}, candidates=False)
    meaning = "minus the mean cross-entropy, so that more is better" if score == "loss" else f"{score} accuracies"
    broken = len(means) - len(known)
    without = f" {broken:,} broken networks have none and are left out." if broken else ""
    return table, (f"Scores are {meaning}; {describe(setting)}.{without}",)


def _learned(scores: Path, networks: Sequence[str]) -> list[str]:
    """A warning if the run that `scores` lie in was trained with truths of the networks that it is judged on."""
    run = RunFolder(scores if scores.is_dir() else scores.parent)
    truth = getattr(read_recipe(run.recipe).method, "truth", None) if run.exists() else None
    if truth is None:
        return []
    try:
        known = len(set(networks) & set(read_table(truth).codes.values()))
    except InputError:
        return [f"{run.path} was trained with the truths in {truth}, now gone; networks that it held cannot judge it."]
    if not known:
        return []
    return [
        f"{known:,} of these {len(networks):,} networks stand in {truth}, with whose truths {run.path} was trained: "
        "rank on others."
    ]
