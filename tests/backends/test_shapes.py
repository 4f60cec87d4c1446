"""Names and shapes from plans are those of real networks."""

import numpy as np
import pytest

from tests.networks import backend_on_cpu, forward, on_backends, thin
from tests.supernets import ACTIVATED, SUPERNETS, WEAK
from toolkit.backends.base import Backend
from toolkit.backends.shapes import shapes, used
from toolkit.spaces import SPACES, SearchSpace

EVERY: dict[str, SearchSpace] = {name: thin(SPACES[name], 8) for name in SPACES} | SUPERNETS | ACTIVATED


@pytest.mark.parametrize("name", EVERY)
def test_all_tensors_of_a_supernet(name: str) -> None:
    weights = backend_on_cpu("torch").network(EVERY[name], EVERY[name].widest, 0).weights()
    assert shapes(EVERY[name].widest) == {name: array.shape for name, array in weights.items()}


@pytest.mark.parametrize(("backend", "name"), on_backends(zip(SUPERNETS), zip(WEAK)), indirect=["backend"])
def test_a_path_depends_on_what_it_is_said_to_use_and_on_nothing_else(backend: Backend, name: str) -> None:
    space = SUPERNETS[name]
    network = backend.network(space, space.widest, 0)
    arch = space.sample(np.random.default_rng(0))
    images = backend.place(np.random.default_rng(0).normal(size=(4, space.channels, 8, 8)).astype(np.float32))
    network.ops.backward(network.ops.cross_entropy(forward(network, arch, images), backend.place(np.arange(4))))
    found = {key: np.asarray(network.ops.detach(array)) for key, array in network.gradients().items()}
    said = used(network.space.supernet_plans(arch))
    assert found.keys() == {key for key in said if ".running_" not in key}
    for key, array in found.items():
        rest = array.copy()
        rest[tuple(map(slice, said[key]))] = 0
        assert not rest.any(), key


@pytest.mark.parametrize("name", SUPERNETS)
def test_alone_a_candidate_is_the_true_network(name: str) -> None:
    """Neither enhanced nor grouped: what stand-alone trainings and priors are about."""
    space = SUPERNETS[name]
    arch = space.sample(np.random.default_rng(0))
    alone = backend_on_cpu("torch").network(space, space.plans(arch), 0)
    assert alone.holds == SPACES[space.name].for_images(space.channels, 8, 7).plans(arch)
    assert not any(".groups." in key or ".outer." in key for key in alone.weights())
