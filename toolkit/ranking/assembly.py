"""Putting the rank report together: every metric with its interval, beside priors and other scores."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict

import numpy as np

from toolkit.errors import InputError
from toolkit.ranking import noise, words
from toolkit.ranking.concordance import Copies, FloatArray
from toolkit.ranking.gaussian import r_of, tau_of
from toolkit.ranking.groups import by_size, rank_differences, under_estimation
from toolkit.ranking.measure import Measure
from toolkit.ranking.metrics import CORE, FEW, MAIN, METRICS
from toolkit.ranking.pairs import Network, Pairs
from toolkit.ranking.priors import MACS
from toolkit.ranking.report import (
    Compared,
    Estimate,
    Estimator,
    ImageNoise,
    Pick,
    Plan,
    RankReport,
    SeedNoise,
    SizeGroup,
    Ties,
)
from toolkit.ranking.selection import Overlaps, selections, sizes
from toolkit.ranking.uncertainty import IntervalKind, Progress, Sampled, Z, bootstrap, combine
from toolkit.ranking.verdicts import verdicts

WITHIN = 0.01
"""How surely one would like to know Kendall's tau."""

_MAIN = list(METRICS).index(MAIN)
_CORE = [list(METRICS).index(name) for name in CORE]


def rank_report(
    pairs: Pairs[Network],
    priors: Mapping[str, FloatArray],
    *,
    interval: IntervalKind = "bca",
    resamples: int = 1000,
    seed: int = 0,
    images: int | None = None,
    correlation: float = 0.0,
    remarks: Sequence[str] = (),
    progress: Progress | None = None,
) -> RankReport:
    """Compare scores with the truth, and with what each prior and each rival would have scored.

    Args:
        priors: by name, values for `pairs.networks`, each of shape (networks,).
        images: how many validation images each score was measured on, if scores are accuracies.
        correlation: how alike two networks err on the same image; see `toolkit.ranking.noise.image_variance`.
        remarks: what else a reader should know.

    Raises:
        InputError: `images` is given and the scores are no accuracies.
    """
    networks = len(pairs.networks)
    seen = None if images is None else _image_noise(pairs.scores, images, correlation)
    columns = [("score", pairs.scores), *priors.items(), *pairs.rivals.items()]
    sides = [_Side(name, column, pairs.truth) for name, column in columns]
    given = MACS if MACS in priors else next(iter(priors), None)
    to_given = [Measure(pairs.scores, priors[given], CORE)] if given else []
    drawn = bootstrap([*sides, *to_given], networks, resamples, seed, progress)

    sampled = [side.sampled(draws) for side, draws in zip(sides, drawn, strict=False)]
    ahead = [combine(np.subtract, sampled[0], other) for other in sampled[1:]]
    differences = [dict(zip(METRICS, estimates(each, interval), strict=False)) for each in ahead]
    errors = [each.jackknife_error()[_MAIN] for each in ahead]
    judged = verdicts([difference[MAIN] for difference in differences], errors, networks)
    beside = [
        Compared(**dict(side.estimator(other, interval)), difference=difference, verdict=verdict)
        for side, other, difference, verdict in zip(sides[1:], sampled[1:], differences, judged, strict=True)
    ]
    partial = {}
    if given:
        between = Sampled(to_given[0].values, drawn[-1], to_given[0].without_each())
        held = combine(_partial, sampled[0], sampled[1 + list(priors).index(given)], between)
        partial = dict(zip(CORE, estimates(held, interval), strict=True))
    shifts = rank_differences(pairs.scores, pairs.truth)
    seeds = None if pairs.seeds is None else _seed_noise(pairs.seeds)
    known = [each.reliability for each in (seeds, seen) if each]
    report = RankReport(
        format=2,
        summary="",
        notes=(),
        networks=networks,
        without_truth=pairs.without_truth,
        without_score=pairs.without_score,
        truth=_ties(pairs.truth),
        score=sides[0].estimator(sampled[0], interval),
        priors=tuple(beside[: len(priors)]),
        rivals=tuple(beside[len(priors) :]),
        given=given,
        partial=partial,
        groups={name: _groups(shifts, column) for name, column in priors.items()},
        seeds=seeds,
        images=seen,
        ceiling=noise.ceiling(*known) if known else None,
        plan=_plan(networks, sampled[0], seen),
        interval=interval,
        resamples=resamples,
        seed=seed,
    )
    notes = (*words.notes(report, pairs.scores), *remarks)
    return report.model_copy(update={"summary": words.summary(report), "notes": notes})


class _Side:
    """One estimator, ready to be drawn: its metrics, then the overlaps of what it picks."""

    def __init__(self, name: str, column: FloatArray, truth: FloatArray) -> None:
        self._name, self._column, self._truth = name, column, truth
        self._sizes = sizes(len(truth))
        self._picks = selections(column, truth, self._sizes)
        self._measure, self._overlaps = Measure(column, truth), Overlaps(column, truth, self._sizes)

    def __call__(self, copies: Copies) -> FloatArray:
        return np.concatenate([self._measure(copies), self._overlaps(copies)], axis=1)

    def sampled(self, drawn: FloatArray) -> Sampled:
        overlaps = [pick.top for pick in self._picks] + [pick.bottom for pick in self._picks]
        metrics_left_out = self._measure.without_each()
        unknown = np.full((len(metrics_left_out), len(overlaps)), np.nan)
        return Sampled(
            np.concatenate([self._measure.values, overlaps]), drawn, np.concatenate([metrics_left_out, unknown], axis=1)
        )

    def estimator(self, sampled: Sampled, interval: IntervalKind) -> Estimator:
        found = estimates(sampled, interval)
        metrics, overlaps = found[: len(METRICS)], found[len(METRICS) :]
        overlaps = [_if_known(overlap, pick.size) for overlap, pick in zip(overlaps, 2 * self._picks, strict=True)]
        tops, bottoms = overlaps[: len(self._picks)], overlaps[len(self._picks) :]
        return Estimator(
            name=self._name,
            ties=_ties(self._column),
            metrics=dict(zip(METRICS, metrics, strict=True)),
            picks=tuple(
                Pick(**asdict(pick) | {"top": top, "bottom": bottom})
                for pick, top, bottom in zip(self._picks, tops, bottoms, strict=True)
            ),
            rank_difference=under_estimation(rank_differences(self._column, self._truth)),
        )


def estimates(sampled: Sampled, interval: IntervalKind) -> list[Estimate]:
    """Each number with its interval."""
    return [_estimate(*numbers) for numbers in zip(sampled.values, *sampled.interval(interval), strict=True)]


def _estimate(*numbers: float) -> Estimate:
    value, low, high = (None if math.isnan(number) else float(number) for number in numbers)
    return Estimate(value=value, low=low, high=high)


def _if_known(overlap: Estimate, size: int) -> Estimate:
    """Without its interval if few were picked, or if it has no width.

    Draws of a handful give all or nothing, which holds everything; none of five is no proof of none, though no draw can
    hold any.
    """
    if size >= FEW and overlap.low != overlap.high:
        return overlap
    return Estimate(value=overlap.value, low=None, high=None)


def _partial(score: FloatArray, given: FloatArray, between: FloatArray) -> FloatArray:
    """The score's correlations with the truth, given a prior; from either's with the truth, and those between them."""
    xy, zy = score[..., _CORE], given[..., _CORE]
    return (xy - between * zy) / np.sqrt((1 - between**2) * (1 - zy**2))


def _ties(column: FloatArray) -> Ties:
    _, counts = np.unique(column, return_counts=True)
    every = len(column) * (len(column) - 1)
    return Ties(distinct=len(counts), pairs=float((counts * (counts - 1)).sum() / every))


def _groups(shifts: FloatArray, size: FloatArray) -> tuple[SizeGroup, ...]:
    return tuple(
        SizeGroup(
            low=group.low,
            high=group.high,
            networks=group.networks,
            shift=_estimate(group.shift, group.shift - group.margin, group.shift + group.margin),
            under=group.under,
        )
        for group in by_size(shifts, size)
    )


def _seed_noise(seeds: FloatArray) -> SeedNoise | None:
    between = noise.between_seeds(seeds, FEW)
    if not between or math.isnan(between[MAIN]):
        return None
    trainings = noise.trainings(seeds)
    return SeedNoise(
        seeds=len(seeds),
        trainings=trainings,
        between={name: None if math.isnan(value) else value for name, value in between.items()},
        reliability=noise.seeds_reliability(between[MAIN], trainings),
    )


def _image_noise(scores: FloatArray, images: int, correlation: float) -> ImageNoise:
    low, high = float(scores.min()), float(scores.max())
    if low < 0 or high > 100:
        raise InputError(
            f"scores from {low:g} to {high:g} are no accuracies, so the number of images says nothing about their "
            "noise; leave it out"
        )
    accuracies = scores if high <= 1 else scores / 100
    single = noise.image_variance(accuracies, correlation)
    variance = max(float(accuracies.var(ddof=1)) - single / images, 0.0)
    return ImageNoise(images=images, correlation=correlation, reliability=variance / (variance + single / images))


def _plan(networks: int, score: Sampled, images: ImageNoise | None) -> Plan:
    tau, error = float(score.values[_MAIN]), float(score.error()[_MAIN])
    enough = math.ceil(networks * (Z * error / WITHIN) ** 2) if error > 0 else None
    many = None
    if images and images.reliability > 0 and tau > WITHIN:
        even = images.images * (1 - images.reliability) / images.reliability
        many = noise.images_for(tau_of(min(r_of(tau) / math.sqrt(images.reliability), 1.0)), WITHIN, even)
    return Plan(within=WITHIN, networks=enough, images=many)
