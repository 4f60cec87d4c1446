"""Cells and positions as weighted sums of their operations: what they compute, and the gradients of the weights."""

from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pytest

from converters.onnx.graph import Graph
from converters.onnx.model import add_block
from tests.methods.mixing import CELL, CHAINS, EVERY_MIXED, MIXED, TWO, one_hot
from tests.networks import backend_on_cpu, noise_dataset, randomise, some_images
from toolkit.backends import BACKENDS
from toolkit.backends.base import Backend, Network
from toolkit.errors import InputError
from toolkit.evaluation.evaluator import Evaluator
from toolkit.evaluation.images import EvaluationSet
from toolkit.evaluation.policy import NormPolicy
from toolkit.spaces import Arch
from toolkit.spaces.mixtures import Mixable, active, tables
from toolkit.spaces.plans import Choice, Identity, Mixture, Plans

Floats = npt.NDArray[Any]


def supernet(backend: Backend, space: Mixable) -> Network:
    network = backend.network(space, space.widest, 0)
    randomise(network)
    return network


def images_of(backend: Backend, space: Mixable) -> Any:
    return backend.normalise(backend.place(some_images(space, 6)), (0.5,), (0.25,))


def mixed(backend: Backend, net: Network, plans: Plans, weights: Floats) -> Floats:
    given = dict.fromkeys(range(len(plans)), backend.place(weights.astype(np.float32)))
    images = images_of(backend, cast(Mixable, net.space))
    return np.asarray(backend.ops.numpy(net.run(plans, images, net.batch_norm(), weights=given)))


def everything(space: Mixable) -> tuple[tuple[bool, ...], ...]:
    return active(np.ones(space.something.shape), space)


def without_poolings(space: Mixable, seed: int) -> Arch:
    """A network of convolutions and skips: in a mixture of DARTS, and there alone, norms follow poolings."""
    rng = np.random.default_rng(seed)
    drawn = (space.sample(rng) for _ in range(10_000))
    return next(arch for arch in drawn if not any("pool" in name for _, name in space.operations_of(arch)))


@EVERY_MIXED
@pytest.mark.parametrize("seed", [0, 1])
def test_weights_of_one_operation_an_edge_are_the_path_bit_for_bit(backend: Backend, kind: str, seed: int) -> None:
    space = MIXED[kind]
    arch, net = without_poolings(space, seed), supernet(backend, space)
    path = np.asarray(
        backend.ops.numpy(net.run(space.supernet_plans(arch), images_of(backend, space), net.batch_norm()))
    )
    weights = one_hot(space, arch)
    for computed in (active(weights, space), everything(space)):
        assert mixed(backend, net, space.mixture(computed), weights).tobytes() == path.tobytes()
    assert np.ptp(path) > 1e-3


@EVERY_MIXED
def test_an_operation_of_weight_zero_is_not_computed(backend: Backend, kind: str) -> None:
    """And what comes out is what came out with it, to the bit."""
    space = MIXED[kind]
    weights = np.random.default_rng(0).uniform(0.5, 1.5, space.something.shape)
    weights[np.random.default_rng(1).random(weights.shape) < 0.6] = 0
    silent = ~weights.any(1, where=space.something)
    weights[silent, space.something.argmax(1)[silent]] = 1.0  # at least one of each edge
    net = supernet(backend, space)
    sparse = space.mixture(active(weights, space))
    assert (
        mixed(backend, net, sparse, weights).tobytes()
        == mixed(backend, net, space.mixture(everything(space)), weights).tobytes()
    )
    kept = sum(sum(row) for row in active(weights, space))
    assert 0 < kept < space.something.sum() / 1.5
    assert len(_gradients(backend, net, sparse, weights)) < len(
        _gradients(backend, net, space.mixture(everything(space)), weights)
    )


def _gradients(backend: Backend, net: Network, plans: Plans, weights: Floats) -> dict[str, Any]:
    given = dict.fromkeys(range(len(plans)), backend.place(weights.astype(np.float32)))
    backend.ops.backward(
        backend.ops.sum(net.run(plans, images_of(backend, cast(Mixable, net.space)), net.batch_norm(), weights=given))
    )
    return net.gradients()


@pytest.mark.parametrize(("kind", "shared"), [*((kind, False) for kind in MIXED), ("two", True)])
def test_frameworks_agree(kind: str, shared: bool) -> None:
    space = MIXED[kind]
    weights = np.random.default_rng(0).uniform(0.1, 1.0, space.something.shape)
    found = []
    for name in BACKENDS:
        backend = backend_on_cpu(name)
        found.append(mixed(backend, supernet(backend, space), space.mixture(everything(space), shared=shared), weights))
    np.testing.assert_allclose(found[0], found[1], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", MIXED)
def test_gradients_of_weights_against_finite_differences(kind: str) -> None:
    for name in BACKENDS:
        backend = backend_on_cpu(name, "fp64")
        space = MIXED[kind]
        net, plans = supernet(backend, space), space.mixture(everything(space))
        rng = np.random.default_rng(3)
        first = rng.uniform(0.1, 0.5, space.something.shape)
        parameters = backend.parameters({"weights": first})
        images, some = images_of(backend, space), backend.place(rng.standard_normal((6, 10)))

        def loss(made: Any = (net, plans, parameters, images, some)) -> Any:
            net, plans, parameters, images, some = made
            given = dict.fromkeys(range(len(plans)), parameters.tensors["weights"])
            return net.ops.sum(some * net.run(plans, images, net.batch_norm(), weights=given))

        backend.ops.backward(loss())
        gradient = backend.ops.numpy(parameters.gradients()["weights"])
        direction = rng.standard_normal(first.shape) * space.something
        ends, near = [], 1e-6
        for sign in (1, -1):
            parameters.load_weights({"weights": first + sign * near * direction})
            with backend.ops.constant():
                ends.append(float(loss()))
        expected = (ends[0] - ends[1]) / (2 * near)
        assert float((gradient * direction).sum()) == pytest.approx(expected, rel=1e-4), name
        assert not gradient[~space.something].any(), "nothing depends on the weight of nothing"


def test_operations_that_edges_share_are_those_of_the_first_edge_of_a_node(backend: Backend) -> None:
    weights = np.random.default_rng(0).uniform(0.5, 1.5, CELL.something.shape)
    net, plans = supernet(backend, CELL), CELL.mixture(everything(CELL), shared=True)
    first = {"edges.0-1", "edges.1-2", "edges.2-3"}
    used = {".".join(name.split(".")[2:4]) for name in _gradients(backend, net, plans, weights) if ".edges." in name}
    assert used == first
    copied = net.weights()
    for name in copied:
        for other, own in (("0-2", "0-1"), ("0-3", "0-1"), ("1-3", "1-2")):
            if f".edges.{other}." in name:
                copied[name] = copied[name.replace(f".{other}.", f".{own}.")]
    net.load_weights(copied)
    apart = mixed(backend, net, CELL.mixture(everything(CELL)), weights)
    np.testing.assert_allclose(mixed(backend, net, plans, weights), apart, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", ["cell", *CHAINS])
def test_a_mixture_is_no_candidate(backend: Backend, kind: str) -> None:
    space = MIXED[kind]
    net, plans = supernet(backend, space), space.mixture(everything(space))
    evaluator = Evaluator(
        backend, net, EvaluationSet.of(noise_dataset(space), NormPolicy("batch", 40)), plans=lambda _: plans
    )
    sentence = "weighted sum of operations, no candidate.*RUN/derived.json"
    with pytest.raises(InputError, match=sentence):
        evaluator.evaluate([space.largest])
    with pytest.raises(InputError, match=sentence):
        net.run(plans, images_of(backend, space))


def test_tables_are_as_large_as_plans_need() -> None:
    assert tables(CELL.mixture(everything(CELL))) == dict.fromkeys((1, 2, 4, 5), (6, 5))
    assert tables(CELL.plans(CELL.largest)) == {}
    assert tables(TWO.mixture(everything(TWO))) == {1: (14, 7), 2: (28, 7), 3: (28, 7), 4: (14, 7)}


def test_a_cell_without_operations_is_silent(backend: Backend) -> None:
    nothing = tuple((False,) * 8 for _ in TWO.edges)
    found = mixed(backend, supernet(backend, TWO), TWO.mixture(nothing), np.zeros(TWO.something.shape))
    assert np.ptp(found, axis=0).max() < 1e-5


def test_poolings_are_normalised_in_mixtures_of_darts_alone() -> None:
    """As in the authors' search network: without scale and shift."""
    cell = TWO.mixture(everything(TWO))[1]
    assert cast(Any, cell).nodes[0][0].mixture.standardised == ("max_pool_3x3", "avg_pool_3x3")
    plans = CELL.mixture(everything(CELL))
    assert cast(Any, plans[1]).nodes[0][0].mixture.standardised == ()


def test_a_mixture_has_no_onnx_file() -> None:
    with pytest.raises(InputError, match="weighted sum of operations is no candidate"):
        add_block(Graph({}), Choice(4, 4, (("skip_connect", Identity()),), mixture=Mixture(0, (0,))), ["x"], "blocks.1")


@pytest.mark.parametrize("kind", CHAINS)
def test_a_position_needs_an_active_option(kind: str) -> None:
    space = MIXED[kind]
    first, *others = everything(space)
    with pytest.raises(ValueError, match=f"nothing is active at {space.edges[0].cell}"):
        space.mixture(((False,) * len(first), *others))
