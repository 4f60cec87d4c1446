"""The rank report: the one thing that the command prints and the dashboard shows; `rank.json` in a run folder."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from toolkit.ranking.uncertainty import IntervalKind

Verdict = Literal["better", "worse", "undecided"]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Estimate(_Record):
    """A number with its 95% interval; None where undefined, as the correlation with a constant is, or not known."""

    value: float | None
    low: float | None
    high: float | None

    def show(self, sign: Literal["", "+"] = "") -> str:
        """Such as `0.72 [0.70, 0.74]`, with as many digits as the interval is worth; `sign="+"` for differences."""
        if self.value is None or self.low is None or self.high is None:
            return self.brief(sign)
        digits = 2 if self.high - self.low >= 0.02 else 3
        return f"{self.value:{sign}.{digits}f} [{self.low:.{digits}f}, {self.high:.{digits}f}]"

    def brief(self, sign: Literal["", "+"] = "") -> str:
        """The value alone, such as `0.72`."""
        return "undefined" if self.value is None else f"{self.value:{sign}.2f}"

    @property
    def side(self) -> Literal[-1, 0, 1] | None:
        """On which side of 0 the whole interval lies; 0 if it holds 0; None if there is none."""
        if self.low is None or self.high is None:
            return None
        return 1 if self.low > 0 else -1 if self.high < 0 else 0


class Ties(_Record):
    """How many different values a column has, and the share of its pairs that are equal."""

    distinct: int
    pairs: float


class Pick(_Record):
    """What one gets who takes the networks that are put first; see `toolkit.ranking.selection.Selection`.

    Ranks and regret have no interval: they are extremes, on which the bootstrap has nothing sound to say. Nor have the
    shares of fewer than ten that are picked.
    """

    size: int
    top: Estimate
    bottom: Estimate
    best_rank: int
    worst_rank: int
    best: float
    regret: float


class Estimator(_Record):
    """How well one column of numbers ranks the networks.

    Attributes:
        metrics: by the names in `METRICS`.
        picks: from the fewest to the most.
        rank_difference: RD, how many ranks a network is under-estimated on average, as a share of all networks.
    """

    name: str
    ties: Ties
    metrics: dict[str, Estimate]
    picks: tuple[Pick, ...]
    rank_difference: float


class Compared(Estimator):
    """Another estimator, beside the score.

    Attributes:
        difference: the score's metrics minus its own, on the same draws of networks.
        verdict: whether the score's Kendall tau is better, with 95% confidence in all verdicts of a report together.
    """

    difference: dict[str, Estimate]
    verdict: Verdict


class SizeGroup(_Record):
    """Networks of about the same size, and how the score shifts them.

    Attributes:
        low, high: the smallest and largest of what they are sorted by.
        shift: true less predicted rank as a share of all, the mean; positive if the group is under-estimated.
        under: the same, where negative differences count as 0.
    """

    low: float
    high: float
    networks: int
    shift: Estimate
    under: float


class SeedNoise(_Record):
    """What training the same networks again says about the truth.

    Attributes:
        seeds: how many there are.
        trainings: how many a truth is the mean of: the harmonic mean over the networks.
        between: every metric of one training as a score for another.
        reliability: the share of the truth's variance that is not due to the choice of seeds.
    """

    seeds: int
    trainings: float
    between: dict[str, float | None]
    reliability: float


class ImageNoise(_Record):
    """What measuring the score on few images costs.

    Attributes:
        images: how many.
        correlation: how alike two networks err on the same image; 0 also stands for other images for each network.
        reliability: the share of the score's variance that is not due to the choice of images.
    """

    images: int
    correlation: float
    reliability: float


class Plan(_Record):
    """What it would take to know Kendall's tau to +-`within`.

    Attributes:
        networks: so many with a truth, for a 95% interval of that width; None if undefined.
        images: so many for each score, so that the choice of images costs no more; None if their number is not known.
    """

    within: float
    networks: int | None
    images: int | None


class RankReport(_Record):
    """The whole answer.

    Attributes:
        format: of this record.
        summary: the answer in words.
        notes: what a reader should know before believing it.
        networks: how many networks it rests on.
        without_truth, without_score: how many others have scores only, or a truth but not all scores.
        priors: estimators that cost nothing.
        rivals: other scores.
        given, partial: the prior that is held fixed, and the score's correlations given it; None and empty without one.
        groups: for each prior, the networks from the smallest to the largest.
        seeds, images: what is known of noise; None if nothing is.
        ceiling: the Kendall tau that noise leaves of a perfect one; None if nothing is known of noise.
        interval: what the intervals are; percentile in any case where BCa cannot be had.
        resamples, seed: of the draws that they rest on.
    """

    format: Literal[2]
    summary: str
    notes: tuple[str, ...]
    networks: int
    without_truth: int
    without_score: int
    truth: Ties
    score: Estimator
    priors: tuple[Compared, ...]
    rivals: tuple[Compared, ...]
    given: str | None
    partial: dict[str, Estimate]
    groups: dict[str, tuple[SizeGroup, ...]]
    seeds: SeedNoise | None
    images: ImageNoise | None
    ceiling: float | None
    plan: Plan
    interval: IntervalKind
    resamples: int
    seed: int
