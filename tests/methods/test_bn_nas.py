"""BN-NAS: what is trained, what is frozen, and what the scales say."""

from itertools import product

import numpy as np
import pytest

from tests.methods_made import begun, make_method
from tests.networks import backend_on_cpu, randomise, some_images, thin
from toolkit.backends import BACKENDS
from toolkit.backends.base import SGD
from toolkit.errors import InputError
from toolkit.methods import Batch
from toolkit.methods.bn_nas import indicated, indicators, last_norms
from toolkit.spaces import SPACES

MACRO = thin(SPACES["nasbench-macro"], 8)
CELLS = thin(SPACES["nasbench201"], 8)


def test_last_norms_of_blocks_beside_each_other() -> None:
    """The identity has a norm where the stride is 2, else nothing."""
    norms = last_norms(MACRO)
    assert norms[0] == [
        ("blocks.1.identity.bn",),
        ("blocks.1.mb3_k3.bn3",),
        ("blocks.1.mb6_k5.bn3",),
    ]
    assert norms[1] == [(), ("blocks.2.mb3_k3.bn3",), ("blocks.2.mb6_k5.bn3",)]


def test_last_norms_of_edges_are_those_of_every_cell() -> None:
    options = last_norms(CELLS)[1]
    assert list(map(len, options)) == [0, 0, 6, 6, 0], "two cells in each of three stages"
    assert all(name.endswith(".edges.0-2.nor_conv_3x3.bn") for name in options[3])


def test_its_own_space_has_an_indicator_for_all_but_the_identity() -> None:
    space = SPACES["bn-nas"]
    for decision, options in zip(space.decisions, last_norms(space), strict=True):
        computed = [len(names) for names in options]
        assert computed == [1] * 6 + [0] * (len(decision.options) - 6)
        assert all(name.endswith(".bn3") for names in options for name in names)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("pinas-mini", "begins with a scale of 0"),
        ("resnet48-mini", "begins with a scale of 0"),
        ("nats-size", "no batch norms of their own"),
    ],
)
def test_spaces_without_an_indicator_are_refused(name: str, why: str) -> None:
    with pytest.raises(InputError, match=f"{why}.*space {name} has no indicator"):
        make_method("bn-nas", SPACES[name])


@pytest.mark.parametrize("name", BACKENDS)
@pytest.mark.parametrize("space", [MACRO, CELLS], ids=lambda space: space.name)
def test_steps_move_nothing_else(name: str, space: type(MACRO)) -> None:
    backend = backend_on_cpu(name)
    network = backend.network(space, space.widest, 0)
    method = begun(make_method("bn-nas", space), backend, network)
    optimizer = backend.optimizer(network, SGD(weight_decay=0.1, decay_norm=True))
    before = network.weights()
    images = backend.normalise(backend.place(some_images(space, 4)), (0.5,) * 3, (0.25,) * 3)
    for step in range(3):
        method.step(Batch(network, images, backend.place(np.arange(4)), np.random.default_rng(step)))
        optimizer.step(0.1)
    changed = {n for n, array in network.weights().items() if (array != before[n]).any() and "running_" not in n}
    frozen = method.frozen()
    assert isinstance(frozen, frozenset)
    assert changed
    assert not changed & frozen
    trained = {f"{n}.{part}" for o in last_norms(space) for each in o for n in each for part in ("weight", "bias")}
    assert changed <= trained
    assert frozen | trained == {n for n in before if "running_" not in n}


def test_scores_are_looked_up() -> None:
    network = backend_on_cpu("torch").network(MACRO, MACRO.widest, 0)
    norms = last_norms(MACRO)
    fresh = indicators(norms, network.weights())
    assert fresh == [[1.0 if names else 0.0 for names in options] for options in norms], "a fresh scale is 1"
    randomise(network)
    weights = network.weights()
    table = indicators(norms, weights)
    assert table[0][2] == pytest.approx(float(np.abs(weights["blocks.1.mb6_k5.bn3.weight"]).mean()))
    for arch in list(product(range(3), repeat=8))[::500]:
        assert indicated(table, arch) == pytest.approx(sum(table[n][answer] for n, answer in enumerate(arch)))
    even = np.array(indicators(norms, weights, standardise=True))
    np.testing.assert_allclose(even.mean(1), 0, atol=1e-9)
    np.testing.assert_allclose(even.std(1), 1)


def test_an_option_in_many_cells_is_their_mean() -> None:
    network = backend_on_cpu("torch").network(CELLS, CELLS.widest, 0)
    randomise(network)
    weights, norms = network.weights(), last_norms(CELLS)
    expected = np.mean([np.abs(weights[f"{name}.weight"]).mean() for name in norms[1][3]])
    assert indicators(norms, weights)[1][3] == pytest.approx(float(expected))
