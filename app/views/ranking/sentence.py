"""The answer in words, for somebody who reads nothing else."""

from collections.abc import Iterator

import numpy as np

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
    return ". ".join(["; ".join([head, *beside]), *_verdicts(judgement)]).rstrip(".") + "."


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


def _among_the_best(judgement: Judgement) -> str:
    for name, share in PARTS:
        if share * judgement.networks >= 2 * FEW:
            tau = judgement.estimators[SCORE][name]
            where = METRICS[name].label
            said = {
                1: f"{tau.show()} {where}",
                0: f"no skill shown {where} ({tau.show()})",
                -1: f"backwards {where} ({tau.show()})",
                None: f"skill {where} cannot be told",
            }
            return said[tau.side]
    return ""


def _verdicts(judgement: Judgement) -> Iterator[str]:
    for verdict, sentence in _VERDICTS.items():
        if names := [name for name, found in judgement.verdicts.items() if found == verdict]:
            yield sentence.format(_and(names), judgement.networks)


def _and(names: list[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
