import numpy as np
import pytest
from scipy import stats

from toolkit.ranking.gaussian import r_of, tau_of
from toolkit.ranking.metrics import METRICS
from toolkit.ranking.noise import (
    between_seeds,
    ceiling,
    image_variance,
    images_for,
    images_reliability,
    seeds_reliability,
    trainings,
)


def tau(x: np.ndarray, y: np.ndarray) -> float:
    return float(stats.kendalltau(x, y).statistic)


@pytest.mark.parametrize("number", [1, 3])
def test_the_ceiling_of_seeds_is_what_the_noiseless_truth_reaches(number: int) -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(size=4000)
    seeds = truth + 0.4 * rng.normal(size=(3, 4000))
    between = between_seeds(seeds, fewest=10)
    assert list(between) == list(METRICS)
    found = ceiling(seeds_reliability(between["kendall"], number))
    assert found == pytest.approx(tau(truth, seeds[:number].mean(axis=0)), abs=0.012)


def test_seeds_that_agree_in_nothing_leave_no_ceiling() -> None:
    assert ceiling(seeds_reliability(-0.1, 3)) == 0


def test_missing_trainings() -> None:
    seeds = np.random.default_rng(0).normal(size=(3, 30))
    seeds[1, :15], seeds[2, :25] = np.nan, np.nan
    assert trainings(seeds) == pytest.approx(1 / np.mean([1] * 15 + [1 / 2] * 10 + [1 / 3] * 5))
    first_two = between_seeds(seeds[:, 15:], fewest=10)["kendall"]
    assert first_two == pytest.approx(tau(seeds[0, 15:], seeds[1, 15:]))  # the third has 5 networks in common
    assert between_seeds(seeds, fewest=20) == {}


@pytest.mark.parametrize(
    ("images", "tau_at_best", "r_at_best"),
    [(2112, 0.57, 0.78), (3923, 0.66, 0.86), (5000, 0.69, 0.88), (10_000, 0.77, 0.94), (50_000, 0.89, 0.99)],
)
def test_what_images_allow_is_what_earlier_simulations_gave(images: int, tau_at_best: float, r_at_best: float) -> None:
    """Accuracies that differ by 1.2 points, each measured on other images: `specs/challenge-2022.md`, section 3.3."""
    reliability = images_reliability(images, image_variance(np.array([0.72])) / 0.012**2)
    assert ceiling(reliability) == pytest.approx(tau_at_best, abs=0.012)
    assert r_of(ceiling(reliability)) == pytest.approx(r_at_best, abs=0.01)


def test_scores_on_other_images_each() -> None:
    rng = np.random.default_rng(0)
    accuracies = rng.normal(0.7, 0.012, size=4000)
    measured = rng.binomial(2000, accuracies) / 2000
    reliability = images_reliability(2000, image_variance(accuracies) / accuracies.var())
    assert ceiling(reliability) == pytest.approx(tau(measured, accuracies), abs=0.02)


def test_scores_on_the_same_images() -> None:
    """An image is hard or easy for all networks: what they err alike in does no harm to their order."""
    rng = np.random.default_rng(0)
    networks, images, share = 500, 1500, 0.5
    ability = rng.normal(0.55, 0.04, size=networks)
    threshold = stats.norm.cdf(ability / np.sqrt(1))  # the accuracy over endlessly many images
    difficulty, own = rng.normal(size=images), rng.normal(size=(networks, images))
    right = np.sqrt(share) * difficulty + np.sqrt(1 - share) * own < ability[:, None]
    correlation = np.mean(np.corrcoef(right[:60])[np.triu_indices(60, 1)])
    assert 0.2 < correlation < 0.5
    reliability, careless = (
        images_reliability(images, image_variance(threshold, rho) / threshold.var()) for rho in (correlation, 0)
    )
    found = tau(right.mean(axis=1), threshold)
    assert ceiling(reliability) == pytest.approx(found, abs=0.04)
    assert abs(ceiling(careless) - found) > abs(ceiling(reliability) - found)


@pytest.mark.parametrize("true_tau", [0.5, 0.85, 1.0])
def test_so_many_images_take_no_more(true_tau: float) -> None:
    even = 1458.0
    images = images_for(true_tau, 0.01, even)
    kept, less = (
        tau_of(r_of(true_tau) * np.sqrt(images_reliability(number, even))) for number in (images, 0.99 * images)
    )
    assert kept >= true_tau - 0.01
    assert less < true_tau - 0.01


def test_who_may_lose_everything_needs_no_images() -> None:
    assert images_for(0.3, 0.4, even=1000) == 1
