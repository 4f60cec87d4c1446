"""One run of a sweep, from the recipe to the scores of all candidates. Whatever is there already is not done again."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from toolkit.candidates import Candidates, write_candidates, write_entries
from toolkit.data.base import Progress
from toolkit.errors import InputError
from toolkit.evaluation.evaluate import Job, evaluate_candidates
from toolkit.evaluation.ledger import Ledger
from toolkit.evaluation.policy import NormPolicy
from toolkit.files import write_text
from toolkit.interference import watch
from toolkit.ranking.assembly import rank_report
from toolkit.ranking.concordance import FloatArray
from toolkit.ranking.pairs import pair
from toolkit.runs.folder import RunFolder
from toolkit.runs.metrics import read_metrics
from toolkit.runs.recipe import Recipe
from toolkit.runs.setup import Note, quiet
from toolkit.sweeps.config import Evaluation, Trial
from toolkit.training.steps import prepare_pipeline, train_pipeline

TRUTH = "truth.json"
"""What a run was judged by, in its folder; the page Rank correlation finds it there."""


@dataclass(frozen=True, slots=True)
class Scores:
    """What a finished run says.

    Attributes:
        scores: by code, as the sweep asks: top-1 or top-5 as a share, or minus the mean cross-entropy.
        training, evaluation: seconds of work.
    """

    scores: dict[str, float]
    training: float
    evaluation: float


def finish(
    trial: Trial,
    out: Path,
    candidates: Candidates,
    evaluation: Evaluation,
    progress: Progress = quiet,
    note: Note = quiet,
) -> Scores:
    """Train, if the run is not trained yet, and evaluate every candidate that its ledger lacks.

    Raises:
        InputError: bad data, or the folder holds a run with another recipe.
        Stopped: Ctrl-C; all finished work is kept.
    """
    folder = trial.folder(out)
    begun = any(step.run(folder).exists() for step in trial.pipeline.steps)
    pipeline = prepare_pipeline(trial.pipeline, folder, resume=begun)
    checkpoint = train_pipeline(pipeline, folder, progress, note, watch)
    run = RunFolder(folder)
    write_candidates(run.candidates, candidates)  # as `supernet evaluate` does: a trial is a run like any other
    job = Job(folder, checkpoint, NormPolicy.parse(evaluation.norm), evaluation.images, by=evaluation.by)
    done = evaluate_candidates(job, candidates, progress=progress)
    with Ledger.read(run.ledger) as ledger:
        results = ledger.results(done.setting)
        (seconds,) = [holding.seconds for holding in ledger.settings() if holding.setting == done.setting]
    scores = {code: results[code].mean(evaluation.score) for code in set(candidates.values())}
    if broken := sorted(code for code, score in scores.items() if math.isnan(score)):
        raise InputError(
            f"{run.ledger}: no loss follows from {len(broken):,} of {len(scores):,} networks, such as {broken[0]}, for "
            'their outputs are not numbers; judge by evaluation.score = "top1"'
        )
    trained = sum(training_seconds(step.run(folder), step.recipe) for step in pipeline.steps)
    return Scores(scores, trained, seconds)


def judge(
    trial: Trial,
    out: Path,
    scores: Scores,
    candidates: Candidates,
    truth: Mapping[str, float],
    priors: Mapping[str, FloatArray],
) -> None:
    """Leave the truth and the rank report in the run folder, so that it says of itself what the sweep says of it.

    Args:
        truth: by code.
        priors: one value for each code of `truth`, shape (networks,).
    """
    run = RunFolder(trial.folder(out))
    known = {name: code for name, code in candidates.items() if code in truth}
    write_entries(run.path / TRUTH, known, {name: truth[code] for name, code in known.items()})
    try:
        pairs = pair(scores.scores, truth, (str(run.ledger), str(run.path / TRUTH)))
    except InputError:  # all scores are equal: there is no order to report on
        return
    places = {code: place for place, code in enumerate(truth)}
    chosen = [places[code] for code in pairs.networks]
    report = rank_report(pairs, {name: column[chosen] for name, column in priors.items()})
    write_text(run.rank, report.model_dump_json(indent=2) + "\n")  # ends of intervals may be infinite: null in JSON


def training_seconds(run: RunFolder, recipe: Recipe) -> float:
    """How long the training took by its own log, interruptions left out."""
    seconds, before = 0.0, 0
    for record in read_metrics(run):
        if speed := record.get("images_per_second"):
            seconds += (record["step"] - before) * recipe.training.batch_size / speed
        before = record["step"]
    return seconds
