import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from toolkit.ranking.metrics import CORE, MAIN, METRICS, Binned, PredictedTop, Rounded, TrueTop, correlations

tied = arrays(np.float64, (2, 30), elements=st.integers(-3, 3).map(float))


@settings(max_examples=30)
@given(tied)
def test_every_metric_has_a_value_or_is_undefined(columns: npt.NDArray[np.float64]) -> None:
    found = correlations(*columns)
    assert list(found) == list(METRICS)
    assert all(np.isnan(value) or -1 - 1e-9 <= value <= 1 + 1e-9 for value in found.values())


def test_lists_of_whole_numbers_will_do() -> None:
    assert correlations([1, 2, 3, 4], [1, 3, 2, 4])[MAIN] == pytest.approx(2 / 3)
    assert set(CORE) <= METRICS.keys()


def test_the_top_is_above_the_quantile() -> None:
    values = np.arange(10.0)
    for view in (TrueTop(0.5), PredictedTop(0.5)):
        kept, x, y = view(values, values)
        assert kept.tolist() == x.tolist() == y.tolist() == [5, 6, 7, 8, 9]
    tied = np.array([1.0, 2, 2, 2, 3])
    assert TrueTop(0.5)(np.arange(5.0), tied)[0].tolist() == [4]
    assert TrueTop(0.5)(tied, np.arange(5.0))[0].tolist() == [3, 4]
    assert PredictedTop(0.5)(tied, np.arange(5.0))[0].tolist() == [4]
    assert PredictedTop(0.1)(np.ones(5), np.arange(5.0))[0].tolist() == []


def test_restricted_metrics_are_tau_of_what_is_kept() -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(size=200)
    score = truth + rng.normal(size=200)
    found = correlations(score, truth)
    top = truth > np.median(truth)
    assert found["top_half"] == pytest.approx(stats.kendalltau(score[top], truth[top]).statistic)
    picked = score > np.quantile(score, 0.9)
    assert found["predicted_tenth"] == pytest.approx(stats.kendalltau(score[picked], truth[picked]).statistic)


def test_nothing_is_said_of_a_handful_out_of_many() -> None:
    values = np.arange(60.0)
    found = correlations(values, values)
    assert np.isnan(found["top_tenth"])
    assert found["top_half"] == pytest.approx(1)
    assert correlations(values[:5], values[:5])[MAIN] == pytest.approx(1)  # where there are no more, they must do


def test_rounding_makes_ties_in_the_truth_alone() -> None:
    score, truth = np.array([0.10004, 0.1, 0.2]), np.array([0.7001, 0.7004, 0.8])
    _, x, y = Rounded()(score, truth)
    assert x.tolist() == score.tolist()
    assert y.tolist() == [700, 700, 800]
    assert Rounded()(score, 100 * truth)[2].tolist() == [700, 700, 800]  # percentages are recognised
    assert Rounded(0.5)(score, truth)[2].tolist() == [1, 1, 2]


def test_bins_read_in_the_order_of_the_estimate() -> None:
    """As landmark regularisation does it: kendalltau between the sorted bins and the bins in predicted order."""
    rng = np.random.default_rng(0)
    truth = rng.normal(70, 2, size=300).round(2)
    score = truth + rng.normal(0, 2, size=300)
    bins = stats.rankdata(np.floor(truth / 0.5 + 1e-6), method="dense")
    expected = stats.kendalltau(np.sort(bins), bins[np.argsort(score, kind="stable")]).statistic
    _, x, y = Binned(0.5)(score, truth)
    assert stats.kendalltau(x, y).statistic == pytest.approx(expected)
    assert expected != pytest.approx(stats.kendalltau(score, np.round(truth / 0.5)).statistic, abs=1e-3)


def test_bins_hold_their_lower_edge_whatever_rounding_does() -> None:
    assert Binned(0.1)(np.arange(3.0), np.array([0.3, 0.6, 0.7]))[2].tolist() == [3, 6, 7]


def test_both_sparse_variants_agree_where_bins_are_fine() -> None:
    rng = np.random.default_rng(1)
    truth = rng.normal(0.7, 0.02, size=2000)
    score = truth + rng.normal(0, 0.02, size=2000)
    found = correlations(score, truth)
    assert found["sparse"] == pytest.approx(found["sparse_binned"], abs=0.01)
    assert found["sparse"] != found["sparse_binned"]
