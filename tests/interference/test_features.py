import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm, ortho_group

from tests.interference.test_gradients import backend, some_batch
from tests.interference.toys import choice_network, mirrored_batch, width_space
from tests.networks import randomise
from toolkit.backends.base import Backend
from toolkit.interference.features import Features, Maps, cka, cosine, divergence
from toolkit.interference.table import CHANCE

__all__ = ["backend"]
floats = st.floats(-3, 3)


@given(floats, st.floats(0.1, 4), floats, st.floats(0.1, 4))
@settings(max_examples=20)
def test_divergence_is_the_integral(mean1: float, variance1: float, mean2: float, variance2: float) -> None:
    p, q = norm(mean1, variance1**0.5), norm(mean2, variance2**0.5)
    x = np.linspace(-30, 30, 60_001)
    both = ((p.pdf(x) - q.pdf(x)) * (p.logpdf(x) - q.logpdf(x))).sum() * (x[1] - x[0]) / 2
    found = divergence((np.array([mean1]), np.array([variance1])), (np.array([mean2]), np.array([variance2])), 0)
    assert found == pytest.approx(both, rel=1e-3, abs=1e-6)


def test_divergence_looks_at_common_channels_and_bears_dead_ones() -> None:
    narrow, wide = (np.zeros(2), np.zeros(2)), (np.array([0.0, 0.0, 9.0]), np.array([0.0, 0.0, 1.0]))
    np.testing.assert_array_equal(divergence(narrow, wide, 1e-5), [0, 0])


def maps(*channels: tuple[float, float]) -> Maps:
    """Of channels with these means and variances."""
    mean, variance = np.array(channels).T
    return Maps(np.ones((2, len(channels))), (mean, variance))


def test_a_channel_that_is_silent_on_one_path_does_not_drown_the_others() -> None:
    """What a ReLU leaves of a channel may be nothing at all."""
    alive, silent = maps((1, 1), (1, 1), (1, 1)), maps((1, 1), (1, 1), (0, 0))
    floor = 0.01 * (1 + 2 / 3) / 2
    expected = ((1 + floor + 1) / floor + (floor + 1) / (1 + floor) - 2) / 4 / 3
    assert alive.against(silent)["feature_kl"] == pytest.approx(expected)
    assert expected < 21
    assert silent.against(silent)["feature_kl"] == 0
    assert np.isnan(maps((0, 0)).against(maps((1, 0)))["feature_kl"]), "nothing varies, so there is no distribution"


@given(st.floats(1e-4, 1e4))
def test_the_shift_of_features_has_no_unit(scale: float) -> None:
    first, second = [(1, 1), (0.2, 0.04), (0, 0)], [(0.5, 2), (0.3, 0.02), (0.1, 0.01)]
    scaled = [[(scale * mean, scale**2 * variance) for mean, variance in each] for each in (first, second)]
    expected = maps(*first).against(maps(*second))["feature_kl"]
    assert maps(*scaled[0]).against(maps(*scaled[1]))["feature_kl"] == pytest.approx(expected)


def test_cosine_in_closed_form() -> None:
    x = np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 0.0]])
    assert cosine(x, x) == pytest.approx(1)
    assert cosine(x, -2 * x) == pytest.approx(-1)
    assert cosine(x, np.array([[0.0, 1.0], [1.0, -1.0], [1.0, 1.0]])) == pytest.approx(0)
    assert np.isnan(cosine(0 * x, x))


def test_cka_knows_no_directions() -> None:
    x = np.random.default_rng(0).normal(size=(40, 5))
    assert cka(x, 3 * x @ ortho_group.rvs(5, random_state=0) + 7) == pytest.approx(1)
    first, second = np.zeros((2, 4, 1))
    first[:, 0], second[:, 0] = [1, 1, -1, -1], [1, -1, 1, -1]
    assert cka(first, second) == pytest.approx(0)
    assert np.isnan(cka(x, np.ones((40, 5))))


def test_features_in_closed_form(backend: Backend) -> None:
    """All four branches see the same images. The classifier sees +f, +f, -f and features in another channel."""
    network = choice_network(backend)
    probe = Features(network, [(0,), (1,), (2,), (3,)])
    for _ in range(2):
        assert len(list(probe.draw(mirrored_batch(backend)))) == 4
    rows = list(probe.rows())
    chance = {row.block: row for row in rows if (row.measure, row.first) == ("feature_kl", CHANCE)}
    assert {block: (row.value, row.n) for block, row in chance.items()} == {0: (0, 1), 1: (0, 1)}  # the same images
    found = {(row.measure, row.block): row for row in rows if row.first != CHANCE}
    assert found["feature_cosine", 0].value == pytest.approx(1)
    assert found["feature_cosine", 1].value == pytest.approx((1 - 1 - 1 + 0 + 0 + 0) / 6, abs=1e-6)
    assert found["feature_kl", 0].value == pytest.approx(0, abs=1e-6)
    assert found["feature_cka", 0].value == pytest.approx(1)
    assert {row.n for row in found.values() if row.measure != "norm_disagreement"} == {2}
    assert found["feature_cosine", 1].error == pytest.approx(0, abs=1e-6)
    # No two branches share a batch norm, and the classifier has none.
    assert all(np.isnan(found["norm_disagreement", block].value) for block in (0, 1))


def test_what_is_compared_are_inputs_and_statistics(backend: Backend) -> None:
    """Against a plain forward pass of two paths of different width."""
    network = backend.network(width_space(), width_space().widest, 0)
    randomise(network)
    archs, batch = [(0, 0), (2, 1)], some_batch(backend)
    probe = Features(network, archs)
    list(probe.draw(batch))
    found = {(row.measure, row.block): row.value for row in probe.rows()}
    states, seen = [], []
    for arch in archs:
        state, inputs, norms = batch[0], [], []
        with network.inference():
            for index, plan in enumerate(network.space.supernet_plans(arch)):
                inputs.append(np.asarray(state).copy())
                calibrating = network.calibrating_norm(6)
                state = network.run_block(index, plan, state, calibrating)
                norms += [(each.mean, each.variance) for each in network.statistics(calibrating)]
        states.append(inputs)
        seen.append(norms)
    for block in (0, 1, 2):
        x, y = (each[block] for each in states)
        c = min(x.shape[1], y.shape[1])
        pooled = x[:, :c].mean((2, 3)), y[:, :c].mean((2, 3))
        moments = [(each.mean((0, 2, 3)), each.var((0, 2, 3))) for each in (x, y)]
        varied = np.mean([variance[:c].mean() for _, variance in moments])
        assert found["feature_cosine", block] == pytest.approx(cosine(*pooled), abs=1e-5)
        assert found["feature_cka", block] == pytest.approx(cka(*pooled), abs=1e-4)
        assert found["feature_kl", block] == pytest.approx(
            divergence(*((mean[:c], variance[:c]) for mean, variance in moments), 0.01 * varied).mean(),
            rel=1e-3,
            abs=1e-5,
        )
    for block in (0, 1):
        expected = divergence(*(each[block] for each in seen), 1e-5).mean()
        assert found["norm_disagreement", block] == pytest.approx(expected, rel=1e-4, abs=1e-7)
