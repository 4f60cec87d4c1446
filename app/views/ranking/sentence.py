"""The answer in words, for somebody who reads nothing else."""

from collections.abc import Iterator

import numpy as np

from app.text import sentence
from app.views.ranking.estimates import Judgement
from app.views.ranking.subject import SCORE, Subject
from toolkit.ranking.metrics import FEW, MAIN, METRICS
from toolkit.ranking.report import Verdict

_VERDICTS: dict[Verdict, str] = {
    "better": "It ranks better than {}",
    "worse": "It ranks worse than {}",
    "undecided": "It is neither better nor worse than {}, as far as {:,} networks can tell",
}


PARTS = (("top_tenth", 0.1), ("top_half", 0.5))
"""Where to look for skill: in the smallest part of the truth that has networks enough."""


def answer(subject: Subject, judgement: Judgement, ceiling: float | None) -> str:
    """A few sentences: tau with its interval, what priors reach, and whether the best are told apart.

    Args:
        ceiling: the tau that noise leaves of a perfect score, if that is known.
    """
    tau, networks = judgement.tau, len(subject)
    head = f"{METRICS[MAIN].label} {tau.show()} on {networks:,} networks"
    if tau.side == 0:
        head += ", which shows no skill"
    if tau.side == -1:
        head += ": it ranks them backwards"
    beside = [f"{name} alone {judgement.estimators[name][MAIN].brief()}" for name in subject.beside]
    if ceiling is not None:
        beside.append(f"ceiling about {ceiling:.2f}")
    beside += filter(None, [_among_the_best(judgement)])
    sentences = ["; ".join([head, *beside]), *_verdicts(judgement), *_best_told_apart(judgement)]
    return ". ".join(sentences).rstrip(".") + "."


def notes(subject: Subject, judgement: Judgement) -> Iterator[str]:
    """What a reader should know before believing it."""
    scores = subject.pairs.scores
    if len(subject) < FEW:
        yield f"{len(subject)} networks are too few: intervals are too narrow, and no verdict is given below {FEW}."
    if subject.pairs.without_score:
        yield f"{subject.pairs.without_score:,} networks of the truth have no score and are left out."
    zeros = int(np.count_nonzero(scores == 0))
    if zeros and scores.min() == 0:
        yield f"{zeros:,} scores are exactly 0: if these were never filled in, everything here is wrong."
    if judgement.tau.side == -1:
        yield "The score ranks the networks backwards; if it is a loss, say so."
    yield from subject.remarks


def top_part(networks: int) -> str | None:
    """The metric that tells of skill among the best, None if there are too few of them."""
    return next((name for name, share in PARTS if share * networks >= 2 * FEW), None)


def _among_the_best(judgement: Judgement) -> str:
    name = top_part(judgement.networks)
    if name is None:
        return ""
    tau, where = judgement.estimators[SCORE][name], METRICS[name].label
    said = {
        1: f"{tau.show()} {where}",
        0: f"no skill shown {where} ({tau.show()})",
        -1: f"backwards {where} ({tau.show()})",
        None: f"skill {where} cannot be told",
    }
    return said[tau.side]


def _best_told_apart(judgement: Judgement) -> Iterator[str]:
    """Who wins where it matters, in the smallest part of the truth that has networks enough.

    What ranks all networks well may be beaten among the best, and the other way round.
    """
    name = top_part(judgement.networks)
    sides = {other: found[name].side for other, found in judgement.differences.items()} if name else {}
    if name and sides:
        where = f"{sentence(METRICS[name].label)},"
        if ahead := [other for other, side in sides.items() if side == -1]:
            yield f"{where} it ranks worse than {_and(ahead)}"
        elif all(side == 1 for side in sides.values()):
            yield f"{where} it ranks better than all of these"
        else:
            yield f"{where} it cannot be told from {_and([other for other, side in sides.items() if side != 1])}"


def _verdicts(judgement: Judgement) -> Iterator[str]:
    for verdict, words in _VERDICTS.items():
        if names := [name for name, found in judgement.verdicts.items() if found == verdict]:
            yield words.format(_and(names), judgement.networks)


def _and(names: list[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
