import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from toolkit.ranking.gaussian import networks_for, r_of, sampling_error, tau_of
from toolkit.ranking.uncertainty import Z


@given(st.floats(-1, 1))
def test_there_and_back(tau: float) -> None:
    assert tau_of(r_of(tau)) == pytest.approx(tau, abs=1e-7)


@pytest.mark.parametrize("networks", [3, 50, 45_000])
def test_the_error_of_no_relation_is_the_textbook_one(networks: int) -> None:
    expected = math.sqrt(2 * (2 * networks + 5) / (9 * networks * (networks - 1)))
    assert sampling_error(0, networks) == pytest.approx(expected)
    assert networks != 50 or expected == pytest.approx(0.098, abs=5e-4)


@pytest.mark.parametrize(
    ("tau", "networks", "error"),
    [(0.55, 200, 0.031), (0.55, 1000, 0.014), (0.85, 13, 0.074), (0.85, 200, 0.012), (0.85, 1000, 0.005)],
)
def test_the_error_is_that_of_earlier_simulations(tau: float, networks: int, error: float) -> None:
    """Those of `specs/peers.md`, section 3.3."""
    assert sampling_error(tau, networks) == pytest.approx(error, abs=1e-3)


def test_the_error_is_that_of_a_simulation() -> None:
    rng, r = np.random.default_rng(0), r_of(0.55)
    x, noise = rng.normal(size=(2, 2000, 13))
    y = r * x + math.sqrt(1 - r * r) * noise
    found = np.std([stats.kendalltau(a, b).statistic for a, b in zip(x, y, strict=True)])
    assert sampling_error(0.55, 13) == pytest.approx(found, rel=0.06)


@given(st.floats(0, 0.98), st.floats(0.005, 0.2))
def test_so_many_networks_are_enough_and_one_less_is_not(tau: float, half_width: float) -> None:
    networks = networks_for(tau, half_width)
    assert Z * sampling_error(tau, networks) <= half_width * (1 + 1e-9)
    assert networks <= 3 or Z * sampling_error(tau, networks - 1) > half_width
