"""How weakly weights are shared, on numbers that can be known."""

import numpy as np
import pytest

from tests.networks import backend_on_cpu, randomise, thin
from toolkit.backends.base import Network
from toolkit.backends.hypernet import is_hyper
from toolkit.interference.sharing import sharing_degree
from toolkit.spaces import SPACES
from toolkit.spaces.conditioning import ConditionedSpace

MACRO = thin(SPACES["nasbench-macro"], 8)
SPACE = ConditionedSpace(MACRO, "scale", 0.5, 8)
PATHS = [tuple([0] * 8), tuple([1] * 8), (0, 1, 2, 0, 1, 2, 0, 1)]


def network(*, seed: int | None = 0) -> Network:
    made = backend_on_cpu("torch").network(SPACE, SPACE.widest, 0)
    if seed is not None:
        randomise(made, seed)
    return made


def values(made: Network, measure: str) -> dict[int, float]:
    return {row.block: row.value for row in sharing_degree(made, PATHS) if row.measure == measure}


def test_plainly_shared_weights_have_no_degree() -> None:
    plain = backend_on_cpu("torch").network(MACRO, MACRO.widest, 0)
    assert not list(sharing_degree(plain, PATHS))


def test_a_fresh_hypernet_shares_fully_and_says_nothing() -> None:
    fresh = network(seed=None)
    assert np.nanmax(list(values(fresh, "weight_modulation").values())) == 0
    assert all(np.isnan(value) for value in values(fresh, "modulation_cosine").values())


def test_a_hypernet_deaf_to_its_code_has_collapsed() -> None:
    deaf = network()
    weights = deaf.weights()
    deaf.load_weights(
        {name: np.zeros_like(a) if name.endswith(".hyper.0.weight") else a for name, a in weights.items()}
    )
    known = [value for value in values(deaf, "modulation_cosine").values() if np.isfinite(value)]
    assert known
    assert known == pytest.approx([1.0] * len(known))
    assert np.nanmax(list(values(deaf, "weight_modulation").values())) < 1e-6
    awake = [value for value in values(network(), "modulation_cosine").values() if np.isfinite(value)]
    assert max(awake) < 0.999


def test_opposite_factors_of_all_channels() -> None:
    """The stem alone: heads say +-1 for two codes, so filters are W (1 + rho) and W (1 - rho)."""
    made = network()
    weights = {name: np.zeros_like(a) if is_hyper(name) else a for name, a in made.weights().items()}
    code = np.zeros_like(weights["blocks.0.hyper.0.weight"])
    code[0, 0], code[1, 1] = 100.0, 100.0  # of the first decision: option 0 speaks to one feature, 1 to another
    weights["blocks.0.hyper.0.weight"] = code
    weights["blocks.0.hyper.1.weight"] = 100 * np.eye(8, dtype=np.float32)
    weights["blocks.0.conv.hyper.weight"][:, :2] = 100 * np.array([1, -1])
    made.load_weights(weights)
    rows = {row.measure: row for row in sharing_degree(made, PATHS[:2]) if row.block == 0}
    assert rows["weight_modulation"].value == pytest.approx(2 * SPACE.rho)
    assert rows["weight_modulation"].n == 1
    cosine = rows["modulation_cosine"].value
    assert cosine == pytest.approx(-1.0)
