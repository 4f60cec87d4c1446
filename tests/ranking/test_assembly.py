import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from toolkit.errors import InputError
from toolkit.files import write_json
from toolkit.ranking.assembly import rank_report
from toolkit.ranking.concordance import FloatArray
from toolkit.ranking.metrics import CORE, METRICS, correlations
from toolkit.ranking.pairs import Pairs, pair
from toolkit.ranking.report import Estimate, RankReport
from toolkit.ranking.selection import select, sizes

UNKNOWN = Estimate(value=None, low=None, high=None)


def made(networks: int, noise: float, seed: int = 0) -> Pairs[int]:
    truth, errors = np.random.default_rng(seed).normal(size=(2, networks))
    return Pairs(tuple(range(networks)), truth + noise * errors, truth, without_truth=5, without_score=0)


def worse(pairs: Pairs[int], noise: float) -> FloatArray:
    return pairs.truth + noise * np.random.default_rng(99).normal(size=len(pairs.truth))


def report(pairs: Pairs[int], prior: FloatArray, resamples: int = 200) -> RankReport:
    return rank_report(pairs, {"MACs": prior}, resamples=resamples)


def test_every_number_is_that_of_its_module() -> None:
    pairs = made(120, noise=1)
    prior = worse(pairs, noise=2)
    found = report(pairs, prior)
    (macs,) = found.priors
    assert (found.networks, found.without_truth, found.without_score, found.notes) == (120, 5, 0, ())
    assert (found.format, found.interval, found.resamples, found.seed) == (2, "bca", 200, 0)
    for estimator, column in ((found.score, pairs.scores), (macs, prior)):
        expected = correlations(column, pairs.truth)
        assert {name: estimate.value for name, estimate in estimator.metrics.items()} == pytest.approx(expected)
        for pick in estimator.picks:
            selection = select(column, pairs.truth, pick.size)
            assert (pick.top.value, pick.bottom.value) == pytest.approx((selection.top, selection.bottom))
            assert (pick.best_rank, pick.worst_rank) == (selection.best_rank, selection.worst_rank)
            assert (pick.best, pick.regret) == (selection.best, selection.regret)
    assert tuple(pick.size for pick in found.score.picks) == sizes(120)
    for name, difference in macs.difference.items():
        score, other = found.score.metrics[name].value, macs.metrics[name].value
        assert score is not None
        assert other is not None
        assert difference.value == pytest.approx(score - other)


def test_intervals_hold_the_value_and_have_some_width() -> None:
    found = report(made(120, noise=1), worse(made(120, noise=1), noise=2))
    everything = [*found.score.metrics.values(), *found.priors[0].difference.values(), *found.partial.values()]
    everything += [pick.top for pick in found.score.picks if pick.size >= 10]
    for estimate in everything:
        assert estimate.value is not None
        assert estimate.low is not None
        assert estimate.high is not None
        assert estimate.low < estimate.value < estimate.high


def test_a_score_that_beats_its_prior() -> None:
    pairs = made(300, noise=0.3)
    assert report(pairs, worse(pairs, noise=2)).priors[0].verdict == "better"


def test_a_score_that_loses_to_its_prior() -> None:
    pairs = made(300, noise=2)
    assert report(pairs, worse(pairs, noise=0.3)).priors[0].verdict == "worse"


def test_no_verdict_without_evidence() -> None:
    pairs = made(12, noise=0.8)
    assert report(pairs, worse(pairs, noise=1)).priors[0].verdict == "undecided"


def test_no_verdict_from_a_handful_even_in_perfect_order() -> None:
    values = np.arange(5.0)
    found = report(Pairs(tuple(range(5)), values, values, 0, 0), -values)
    assert found.score.metrics["kendall"].show() == "1.000 [1.000, 1.000]"
    assert found.priors[0].verdict == "undecided"
    assert found.notes[0].startswith("5 networks are too few")


def test_what_few_picks_hold_has_no_interval() -> None:
    picks = report(made(120, noise=1), worse(made(120, noise=1), noise=2)).score.picks
    assert {pick.size for pick in picks if pick.top.low is not None} == {10, 12, 20, 24, 50, 60}
    assert all((pick.bottom.low is None) == (pick.size < 10) for pick in picks)


def test_a_perfect_order_of_fifty_is_not_said_to_be_less() -> None:
    """A network drawn twice once counted as a tie with itself, which made this 1.0 [0.971, 0.986]."""
    values = np.arange(50.0)
    found = rank_report(Pairs(tuple(range(50)), values, values, 0, 0), {}, resamples=200)
    for name, metric in found.score.metrics.items():
        if metric.value is not None and not name.startswith("sparse"):
            assert metric.value == pytest.approx(1), name
            assert metric.high == pytest.approx(1), name
            assert metric.low is not None, name
            assert metric.low <= 1 + 1e-9, name


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("networks", [3, 4, 11])
def test_few_networks_leave_gaps_but_break_nothing(networks: int, tmp_path: Path) -> None:
    values = np.arange(float(networks))
    seeds = np.array([values, values])
    pairs = Pairs(tuple(range(networks)), values[::-1].copy(), values, 0, 0, seeds=seeds)
    found = report(pairs, np.ones(networks))
    write_json(tmp_path / "rank.json", found.model_dump())  # NaN would be refused
    assert found.score.metrics["top_tenth"] == UNKNOWN


@pytest.mark.filterwarnings("error")
def test_a_constant_prior_is_undefined_and_said_to_be() -> None:
    found = report(made(50, noise=1), np.full(50, 7.0))
    (macs,) = found.priors
    assert {macs.metrics[name] for name in CORE} == {UNKNOWN}
    assert {macs.difference[name] for name in CORE} == {UNKNOWN}
    assert macs.verdict == "undecided"
    assert set(found.partial.values()) == {UNKNOWN}
    assert "MACs alone undefined" in found.summary
    assert found.notes == ("All networks have the same MACs: as a prior it says nothing.",)


def test_without_priors() -> None:
    found = rank_report(made(50, noise=1), {}, resamples=100)
    assert (found.priors, found.given, found.partial, found.groups) == ((), None, {}, {})


def test_what_is_explained_by_size_alone_is_gone_given_size() -> None:
    rng = np.random.default_rng(0)
    size = rng.normal(size=800)
    truth, score = (size + 0.7 * rng.normal(size=800) for _ in range(2))
    pairs = Pairs(tuple(range(800)), score, truth, 0, 0)
    found = rank_report(pairs, {"parameters": size[::-1].copy(), "MACs": size}, resamples=200)
    assert found.given == "MACs"
    assert found.score.metrics["pearson"].side == 1
    assert found.partial["pearson"].side == 0
    corr = np.corrcoef([score, truth, size])
    expected = (corr[0, 1] - corr[0, 2] * corr[1, 2]) / np.sqrt((1 - corr[0, 2] ** 2) * (1 - corr[1, 2] ** 2))
    assert found.partial["pearson"].value == pytest.approx(expected)


def test_the_first_prior_is_given_where_macs_are_unknown() -> None:
    pairs = made(30, noise=1)
    assert rank_report(pairs, {"size": worse(pairs, 1)}, resamples=100).given == "size"


def test_who_is_under_estimated() -> None:
    pairs = made(200, noise=0)
    found = rank_report(Pairs(pairs.networks, -pairs.truth, pairs.truth, 0, 0), {"size": pairs.truth}, resamples=100)
    shifts = [group.shift.value for group in found.groups["size"]]
    assert shifts == sorted(shifts)
    assert found.groups["size"][0].shift.side == -1
    assert found.groups["size"][4].shift.side == 1
    assert found.score.rank_difference == pytest.approx(0.25, abs=0.01)


def test_rivals_are_compared_on_the_same_draws() -> None:
    pairs = made(150, noise=1)
    like = pairs.scores + 0.01 * np.random.default_rng(1).normal(size=150)
    found = rank_report(
        Pairs(pairs.networks, pairs.scores, pairs.truth, 0, 0, rivals={"score": like, "random": worse(pairs, 50)}),
        {"MACs": worse(pairs, 2)},
        resamples=200,
    )
    assert [rival.name for rival in found.rivals] == ["score", "random"]  # whatever they are called
    assert [rival.verdict for rival in found.rivals] == ["undecided", "better"]
    difference, tau = found.rivals[0].difference["kendall"], found.score.metrics["kendall"]
    assert (difference.high or 0) - (difference.low or 0) < 0.2 * ((tau.high or 0) - (tau.low or 0))


def test_seeds_set_a_ceiling() -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(size=1000)
    seeds = truth + 0.3 * rng.normal(size=(2, 1000))
    pairs = Pairs(tuple(range(1000)), truth, seeds.mean(axis=0), 0, 0, seeds=seeds)
    found = rank_report(pairs, {}, resamples=100)
    assert found.seeds is not None
    assert (found.seeds.seeds, found.seeds.trainings) == (2, 2)
    assert list(found.seeds.between) == list(METRICS)
    assert found.ceiling == pytest.approx(found.score.metrics["kendall"].value, abs=0.02)  # the score is the true truth
    assert (found.seeds.between["kendall"] or 1) < found.ceiling


def test_seeds_without_networks_in_common_say_nothing() -> None:
    pairs = made(30, noise=1)
    seeds = np.full((2, 30), np.nan)
    seeds[0, :15], seeds[1, 15:] = pairs.truth[:15], pairs.truth[15:]
    found = rank_report(Pairs(pairs.networks, pairs.scores, pairs.truth, 0, 0, seeds=seeds), {}, resamples=100)
    assert (found.seeds, found.ceiling) == (None, None)


@pytest.mark.parametrize("scale", [1, 100])
def test_images_set_a_ceiling(scale: int) -> None:
    """The figures of a real entry: on 2,112 images, 1.6 points of spread are 61% signal, and r is at most 0.78."""
    rng = np.random.default_rng(0)
    true = rng.normal(0.7, 0.0125, size=4000)
    scores = rng.binomial(2112, true) / 2112
    found = rank_report(Pairs(tuple(range(4000)), scale * scores, true, 0, 0), {}, resamples=100, images=2112)
    assert found.images is not None
    assert found.images.reliability == pytest.approx(0.61, abs=0.03)
    assert found.ceiling == pytest.approx(found.score.metrics["kendall"].value, abs=0.02)
    assert (found.plan.images or 0) > 100_000  # to know tau to 0.01 of what it would be without noise


def test_images_are_about_accuracies() -> None:
    with pytest.raises(InputError, match="are no accuracies"):
        rank_report(made(50, noise=1), {}, resamples=100, images=1000)


def test_scores_that_are_noise_alone() -> None:
    rng = np.random.default_rng(1)
    scores = rng.binomial(100, 0.5, size=60) / 100
    pairs = Pairs(tuple(range(60)), scores, rng.normal(size=60), 0, 0)
    found = rank_report(pairs, {}, resamples=100, images=50)
    assert found.images is not None
    assert (found.images.reliability, found.ceiling, found.plan.images) == (0, 0, None)
    assert "The scores differ no more than those of equal networks would on 50 images." in found.notes


def test_the_plan_makes_the_interval_as_narrow_as_wanted() -> None:
    few = rank_report(made(200, noise=1), {}, resamples=300)
    many = rank_report(made(3200, noise=1), {}, resamples=300)
    assert few.plan.networks == pytest.approx(many.plan.networks or 0, rel=0.3)
    tau = many.score.metrics["kendall"]
    half_width = ((tau.high or 0) - (tau.low or 0)) / 2
    assert many.plan.networks == pytest.approx(3200 * (half_width / 0.01) ** 2, rel=0.15)


def test_ties_are_counted() -> None:
    scores, truth = np.array([1.0, 1, 1, 2, 3]), np.array([1.0, 2, 3, 4, 4])
    found = rank_report(Pairs(tuple(range(5)), scores, truth, 0, 0), {}, resamples=100)
    assert (found.score.ties.distinct, found.score.ties.pairs) == (3, 0.3)
    assert (found.truth.distinct, found.truth.pairs) == (4, 0.1)


def test_the_same_seed_gives_the_same_report() -> None:
    pairs = made(40, noise=1)
    first, again = (rank_report(pairs, {}, resamples=100, seed=1) for _ in range(2))
    other = rank_report(pairs, {}, resamples=100, seed=2)
    assert first == again
    assert first.score != other.score
    assert first.score.metrics["kendall"].value == other.score.metrics["kendall"].value


def test_kinds_of_intervals_differ() -> None:
    pairs = made(40, noise=0.3)
    bca, percentile = (rank_report(pairs, {}, resamples=200, interval=kind) for kind in ("bca", "percentile"))
    assert bca.score.metrics["kendall"].low != percentile.score.metrics["kendall"].low
    assert bca.score.metrics["weighted"] == percentile.score.metrics["weighted"]  # which has no BCa
    assert (bca.interval, percentile.interval) == ("bca", "percentile")


def test_remarks_follow_the_notes() -> None:
    found = rank_report(made(30, noise=1), {}, resamples=100, remarks=("From a table.",))
    assert found.notes == ("From a table.",)


def test_json_and_back(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    pairs = pair(
        dict(enumerate(rng.uniform(0.4, 0.6, size=50))),
        dict(enumerate(rng.normal(size=50))),
        rivals={"other": dict(enumerate(rng.normal(size=50)))},
        seeds={i: rng.normal(size=2).tolist() for i in range(50)},
    )
    found = rank_report(pairs, {"MACs": np.full(50, 7.0)}, resamples=100, images=1000)  # None is in it
    write_json(tmp_path / "rank.json", found.model_dump())
    content = (tmp_path / "rank.json").read_bytes()
    assert RankReport.model_validate_json(content) == found
    assert list(json.loads(content)["score"]["metrics"]) == list(METRICS)


def test_a_published_supernet_that_counting_parameters_beats(shared: Path) -> None:
    """Few-shot NAS against its own one-shot supernet and against parameters, on every fifth of NAS-Bench-201."""
    table = pd.read_csv(shared / "data/truth/nasbench201.csv")[::5]
    few, one, truth, parameters = (
        table[column].to_dict()
        for column in ("supernet_fewshot", "supernet_oneshot", "c10_test200_v11", "params_M_c10")
    )
    pairs = pair(few, truth, rivals={"one-shot": one})
    found = rank_report(pairs, {"parameters": np.array([parameters[i] for i in pairs.networks])}, resamples=100)
    assert [found.priors[0].verdict, found.rivals[0].verdict] == ["worse", "better"]
    assert found.summary.endswith("Better than one-shot. Worse than parameters. These 2 verdicts hold together at 95%.")
