import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from toolkit.files import write_json
from toolkit.ranking.metrics import METRICS, FloatArray
from toolkit.ranking.pairs import Pairs, pair
from toolkit.ranking.report import Estimate, RankReport, rank_report


def made(networks: int, noise: float, seed: int = 0) -> Pairs[int]:
    truth, errors = np.random.default_rng(seed).normal(size=(2, networks))
    return Pairs(tuple(range(networks)), truth + noise * errors, truth, without_truth=5, without_score=0)


def worse(pairs: Pairs[int], noise: float) -> FloatArray:
    return pairs.truth + noise * np.random.default_rng(99).normal(size=len(pairs.truth))


def report(pairs: Pairs[int], prior: FloatArray, resamples: int = 200) -> RankReport:
    return rank_report(pairs, {"MACs": prior}, resamples=resamples)


def test_a_score_that_beats_its_prior() -> None:
    pairs = made(300, noise=0.3)
    found = report(pairs, worse(pairs, noise=2))
    (macs,) = found.priors
    kendall, prior, difference = found.score.metrics["kendall"], macs.metrics["kendall"], macs.difference["kendall"]
    assert macs.verdict == "better"
    assert found.summary == (
        f"Kendall tau {kendall.show()} on 300 networks; MACs alone {prior.show()}. "
        f"Better than MACs: yes (difference {difference.show('+')})."
    )
    assert kendall.value is not None
    assert prior.value is not None
    assert difference.value == pytest.approx(kendall.value - prior.value)
    assert (found.networks, found.without_truth, found.without_score, found.notes) == (300, 5, 0, ())


def test_a_score_that_loses_to_its_prior() -> None:
    pairs = made(300, noise=2)
    found = report(pairs, worse(pairs, noise=0.3))
    assert found.priors[0].verdict == "worse"
    assert "Better than MACs: no, worse (difference -0." in found.summary


def test_no_verdict_without_evidence() -> None:
    pairs = made(12, noise=0.8)
    found = report(pairs, worse(pairs, noise=1))
    assert found.priors[0].verdict == "undecided"
    assert "Better than MACs: cannot be told from 12 networks (difference " in found.summary


def test_no_verdict_from_a_handful_even_in_perfect_order() -> None:
    values = np.arange(5.0)
    found = report(Pairs(tuple(range(5)), values, values, 0, 0), -values)
    assert found.score.metrics["kendall"].show() == "1.000 [1.000, 1.000]"
    assert found.priors[0].verdict == "undecided"
    assert found.notes[0].startswith("5 networks are too few")


@pytest.mark.filterwarnings("error")
def test_a_constant_prior_is_undefined_and_said_to_be() -> None:
    found = report(made(50, noise=1), np.full(50, 7.0))
    (macs,) = found.priors
    assert set(macs.metrics.values()) == {Estimate(value=None, low=None, high=None)}
    assert macs.difference == macs.metrics
    assert macs.verdict == "undecided"
    assert "MACs alone undefined" in found.summary
    assert found.notes == ("All networks have the same MACs: as a prior it says nothing.",)


def test_without_priors() -> None:
    found = rank_report(made(50, noise=1), {}, resamples=100)
    assert found.priors == ()
    assert found.summary == f"Kendall tau {found.score.metrics['kendall'].show()} on 50 networks."


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


def test_json_and_back(tmp_path: Path) -> None:
    found = report(made(50, noise=1), np.full(50, 7.0))  # None is in it
    write_json(tmp_path / "rank.json", found.model_dump())
    assert RankReport.model_validate_json((tmp_path / "rank.json").read_bytes()) == found
    assert list(json.loads((tmp_path / "rank.json").read_bytes())["score"]["metrics"]) == list(METRICS)


@pytest.mark.parametrize(
    ("numbers", "sign", "text"),
    [
        ((0.7249, 0.7, 0.744), "", "0.72 [0.70, 0.74]"),
        ((0.7249, 0.7211, 0.7288), "", "0.725 [0.721, 0.729]"),
        ((0.7249, 0.7, 0.744), "+", "+0.72 [0.70, 0.74]"),
        ((-0.1, -0.3, 0.1), "+", "-0.10 [-0.30, 0.10]"),
        ((None, None, None), "+", "undefined"),
    ],
)
def test_numbers_have_the_digits_they_are_worth(numbers: tuple[float | None, ...], sign: str, text: str) -> None:
    assert Estimate(**dict(zip(("value", "low", "high"), numbers, strict=True))).show(sign) == text


def test_a_published_supernet_that_counting_parameters_beats(shared: Path) -> None:
    """Few-shot NAS against its own one-shot supernet and against parameters, on every fifth of NAS-Bench-201."""
    table = pd.read_csv(shared / "data/truth/nasbench201.csv")[::5]
    pairs = pair(table["supernet_fewshot"].to_dict(), table["c10_test200_v11"].to_dict())
    others = {
        "one-shot": table["supernet_oneshot"].to_numpy(float),
        "parameters": table["params_M_c10"].to_numpy(float),
    }
    found = rank_report(pairs, others, resamples=100)
    assert [prior.verdict for prior in found.priors] == ["better", "worse"]
