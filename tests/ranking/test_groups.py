import numpy as np
import pytest

from toolkit.ranking.groups import by_size, rank_differences, under_estimation


def test_a_score_that_loves_small_networks() -> None:
    size = np.arange(100.0)
    shifts = rank_differences(-size, size)
    groups = by_size(shifts, size)
    assert [group.networks for group in groups] == [20] * 5
    assert [(group.low, group.high) for group in groups][:2] == [(0, 19), (20, 39)]
    assert [group.shift for group in groups] == pytest.approx([-0.8, -0.4, 0, 0.4, 0.8])
    assert groups[0].under == 0
    assert groups[4].under == pytest.approx(0.8)
    assert under_estimation(shifts) == pytest.approx(np.mean(np.maximum(shifts, 0)))


def test_a_perfect_score_under_estimates_nobody() -> None:
    values = np.random.default_rng(0).normal(size=50)
    assert under_estimation(rank_differences(np.exp(values), values)) == 0


def test_equals_are_not_parted() -> None:
    size = np.repeat([1.0, 2.0], [90, 10])
    groups = by_size(np.zeros(100), size)
    assert [(group.low, group.high, group.networks) for group in groups] == [(1, 1, 90), (2, 2, 10)]
    (group,) = by_size(np.zeros(100), np.ones(100))
    assert group.networks == 100


@pytest.mark.filterwarnings("error")
def test_one_network_has_no_error() -> None:
    groups = by_size(np.array([0.1, 0.2, 0.3]), np.array([1.0, 2.0, 3.0]))
    assert [group.networks for group in groups] == [1, 1, 1]
    assert all(np.isnan(group.error) for group in groups)
