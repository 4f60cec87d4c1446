import numpy as np
import pytest

from toolkit.ranking import words
from toolkit.ranking.assembly import rank_report
from toolkit.ranking.pairs import Pairs
from toolkit.ranking.report import Compared, Estimate, RankReport, Ties


def estimate(value: float, width: float = 0.02) -> Estimate:
    return Estimate(value=value, low=value - width, high=value + width)


@pytest.fixture(scope="module")
def base() -> RankReport:
    rng = np.random.default_rng(0)
    truth = rng.normal(size=500)
    return rank_report(Pairs(tuple(range(500)), truth + rng.normal(size=500), truth, 0, 0), {}, resamples=100)


def changed(base: RankReport, networks: int = 500, ceiling: float | None = None, **metrics: Estimate) -> RankReport:
    score = base.score.model_copy(update={"metrics": base.score.metrics | metrics})
    return base.model_copy(update={"score": score, "networks": networks, "ceiling": ceiling})


def beside(base: RankReport, name: str, verdict: str, distinct: int = 9) -> Compared:
    ties = Ties(distinct=distinct, pairs=0.0)
    fields = dict(base.score) | {"name": name, "verdict": verdict, "difference": {}, "ties": ties}
    return Compared(**fields | {"metrics": base.score.metrics | {"kendall": estimate(0.36)}})


def test_the_sentence_a_person_wants(base: RankReport) -> None:
    report = changed(base, ceiling=0.931, kendall=estimate(0.72), top_tenth=estimate(0.03, 0.13))
    report = report.model_copy(update={"priors": (beside(base, "MACs", "better"),)})
    assert words.summary(report) == (
        "Kendall tau 0.72 [0.70, 0.74] on 500 networks; MACs alone 0.36; ceiling about 0.93; "
        "no skill shown in the true top tenth (0.03 [-0.10, 0.16]). Better than MACs."
    )


@pytest.mark.parametrize(
    ("tau", "clause"),
    [
        (estimate(0.31), "0.31 [0.29, 0.33] in the true top tenth."),
        (estimate(-0.31), "backwards in the true top tenth (-0.31 [-0.33, -0.29])."),
        (Estimate(value=None, low=None, high=None), "skill in the true top tenth cannot be told."),
    ],
)
def test_skill_at_the_top(base: RankReport, tau: Estimate, clause: str) -> None:
    assert words.summary(changed(base, kendall=estimate(0.72), top_tenth=tau)).endswith(f"500 networks; {clause}")


def test_few_networks_are_looked_at_in_the_top_half_or_not_at_all(base: RankReport) -> None:
    some = changed(base, networks=40, kendall=estimate(0.72), top_half=estimate(0.5))
    assert (
        words.summary(some) == "Kendall tau 0.72 [0.70, 0.74] on 40 networks; 0.50 [0.48, 0.52] in the true top half."
    )
    few = changed(base, networks=12, kendall=estimate(0.72))
    assert words.summary(few) == "Kendall tau 0.72 [0.70, 0.74] on 12 networks."


def test_no_skill_at_all_needs_no_more_words(base: RankReport) -> None:
    found = words.summary(changed(base, kendall=estimate(0.01)))
    assert found == "Kendall tau 0.01 [-0.01, 0.03] on 500 networks, which shows no skill."


def test_verdicts_are_told_together(base: RankReport) -> None:
    verdicts = {"MACs": "better", "depth": "better", "width": "better", "parameters": "worse", "zen": "undecided"}
    others = tuple(beside(base, name, verdict) for name, verdict in verdicts.items())
    report = changed(base, kendall=estimate(0.7)).model_copy(update={"priors": others[:4], "rivals": others[4:]})
    assert words.summary(report).endswith(
        "Better than MACs, depth and width. Worse than parameters. "
        "Neither better nor worse than zen, as far as 500 networks can tell. These 5 verdicts hold together at 95%."
    )


def test_scores_that_look_wrong_are_remarked_on() -> None:
    truth = np.arange(1.0, 51)
    scores = np.where(truth > 45, 0.0, 51 - truth)
    found = rank_report(Pairs(tuple(range(50)), scores, truth, 0, 3), {}, resamples=100)
    without_score, zeros, backwards = found.notes
    assert without_score.startswith("3 networks of the truth have no score")
    assert zeros.startswith("5 scores are exactly 0")
    assert "backwards" in backwards


def test_zero_is_no_remarkable_score_where_others_are_negative() -> None:
    values = np.arange(-20.0, 20)
    assert rank_report(Pairs(tuple(range(40)), values, values, 0, 0), {}, resamples=100).notes == ()


def test_footnotes_say_what_it_rests_on(base: RankReport) -> None:
    rests, needs = words.footnotes(base)
    assert (
        rests
        == "500 networks, 500 different truths, 500 different scores; 95% BCa intervals from 100 draws of networks."
    )
    assert needs.startswith("To know Kendall's tau to ±0.01 would take about ")
    assert needs.endswith(" networks with a truth.")


def test_footnotes_about_noise() -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(0.7, 0.02, size=300)
    seeds = truth + 0.005 * rng.normal(size=(3, 300))
    scores = rng.binomial(5000, truth) / 5000
    pairs = Pairs(tuple(range(300)), scores, seeds.mean(axis=0), 0, 0, seeds=seeds)
    _, trained, measured, needs = words.footnotes(rank_report(pairs, {}, resamples=100, images=5000))
    assert trained.startswith("One training orders the networks as another with a tau of 0.")
    assert "the mean of 3.0 trainings" in trained
    assert measured.startswith("Measured on 5,000 images, a score that errs in nothing else would reach about 0.")
    assert "images for each score" in needs
