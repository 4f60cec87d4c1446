"""The rank report in words."""

from collections.abc import Iterator, Sequence

import numpy as np

from toolkit.ranking.concordance import FloatArray
from toolkit.ranking.metrics import FEW, MAIN, METRICS
from toolkit.ranking.noise import ceiling
from toolkit.ranking.report import Compared, Estimate, RankReport

_TOPS = (("top_tenth", 0.1), ("top_half", 0.5))
"""Where to look for skill: in the smallest part of the truth that still has networks enough."""


def summary(report: RankReport) -> str:
    """The sentence a person wants, and the verdicts.

    Such as: Kendall tau 0.72 [0.70, 0.74] on 500 networks; MACs alone 0.36; ceiling about 0.93; no skill shown in the
    true top tenth (0.03 [-0.10, 0.16]). Better than MACs.
    """
    tau = report.score.metrics[MAIN]
    clauses = [f"{METRICS[MAIN].label} {tau.show()} on {report.networks:,} networks"]
    if tau.side == 0:
        clauses[0] += ", which shows no skill"
    if report.priors:
        alone = [f"{prior.name} alone {prior.metrics[MAIN].brief()}" for prior in report.priors]
        clauses.append(", ".join(alone))
    if report.ceiling is not None:
        clauses.append(f"ceiling about {report.ceiling:.2f}")
    top = next((name for name, share in _TOPS if share * report.networks >= FEW), None)
    if top and tau.side != 0:
        clauses.append(_skill(report.score.metrics[top], METRICS[top].label))
    return ". ".join(("; ".join(clauses), *_verdicts((*report.priors, *report.rivals), report.networks))) + "."


def _skill(tau: Estimate, where: str) -> str:
    if tau.side is None:
        return f"skill {where} cannot be told"
    said = {1: "", 0: "no skill shown ", -1: "backwards "}[tau.side]
    return f"{said}{where} ({tau.show()})" if said else f"{tau.show()} {where}"


def _verdicts(beside: Sequence[Compared], networks: int) -> Iterator[str]:
    found = {
        "better": "Better than {}",
        "worse": "Worse than {}",
        "undecided": f"Neither better nor worse than {{}}, as far as {networks:,} networks can tell",
    }
    for verdict, sentence in found.items():
        if names := [other.name for other in beside if other.verdict == verdict]:
            yield sentence.format(_and(names))
    if len(beside) > 1:
        yield f"These {len(beside)} verdicts hold together at 95%"


def _and(names: Sequence[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def notes(report: RankReport, scores: FloatArray) -> Iterator[str]:
    """What a reader should know before believing it."""
    if report.networks < FEW:
        yield (
            f"{report.networks} networks are too few: their intervals are too narrow, and no verdict is given below "
            f"{FEW}."
        )
    if report.without_score:
        yield f"{report.without_score:,} networks of the truth have no score and are left out."
    zeros = int(np.count_nonzero(scores == 0))
    if zeros and scores.min() == 0:
        yield f"{zeros:,} scores are exactly 0: if these were never filled in, everything above is wrong."
    if report.score.metrics[MAIN].side == -1:
        yield "The score ranks the networks backwards; if it is a loss, say so (--loss)."
    for prior in report.priors:
        if prior.ties.distinct == 1:
            yield f"All networks have the same {prior.name}: as a prior it says nothing."
    if report.images and report.images.reliability == 0:
        yield f"The scores differ no more than those of equal networks would on {report.images.images:,} images."


def footnotes(report: RankReport) -> Iterator[str]:
    """What the numbers rest on, and what it would take to be surer."""
    kind = {"bca": "BCa", "percentile": "percentile"}[report.interval]
    yield (
        f"{report.networks:,} networks, {report.truth.distinct:,} different truths, {report.score.ties.distinct:,} "
        f"different scores; 95% {kind} intervals from {report.resamples:,} draws of networks."
    )
    if report.seeds:
        tau = report.seeds.between[MAIN] or 0.0
        yield (
            f"One training orders the networks as another with a tau of {tau:.2f}; with truths that are the mean of "
            f"{report.seeds.trainings:.1f} trainings, a perfect score would reach about "
            f"{ceiling(report.seeds.reliability):.2f}."
        )
    if report.images:
        yield (
            f"Measured on {report.images.images:,} images, a score that errs in nothing else would reach about "
            f"{ceiling(report.images.reliability):.2f}: {1 - report.images.reliability:.2%} of its variance is noise."
        )
    needs = []
    if report.plan.networks is not None:
        needs.append(f"about {report.plan.networks:,} networks with a truth")
    if report.plan.images is not None:
        needs.append(f"{report.plan.images:,} images for each score")
    if needs:
        yield f"To know Kendall's tau to ±{report.plan.within:g} would take {' and '.join(needs)}."
