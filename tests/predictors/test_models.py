"""Both models: what is closed form equals fitting again without the label."""

import numpy as np
import pytest
from scipy.linalg import lstsq

from toolkit.predictors.model import FloatArray
from toolkit.predictors.predictor import MODELS
from toolkit.predictors.process import GaussianProcess
from toolkit.predictors.ridge import Ridge


def data(labels: int = 24, features: int = 5) -> tuple[FloatArray, FloatArray, FloatArray]:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(labels, features))
    mean = np.column_stack([np.ones(labels), rng.normal(size=labels)])
    y = x[:, 0] - x[:, 1] ** 2 + 2 * mean[:, 1] + rng.normal(size=labels) / 5
    return x, mean, y


def ridge_by_hand(x: FloatArray, mean: FloatArray, y: FloatArray, strength: float, at: tuple[FloatArray, FloatArray]):
    """Least squares with rows of zeros that pull the weights, and only these, to 0."""
    pull = np.hstack([np.zeros((x.shape[1], mean.shape[1])), np.sqrt(strength) * np.eye(x.shape[1])])
    system = np.vstack([np.hstack([mean, x]), pull])
    solution = lstsq(system, np.concatenate([y, np.zeros(x.shape[1])]))[0]
    return np.hstack([at[1], at[0]]) @ solution


def kriging_by_hand(x: FloatArray, mean: FloatArray, y: FloatArray, length: float, noise: float, at):
    """The system of universal kriging, with Lagrange multipliers for the mean."""

    def kernel(a: FloatArray, b: FloatArray) -> FloatArray:
        squares = ((a[:, None] - b[None]) ** 2).sum(axis=2)
        return np.exp(-squares / (2 * length**2 * x.shape[1]))

    n, m = mean.shape
    system = np.block([[kernel(x, x) + noise * np.eye(n), mean], [mean.T, np.zeros((m, m))]])
    weights = np.linalg.solve(system, np.vstack([kernel(x, at[0]), at[1].T]))
    return weights[:n].T @ y


@pytest.mark.parametrize("grouped", [False, True])
def test_ridge_without_a_label(grouped: bool) -> None:
    x, mean, y = data()
    model = Ridge(x, mean, y)
    groups = np.arange(len(y)) // 4 if grouped else np.arange(len(y))
    found = model.left_out(groups if grouped else None).mean
    strength = model.settings["penalty"] * len(y)
    for group in np.unique(groups):
        out = groups == group
        again = ridge_by_hand(x[~out], mean[~out], y[~out], strength, (x[out], mean[out]))
        np.testing.assert_allclose(found[out], again, rtol=1e-8)


@pytest.mark.parametrize("grouped", [False, True])
def test_process_without_a_label(grouped: bool) -> None:
    x, mean, y = data()
    model = GaussianProcess(x, mean, y)
    groups = np.arange(len(y)) // 4 if grouped else np.arange(len(y))
    found = model.left_out(groups if grouped else None).mean
    for group in np.unique(groups):
        out = groups == group
        again = kriging_by_hand(x[~out], mean[~out], y[~out], at=(x[out], mean[out]), **model.settings)
        np.testing.assert_allclose(found[out], again, rtol=1e-7)


def test_predictions_elsewhere() -> None:
    x, mean, y = data()
    elsewhere = np.array([[0.3, -1.0, 0.5, 2.0, 0.1], [9.0, 9.0, 9.0, 9.0, 9.0]]), np.array([[1.0, 0.5], [1.0, -1.0]])
    ridge, process = Ridge(x, mean, y), GaussianProcess(x, mean, y)
    strength = ridge.settings["penalty"] * len(y)
    np.testing.assert_allclose(ridge.predict(*elsewhere).mean, ridge_by_hand(x, mean, y, strength, elsewhere))
    by_hand = kriging_by_hand(x, mean, y, at=elsewhere, **process.settings)
    np.testing.assert_allclose(process.predict(*elsewhere).mean, by_hand, rtol=1e-7)


@pytest.mark.parametrize("name", MODELS)
def test_standard_deviations(name: str) -> None:
    """They are larger far away, and hold what they should among many."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 3))
    clean = x @ [1.0, -1.0, 0.5]
    model = MODELS[name](x[:60], np.ones((60, 1)), clean[:60] + rng.normal(size=60) / 2)
    found = model.predict(x[60:], np.ones((340, 1)))
    inside = np.abs(found.mean - clean[60:]) < 2 * found.sd
    assert 0.85 < inside.mean() <= 1
    far = model.predict(np.full((1, 3), 6.0), np.ones((1, 1)))
    assert far.sd[0] > 2 * np.median(found.sd)
