"""The evening before the deadline: whether a run can be handed in and trusted, and what is to be done next."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pandas as pd

from app.text import count, sentence
from app.views.blocks import blocks
from app.views.interference import readings, strip
from app.views.interference import sentence as interference
from app.views.ranking import estimates
from app.views.ranking.estimates import Judgement
from app.views.ranking.sentence import answer, notes, top_part
from app.views.ranking.subject import Subject
from app.views.runs import Summary
from toolkit.ranking.metrics import MAIN, METRICS
from toolkit.runs.folder import RunFolder
from toolkit.spaces import SearchSpace

State = Literal["done", "part", "missing", "bad"]

FIRST = "gradient_cosine"
"""The measure that says where interference sits, if it was taken."""


@dataclass(frozen=True)
class Step:
    """One station on the way to the leaderboard.

    Attributes:
        said: a sentence or two.
        notes: what a reader should know before believing it.
        command: what to type to get on, as words; None if there is nothing to do.
    """

    title: str
    state: State
    said: str
    notes: tuple[str, ...] = ()
    command: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Verdict:
    """A run on one page.

    Attributes:
        headline: whether it can be handed in, and whether its ranking can be trusted.
        steps: in the order in which they are done.
        taus: `views.ranking.estimates.table` of the score and the priors, overall and among the best; None
            without a truth.
    """

    name: str
    headline: str
    steps: tuple[Step, ...]
    taus: pd.DataFrame | None

    @property
    def next(self) -> Step | None:
        """The first step that is not done and says how."""
        return next((step for step in self.steps if step.state != "done" and step.command), None)


@dataclass(frozen=True)
class Ranking:
    """A ranking and what came of holding it against a truth."""

    subject: Subject
    judgement: Judgement
    ceiling: float | None


def verdict(
    name: str, run: RunFolder, summary: Summary, problems: int | None, ranking: Ranking | None, where: str | None
) -> Verdict:
    """Put together what other pages found.

    Args:
        problems: of the submission; None if there is none.
        where: where interference sits, in words (`where_it_sits`); None if it was not measured.
    """
    steps = (
        _trained(run, summary),
        _evaluated(run, summary),
        _submission(run, problems),
        _ranking(run, ranking),
        _interference(run, where),
    )
    taus = estimates.table(ranking.judgement.estimators) if ranking else None
    if taus is not None and ranking is not None:
        part = top_part(len(ranking.subject))
        shown = [METRICS[MAIN].label, *([METRICS[part].label] if part else [])]
        taus = taus[taus["metric"].isin(shown)].reset_index(drop=True)
    return Verdict(name, f"{ready(problems)} {_trust(ranking)}", steps, taus)


def next_step(run: RunFolder, summary: Summary, problems: int | None) -> Step | None:
    """The first step that is not done, for a glance: the ranking counts as done if there is a tau.

    Args:
        problems: of the submission; None if there is none.
    """
    steps = [_trained(run, summary), _evaluated(run, summary), _submission(run, problems)]
    if summary.tau is None:
        steps.append(_ranking(run, None))
    if not run.interference.is_file():
        steps.append(_interference(run, None))
    return next((step for step in steps if step.state != "done" and step.command), None)


def where_it_sits(space: SearchSpace, table: pd.DataFrame) -> str | None:
    """Where the networks pull their shared weights apart most, in words; None if nothing was measured in blocks."""
    now = readings.at(table)
    measures = readings.of_blocks(now)
    if not measures or table["block"].max() >= len(blocks(space, space.largest)):
        return None
    cells = readings.cells(now, FIRST if FIRST in measures else measures[0])
    return interference.answer(strip.strip(space, cells), cells)


def ready(problems: int | None) -> str:
    """Whether it can be handed in.

    Args:
        problems: of the submission; None if there is none.
    """
    if problems is None:
        return "There is nothing to hand in yet."
    return "It can be handed in." if problems == 0 else f"It cannot be handed in: {count(problems, 'problem')}."


def _trust(ranking: Ranking | None) -> str:
    if ranking is None:
        return "Whether its ranking can be trusted is not known: there is no truth to hold it against."
    verdicts = ranking.judgement.verdicts
    part = top_part(len(ranking.subject))
    ahead = [name for name, found in ranking.judgement.differences.items() if part and found[part].side == -1]
    worse = [name for name, found in verdicts.items() if found == "worse"]
    if ranking.judgement.tau.side != 1:
        return "Its ranking shows no skill."
    if worse:
        return f"Do not trust its ranking: it is worse than {_and(worse)}, which cost nothing."
    if verdicts and all(found == "better" for found in verdicts.values()):
        said = "Its ranking is better than anything that costs nothing"
        if part and ahead:
            return f"{said}, but {METRICS[part].label} it is worse than {_and(ahead)}."
        if part and all(found[part].side == 1 for found in ranking.judgement.differences.values()):
            return f"{said}, also {METRICS[part].label}."
        return f"{said}; {METRICS[part].label} that is not shown." if part else f"{said}."
    return "Its ranking shows skill, but no more than what costs nothing, as far as these networks tell."


def _trained(run: RunFolder, summary: Summary) -> Step:
    progress, train = summary.progress, ("supernet", "train", "--resume", "--out", str(run.whole))
    if not progress.step and summary.weights is not None:
        return Step("Trained", "done", f"Weights after {summary.weights:,} steps are there; the log is not.")
    if not progress.step:
        return Step("Trained", "missing", "Not yet.", (), train)
    of = f" of {progress.epochs}" if progress.epochs else ""
    said = f"{progress.epoch:.4g}{of} epochs, {progress.step:,} steps"
    said += f"; last loss {summary.losses[-1]:.3f}." if summary.losses else "."
    finished = progress.share == 1
    return Step("Trained", "done" if finished else "part", said, (), None if finished else train)


def _evaluated(run: RunFolder, summary: Summary) -> Step:
    command: tuple[str, ...] = ("supernet", "evaluate", str(run.path), "--candidates", str(run.candidates))
    if not run.candidates.is_file() and summary.recipe is not None:
        draw = ("--space", summary.recipe.space, "--count", "45000", "--out", str(run.candidates))
        command = ("supernet", "candidates", *draw)
    if summary.evaluated is None:
        if summary.scores:
            return Step("Evaluated", "part", f"Only as files: {', '.join(summary.scores)}.", (), command)
        return Step("Evaluated", "missing", "No candidate has a result yet.", (), command)
    total = summary.candidates
    done = total is not None and summary.evaluated >= total
    said = f"{summary.evaluated:,} of {total:,} candidates." if total else f"{summary.evaluated:,} candidates."
    return Step("Evaluated", "done" if done else "part", said, (), None if done else command)


def _submission(run: RunFolder, problems: int | None) -> Step:
    command = ("supernet", "submit", str(run.path))
    if problems is None:
        return Step("Submission", "missing", "Not written yet.", (), command)
    if problems:
        return Step("Submission", "bad", f"Invalid: {count(problems, 'problem')}.", (), command)
    return Step("Submission", "done", f"Valid: {run.submission}.")


def _ranking(run: RunFolder, ranking: Ranking | None) -> Step:
    if ranking is None:
        said = "Not known: no networks trained alone to hold it against."
        return Step("Ranking", "missing", said, (), ("supernet", "standalone", str(run.path)))
    said = answer(ranking.subject, ranking.judgement, ranking.ceiling)
    bad = ranking.judgement.tau.side != 1 or "worse" in ranking.judgement.verdicts.values()
    held = f"{ranking.subject.score}, held against {ranking.subject.truth}."
    return Step("Ranking", "bad" if bad else "done", said, (sentence(held), *notes(ranking.subject, ranking.judgement)))


def _interference(run: RunFolder, where: str | None) -> Step:
    if where is None:
        return Step("Interference", "missing", "Not measured.", (), ("supernet", "probe", str(run.path)))
    return Step("Interference", "done", where)


def _and(names: Sequence[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def files(run: RunFolder) -> list[Path]:
    """What `where_it_sits` is read from."""
    return [run.recipe, run.interference, run.path / "checkpoints"]
