"""Kernels of several sizes from one weight (once-for-all): what a path runs, and what a network alone gets of it."""

import numpy as np

from tests.networks import logits, randomise, some_images, thin
from toolkit.backends.base import Backend
from toolkit.backends.shapes import extracted, is_matrix, shapes, used
from toolkit.backends.weights import inherited, part_of
from toolkit.spaces import SPACES, Arch
from toolkit.spaces.ofa import KERNELS

SPACE = thin(SPACES["ofa-mini"], 12)


def archs() -> list[Arch]:
    """A path for each kernel, and some at random."""
    answers = {kernel: list(SPACE.largest) for kernel in range(len(KERNELS))}
    for kernel, arch in answers.items():
        for place, decision in enumerate(SPACE.decisions):
            if decision.name.startswith("kernel"):
                arch[place] = kernel
    rng = np.random.default_rng(1)
    return [*map(tuple, answers.values()), *(SPACE.sample(rng) for _ in range(5))]


def test_a_network_extracted_is_its_path_bit_for_bit(backend: Backend) -> None:
    supernet = backend.network(SPACE, SPACE.widest, seed=0)
    randomise(supernet)
    held, images = supernet.weights(), some_images(SPACE)
    for arch in archs():
        plans = SPACE.plans(arch)
        alone = backend.network(SPACE, plans, seed=1)
        assert not any(map(is_matrix, shapes(plans)))
        alone.load_weights(inherited(alone.weights(), held))
        for norm in ("stored_norm", "batch_norm"):
            path = logits(backend, supernet, arch, images, getattr(supernet, norm)())
            own = logits(backend, alone, arch, images, getattr(alone, norm)(), plans)
            np.testing.assert_array_equal(own, path)


def test_matrices_begin_as_the_identity(backend: Backend) -> None:
    """So that a fresh supernet's smaller kernels are the centres of the largest."""
    network = backend.network(SPACE, SPACE.widest, seed=0)
    weights = network.weights()
    found = {name: array for name, array in weights.items() if is_matrix(name)}
    assert {name.rpartition(".")[2]: array.shape for name, array in found.items()} == {
        "7to5_matrix": (25, 25),
        "5to3_matrix": (9, 9),
    }
    for array in found.values():
        np.testing.assert_array_equal(array, np.eye(len(array)))
    name = next(name for name in found if name.endswith("7to5_matrix")).replace("7to5_matrix", "weight")
    np.testing.assert_array_equal(part_of(weights, name, (4, 1, 3, 3)), weights[name][:4, :, 2:5, 2:5])


def test_a_smaller_kernel_by_hand() -> None:
    """The authors' rule: the centre of 7x7 times a matrix is 5x5, the centre of that times another is 3x3."""
    rng = np.random.default_rng(0)
    whole, first, second = rng.normal(size=(2, 1, 7, 7)), rng.normal(size=(25, 25)), rng.normal(size=(9, 9))
    weights = {"a.weight": whole, "a.7to5_matrix": first, "a.5to3_matrix": second}
    five = np.stack([(first @ kernel[0, 1:6, 1:6].ravel()).reshape(1, 5, 5) for kernel in whole])
    three = np.stack([(second @ kernel[0, 1:4, 1:4].ravel()).reshape(1, 3, 3) for kernel in five])
    np.testing.assert_allclose(part_of(weights, "a.weight", (2, 1, 5, 5)), five)
    np.testing.assert_allclose(part_of(weights, "a.weight", (1, 1, 3, 3)), three[:1])
    np.testing.assert_array_equal(part_of(weights, "a.weight", (1, 1, 7, 7)), whole[:1])


def test_a_path_trains_the_matrices_that_it_uses(backend: Backend) -> None:
    network = backend.network(SPACE, SPACE.widest, seed=0)
    randomise(network)
    images = backend.normalise(backend.place(some_images(SPACE)), (0.5,) * 3, (0.25,) * 3)
    for arch, expected in zip(archs(), (("7to5_matrix", "5to3_matrix"), ("7to5_matrix",), ()), strict=False):
        out = network.run(SPACE.supernet_plans(arch), images)
        backend.ops.backward(backend.ops.mean(out * out))
        moved = {name.rpartition(".")[2] for name, array in network.gradients().items() if is_matrix(name)}
        assert moved == set(expected), SPACE.format(arch)


def test_what_a_path_uses_of_a_weight() -> None:
    """Of 7x7 all; for 5x5 its centre and a matrix; for 3x3 the same centre and both."""
    arches = archs()
    expected = {
        0: {"weight": (5, 5), "7to5_matrix": (25, 25), "5to3_matrix": (9, 9)},
        1: {"weight": (5, 5), "7to5_matrix": (25, 25)},
        2: {"weight": (7, 7)},
    }
    for kernel, shapes_of in expected.items():
        plans = SPACE.supernet_plans(arches[kernel])
        found = {
            name.rpartition(".")[2]: shape[-2:]
            for name, shape in used(plans).items()
            if name.startswith("blocks.2.depthwise.")
        }
        assert found == shapes_of
        size = KERNELS[kernel]
        assert extracted(plans)["blocks.2.depthwise.weight"][-2:] == (size, size)
        assert not any(map(is_matrix, extracted(plans)))
