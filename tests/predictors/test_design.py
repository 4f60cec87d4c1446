"""Networks chosen to be labelled."""

import numpy as np

from toolkit.candidates import draw_candidates
from toolkit.predictors.columns import Features
from toolkit.predictors.design import d_optimal
from toolkit.spaces import SPACES
from toolkit.training.selection import SELECTIONS

SPACE = SPACES["resnet20"]
CANDIDATES = draw_candidates(SPACE, 400, 0)


def doubt(matrix: np.ndarray, chosen: np.ndarray) -> float:
    """The mean variance of a prediction after so many labels."""
    x = np.column_stack([np.ones(len(matrix)), (matrix - matrix.mean(axis=0)) / matrix.std(axis=0)])
    inverse = np.linalg.inv(x[chosen].T @ x[chosen] + np.eye(x.shape[1]))
    return float(np.mean(np.sum(x @ inverse * x, axis=1)))


def test_a_design_teaches_more_than_chance() -> None:
    features = Features.of(SPACE, [SPACE.parse(code) for code in CANDIDATES.values()])
    matrix = features.matrix(SPACE.predicted_from)
    chosen = d_optimal(matrix, 60)
    assert len(set(chosen.tolist())) == 60
    np.testing.assert_array_equal(d_optimal(matrix, 30), chosen[:30])
    np.testing.assert_array_equal(d_optimal(matrix, 30, known=chosen[:30]), chosen[30:])
    rng = np.random.default_rng(0)
    assert doubt(matrix, chosen) < min(doubt(matrix, rng.permutation(400)[:60]) for _ in range(20))


def test_all_if_there_are_no_more() -> None:
    assert sorted(d_optimal(np.random.default_rng(0).normal(size=(7, 3)), 20).tolist()) == list(range(7))


def test_a_way_to_choose_networks_to_train() -> None:
    chosen = SELECTIONS["d-optimal"](SPACE, CANDIDATES, 25, 0)
    assert len(chosen) == 25
    assert chosen.items() <= dict(CANDIDATES).items()
