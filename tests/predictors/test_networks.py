"""MLP, LSTM and Transformer: what they learn, and that both frameworks learn the same."""

import numpy as np
import pytest
from scipy.stats import kendalltau

from tests.networks import backend_on_cpu
from toolkit.backends import BACKENDS
from toolkit.predictors.model import FloatArray
from toolkit.predictors.networks import FAMILIES, MEMBERS, NetworkModel, tokens_of

NAMES = [*(f"op{place}={option}" for place in range(4) for option in "abc"), "score"]


def data(networks: int, seed: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Four decisions with three options and a score: features, mean columns and labels."""
    rng = np.random.default_rng(seed)
    answers = rng.integers(3, size=(networks, 4))
    one_hot = np.eye(3)[answers].reshape(networks, 12) - 1 / 3
    score = rng.normal(size=networks)
    worth = np.array([[0, 1, 2], [0, 2, 1], [1, 0, 0], [0, 0, 1.5]])
    labels = worth[np.arange(4), answers].sum(1) + score / 2
    return np.column_stack([one_hot, score]), np.ones((networks, 1)), (labels - 2) / 1.5


def made(backend: str, family: str, steps: int) -> NetworkModel:
    return NetworkModel(*data(60, 0), FAMILIES[family], tokens_of(NAMES), backend_on_cpu(backend), steps)


@pytest.mark.parametrize("family", FAMILIES)
def test_they_learn_what_order_options_have(family: str) -> None:
    model = made("torch", family, steps=60)
    features, mean, labels = data(100, 1)
    found = model.predict(features, mean)
    assert kendalltau(found.mean, labels).statistic > 0.6
    assert kendalltau(model.left_out().mean, data(60, 0)[2]).statistic > 0.5
    assert (found.sd > 0).all()
    assert model.error == pytest.approx(np.mean((model.left_out().mean - data(60, 0)[2]) ** 2))


@pytest.mark.parametrize("family", FAMILIES)
def test_frameworks_agree(family: str) -> None:
    features, mean, _ = data(20, 1)
    found = [made(name, family, steps=3).predict(features, mean).mean for name in BACKENDS]
    np.testing.assert_allclose(found[0], found[1], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("groups", [None, np.arange(60) // 4])
def test_who_is_left_out_was_not_seen(groups: np.ndarray | None) -> None:
    """A label changed by a mile does not move its own prediction, nor its group's; it does move others."""
    features, mean, labels = data(60, 0)
    members = np.arange(60) == 7 if groups is None else groups == groups[7]
    found = []
    for shift in (0.0, 50.0):
        changed = labels + shift * members
        model = NetworkModel(features, mean, changed, FAMILIES["mlp"], tokens_of(NAMES), backend_on_cpu("torch"), 20)
        found.append(model.left_out(groups).mean)
    np.testing.assert_allclose(found[0][members], found[1][members], atol=1e-6)
    assert np.abs(found[0] - found[1]).max() > 0.1


def test_tokens_are_decisions() -> None:
    assert tokens_of(NAMES) == (slice(0, 3), slice(3, 6), slice(6, 9), slice(9, 12), slice(12, 13))
    assert tokens_of([]) == ()
    assert MEMBERS > 1
