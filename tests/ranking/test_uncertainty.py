import numpy as np
import pytest

from toolkit.ranking.metrics import METRICS, FloatArray, correlations
from toolkit.ranking.uncertainty import bootstrap, draw, interval

KENDALL = list(METRICS).index("kendall")


def sample(networks: int, seed: int, rho: float = 0.7) -> tuple[FloatArray, FloatArray]:
    """Gaussian estimates, shape (1, networks), whose correlation with the truth is `rho`; and the truth."""
    truth, noise = np.random.default_rng(seed).normal(size=(2, networks))
    return (rho * truth + np.sqrt(1 - rho**2) * noise)[None], truth


@pytest.mark.parametrize("networks", [40, 400, 70_000])
def test_a_draw_is_what_the_metrics_make_of_the_drawn_networks(networks: int) -> None:
    """Whether the ranks that it works with take 8, 16 or 32 bits, and with ties."""
    estimates, truth = sample(networks, seed=0)
    estimates, truth = np.vstack([estimates, estimates.round(1)]), truth + 1e6
    resamples = 2 if networks > 1000 else 20
    drawn = bootstrap(estimates, truth, resamples, seed=3)
    assert drawn.shape == (resamples, 2, len(METRICS))
    for i in range(resamples):
        chosen = draw(networks, 3, i)
        expected = [list(correlations(estimate[chosen], truth[chosen]).values()) for estimate in estimates]
        np.testing.assert_allclose(drawn[i], expected, atol=1e-9)


def test_draws_differ_and_repeat() -> None:
    draws = {tuple(draw(20, seed, number)) for seed in range(5) for number in range(20)}
    assert len(draws) == 100
    assert {len(indices) for indices in draws} == {20}
    assert {index for indices in draws for index in indices} == set(range(20))
    estimates, truth = sample(30, seed=0)
    few, many = (bootstrap(estimates, truth, resamples, seed=1) for resamples in (5, 10))
    assert np.array_equal(few, many[:5])


def test_progress_is_told() -> None:
    told: list[tuple[int, int]] = []
    bootstrap(*sample(10, seed=0), resamples=3, seed=0, progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_intervals_hold_the_true_tau_about_as_often_as_they_say() -> None:
    """For a Gaussian pair tau is 2/pi arcsin(rho) exactly."""
    rho, trials = 0.6, 30
    tau = 2 / np.pi * np.arcsin(rho)
    held = 0
    for trial in range(trials):
        low, high = interval(bootstrap(*sample(80, trial, rho), resamples=100, seed=trial)[:, 0, KENDALL])
        held += low <= tau <= high
    assert held >= 26  # 28.5 are expected, with a standard deviation of 1.2


def test_intervals_shrink_with_the_root_of_the_number_of_networks() -> None:
    widths = []
    for networks in (100, 1600):
        low, high = interval(bootstrap(*sample(networks, 0), resamples=300, seed=0)[:, 0, KENDALL])
        widths.append(high - low)
    assert widths[0] / widths[1] == pytest.approx(4, rel=0.25)


def test_the_difference_of_two_like_estimators_is_surer_than_either() -> None:
    """They err on the same networks; that is why both are computed on the same draws."""
    estimates, truth = sample(200, seed=0)
    like = estimates + 0.1 * np.random.default_rng(1).normal(size=estimates.shape)
    drawn = bootstrap(np.vstack([estimates, like]), truth, resamples=300, seed=0)[..., KENDALL]
    (low, high), (low_difference, high_difference) = interval(drawn[:, 0]), interval(drawn[:, 0] - drawn[:, 1])
    assert high_difference - low_difference < 0.6 * (high - low)


@pytest.mark.filterwarnings("error")
def test_undefined_draws_count_for_nothing_and_undefined_columns_stay_undefined() -> None:
    truth = np.arange(4.0)
    drawn = bootstrap(np.array([truth, np.ones(4)]), truth, resamples=500, seed=0)
    assert np.isnan(drawn[:, 0]).any(axis=0).all()  # four times the same network: 1 draw in 64
    low, high = interval(drawn)
    assert np.allclose([low[0], high[0]], 1)
    assert np.isnan([low[1], high[1]]).all()


def test_interval_cuts_a_fortieth_off_each_end() -> None:
    low, high = interval(np.arange(1001.0)[:, None])
    assert (low[0], high[0]) == pytest.approx((25, 975))
