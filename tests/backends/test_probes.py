"""What probes and scores need of a backend: gradients, ReLUs, statistics, networks of any blocks, 64 bits."""

from typing import Any

import numpy as np
import pytest

from tests.networks import EVERY_FORM, UNALIKE, forward, randomise, some_images
from toolkit.backends import get_backend
from toolkit.backends.base import Backend, Network, Norm, Tensor
from toolkit.spaces import Arch, Plan, SearchSpace
from toolkit.spaces.plans import ConvNorm
from toolkit.spaces.primitives import Activate
from toolkit.spaces.primitives import Norm as NormLayer
from toolkit.spaces.wiring import graph


@pytest.fixture
def network(backend: Backend, space: SearchSpace) -> Network:
    network = backend.network(space, space.widest, 0)
    randomise(network)
    return network


def placed(backend: Backend, space: SearchSpace, seed: int = 0) -> Tensor:
    images = backend.place(some_images(space, 6, seed))
    return backend.normalise(images, (0.5,) * space.channels, (0.25,) * space.channels)


def run(network: Network, arch: Arch, state: Tensor, norm: Norm) -> Tensor:
    return forward(network, arch, state, norm)


def backward(backend: Backend, network: Network, arch: Arch, seed: int = 0) -> None:
    logits = run(network, arch, placed(backend, network.space, seed), network.batch_norm())
    network.ops.backward(network.ops.cross_entropy(logits, backend.place(np.arange(6))))


def arrays(gradients: dict[str, Tensor]) -> dict[str, Any]:
    return {name: np.asarray(gradient) for name, gradient in gradients.items()}


@EVERY_FORM
def test_gradients_add_up_and_are_taken(backend: Backend, space: SearchSpace, network: Network) -> None:
    assert network.gradients() == {}
    apart = []
    for seed in (0, 1):
        backward(backend, network, space.smallest, seed)
        apart.append(arrays(network.gradients()))
        assert network.gradients() == {}
    for seed in (0, 1):
        backward(backend, network, space.smallest, seed)
    together = arrays(network.gradients())
    assert together.keys() == apart[0].keys() == apart[1].keys()
    scale = max(np.abs(gradient).max() for gradient in together.values())
    weights = network.weights()
    for name, gradient in together.items():
        assert gradient.shape == weights[name].shape
        np.testing.assert_allclose(gradient, apart[0][name] + apart[1][name], rtol=1e-3, atol=1e-5 * scale)


@EVERY_FORM
def test_gradients_are_zero_beyond_the_path(backend: Backend, space: SearchSpace, network: Network) -> None:
    backward(backend, network, space.smallest)
    found = arrays(network.gradients())
    used = backend.network(space, network.space.supernet_plans(space.smallest), seed=0).weights()
    assert found.keys() == {name for name in used if "running" not in name}, "and others are left out"
    for name, gradient in found.items():
        inside = tuple(map(slice, used[name].shape))
        assert gradient[inside].any() or name.endswith(".bias")
        gradient[inside] = 0
        assert not gradient.any()


def relus(plan: Plan | None) -> int:
    return sum(step.op in (Activate("relu"), Activate("relu6")) for step in graph(plan).steps) if plan else 0


@EVERY_FORM
def test_every_relu_is_seen_and_nothing_changes(backend: Backend, space: SearchSpace, network: Network) -> None:
    arch, x = space.sample(np.random.default_rng(0)), placed(backend, space)
    seen: list[tuple[int, ...]] = []

    def see(output: Tensor) -> None:
        assert float(output.min()) >= 0
        seen.append(tuple(output.shape))

    with network.inference():
        before = np.asarray(run(network, arch, x, network.batch_norm()))
        with network.observe_relus(see):
            within = np.asarray(run(network, arch, x, network.batch_norm()))
        count = len(seen)
        after = np.asarray(run(network, arch, x, network.batch_norm()))
    assert count == len(seen) == sum(map(relus, network.space.supernet_plans(arch)))
    assert all(shape[0] == 6 and len(shape) == 4 for shape in seen)
    np.testing.assert_array_equal(within, before)
    np.testing.assert_array_equal(after, before)


@pytest.mark.parametrize("space", UNALIKE[:1], indirect=True)
def test_a_relu_is_seen_before_anything_works_on_it(backend: Backend, space: SearchSpace) -> None:
    plans = (ConvNorm(space.channels, 4, 3, 1, "after", space.size),)
    network, x = backend.network(space, plans, seed=0), placed(backend, space)
    seen = []
    with network.inference(), network.observe_relus(lambda output: seen.append(np.asarray(output).copy())):
        result = network.run(plans, x, network.batch_norm())
    np.testing.assert_array_equal(seen[0], np.asarray(result))


@pytest.mark.parametrize("space", UNALIKE[:1], indirect=True)
def test_an_observer_goes_when_something_breaks(backend: Backend, space: SearchSpace, network: Network) -> None:
    seen: list[int] = []
    with pytest.raises(ZeroDivisionError), network.observe_relus(seen.append):
        raise ZeroDivisionError
    with network.inference():
        run(network, space.smallest, placed(backend, space), network.batch_norm())
    assert not seen


@pytest.mark.parametrize("space", UNALIKE[:1], indirect=True)
def test_statistics_are_those_of_what_goes_into_the_norm(backend: Backend, space: SearchSpace) -> None:
    plans = (ConvNorm(space.channels, 5, 3, 2, None, space.size),)
    network, x = backend.network(space, plans, seed=0), placed(backend, space)
    with network.inference():
        values = np.asarray(network.run(plans, x, network.no_norm()), np.float64)
        norm = network.calibrating_norm(4)
        network.run(plans, x, norm)
    (seen,) = network.statistics(norm)
    assert values.shape == (6, 5, 8, 8)
    assert seen.count == 4 * 8 * 8
    np.testing.assert_allclose(seen.mean, values[:4].mean((0, 2, 3)), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(seen.variance, values[:4].var((0, 2, 3)), rtol=1e-4, atol=1e-5)


@EVERY_FORM
def test_statistics_of_every_norm_in_turn(backend: Backend, space: SearchSpace, network: Network) -> None:
    arch = space.sample(np.random.default_rng(2))
    norm = network.calibrating_norm(6)
    with network.inference():
        run(network, arch, placed(backend, space), norm)
    plans = network.space.supernet_plans(arch)
    layers = [step.op for plan in plans if plan is not None for step in graph(plan).steps]
    channels = [layer.channels for layer in layers if isinstance(layer, NormLayer)]
    found = network.statistics(norm)
    # A block's layers are listed as they cost, not as they run.
    assert sorted(len(seen.mean) for seen in found) == sorted(channels)
    assert all(seen.mean.shape == seen.variance.shape for seen in found)
    assert all((seen.variance >= -1e-6).all() and seen.count % 6 == 0 for seen in found)


@pytest.mark.parametrize("space", UNALIKE[:1], indirect=True)
def test_a_network_of_any_blocks(backend: Backend, space: SearchSpace) -> None:
    plans = (
        ConvNorm(space.channels, 6, 3, 1, "after", space.size),
        None,
        ConvNorm(6, 4, 3, 2, "before", space.size),
    )
    networks = [backend.network(space, plans, seed) for seed in (0, 0, 1)]
    first, same, other = (network.weights() for network in networks)
    assert {name.split(".")[1] for name in first} == {"0", "2"}
    for name, array in first.items():
        np.testing.assert_array_equal(array, same[name])
    assert any((array != other[name]).any() for name, array in first.items())
    assert networks[0].holds == plans
    with networks[0].inference():
        features = networks[0].run(plans, placed(backend, space))
    assert tuple(features.shape) == (6, 4, 8, 8)


@EVERY_FORM
def test_64_bits_compute_the_same_but_finer(backend: Backend, space: SearchSpace, network: Network) -> None:
    precise = get_backend(backend.name, "cpu", "fp64")
    double = precise.network(space, space.widest, 0)
    double.load_weights(network.weights())
    assert {array.dtype for array in double.weights().values()} == {np.dtype(np.float64)}
    results = []
    for where, net in ((backend, network), (precise, double)):
        with net.inference():
            results.append(np.asarray(run(net, space.largest, placed(where, space), net.stored_norm())))
    assert results[1].dtype == np.float64
    np.testing.assert_allclose(results[0], results[1], rtol=1e-3, atol=1e-3)
    assert (results[0] != results[1]).any()
