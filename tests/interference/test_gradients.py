import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.interference.toys import width_space
from tests.networks import FORMS, backend_on_cpu, forward, randomise, thin
from toolkit.backends import BACKENDS
from toolkit.backends.base import Backend
from toolkit.backends.shapes import is_matrix, used
from toolkit.interference.gradients import block_of, gradient, products
from toolkit.spaces import SPACES


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> Backend:
    return backend_on_cpu(request.param)


def some_batch(backend: Backend) -> tuple[object, object]:
    rng = np.random.default_rng(1)
    images = rng.normal(size=(6, 2, 2, 2)).astype(np.float32)
    return backend.place(images), backend.place(rng.integers(2, size=6))


def test_the_gradient_is_that_of_training_and_leaves_no_trace(backend: Backend) -> None:
    space = width_space()
    network = backend.network(space, space.widest, 0)
    randomise(network)
    before = network.weights()
    batch = some_batch(backend)
    found, loss = gradient(network, (1, 0), batch)
    for name, array in network.weights().items():
        assert (array == before[name]).all(), name
    assert network.gradients() == {}
    trained = network.ops.cross_entropy(forward(network, (1, 0), batch[0]), batch[1])
    network.ops.backward(trained)
    assert loss == pytest.approx(float(network.ops.detach(trained)), rel=1e-6)
    expected = {name: np.asarray(array) for name, array in network.gradients().items()}
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_allclose(found[name], array, rtol=1e-5, atol=1e-7)


def test_outside_of_the_used_slice_the_gradient_is_0(backend: Backend) -> None:
    network = backend.network(width_space(), width_space().widest, 0)
    randomise(network)
    arch = (0, 0)
    found, _ = gradient(network, arch, some_batch(backend))
    shapes = used(network.space.supernet_plans(arch))
    for name, array in found.items():
        rest = array.copy()
        rest[tuple(map(slice, shapes[name]))] = 0
        assert not rest.any(), name
    assert shapes["blocks.1.conv.weight"] == (3, 2, 1, 1)


@pytest.mark.parametrize("name", FORMS)
def test_used_shapes_are_those_of_the_path_alone(name: str) -> None:
    backend = backend_on_cpu("torch")
    space = thin(SPACES[name], 8)
    network = backend.network(space, space.widest, 0)
    for seed in range(3):
        plans = network.space.supernet_plans(space.sample(np.random.default_rng(seed)))
        alone = backend.network(space, plans, 0).weights()
        if not any(map(is_matrix, alone)):  # of which a path uses some (tests/backends/test_elastic_kernels.py)
            assert used(plans) == {name: array.shape for name, array in alone.items()}


def vectors(*parts: object) -> dict[str, np.ndarray]:
    return {f"blocks.{i}.w": np.array(part, float) for i, part in enumerate(parts) if part is not None}


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ([1, 2], [2, 4], 1.0),
        ([1, 2], [-1, -2], -1.0),
        ([1, 0], [0, 3], 0.0),
        ([3, 0], [1, 1], 0.5**0.5),
        ([0, 0], [1, 1], np.nan),
        (None, [1, 1], np.nan),
    ],
)
def test_cosines_in_closed_form(first: object, second: object, expected: float) -> None:
    """Parameters that only one of them has are no part of it, and without any there is no number."""
    gradients = [vectors(first, None, [7, 7]), vectors(second, [5, 5])]
    shapes = [{name: array.shape for name, array in found.items()} for found in gradients]
    alike, differently = products(gradients, shapes, 3)
    np.testing.assert_allclose(alike.together()[0, 1], expected)
    np.testing.assert_allclose(alike.cosines()[:, 0, 1], [expected, np.nan, np.nan])
    assert np.isnan(differently.together()[0, 1])


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (([1, 0], [1]), ([2, 0], [-5]), 0.0),  # they agree in block 0, whatever they do elsewhere
        (([3], [4]), ([-3], [4]), 18 / 25),  # of 1 - cosine = 1 - 7/25, all
        (([3], [4]), ([-3], [-4]), 18 / 25),  # of 1 - cosine = 2, a part
        (([1, 0], None), ([0, 2], None), 1.0),
        ((None, [1]), ([1], [-1]), np.nan),
        (([0], [1]), ([1], [-1]), np.nan),
    ],
)
def test_what_a_block_takes_from_the_cosine(first: object, second: object, expected: float) -> None:
    gradients = [vectors(*first), vectors(*second)]
    shapes = [{name: array.shape for name, array in found.items()} for found in gradients]
    alike, differently = products(gradients, shapes, 2)
    np.testing.assert_allclose((alike + differently).shortfall([0])[0, 1], expected)


def test_only_the_common_slice_counts() -> None:
    """The wider path's own channels would dilute the cosine."""
    narrow, wide = np.array([1.0, 2.0, 0.0, 0.0]), np.array([1.0, 2.0, 100.0, 100.0])
    alike, differently = products(
        [{"blocks.0.w": narrow}, {"blocks.0.w": wide}], [{"blocks.0.w": (2,)}, {"blocks.0.w": (4,)}], 1
    )
    assert differently.together()[0, 1] == pytest.approx(1)
    assert np.isnan(alike.together()[0, 1])


@given(st.integers(0, 2**32), st.lists(st.tuples(*3 * [st.integers(0, 3)]), min_size=2, max_size=4))
def test_products_are_what_a_plain_loop_finds(seed: int, widths: list[tuple[int, int, int]]) -> None:
    """Three tensors in two blocks, each cut to a width by each path; 0: the path lacks it."""
    rng, names = np.random.default_rng(seed), ("blocks.0.a", "blocks.0.b", "blocks.1.c")
    gradients, shapes = [], []
    for path in widths:
        found = {}
        for name, width in zip(names, path, strict=True):
            if width:
                found[name] = np.zeros((3, 2))
                found[name][:width] = rng.normal(size=(width, 2))
        gradients.append(found)
        shapes.append({name: (width, 2) for name, width in zip(names, path, strict=True)})
    both = products(gradients, shapes, 2)
    for which, product in enumerate(both):
        expected = np.full((2, len(widths), len(widths)), np.nan)
        for block, i, j in np.ndindex(expected.shape):
            parts = [
                (gradients[i][name][:width], gradients[j][name][:width])
                for name in names
                if block_of(name) == block and name in gradients[i] and name in gradients[j]
                for width in [min(shapes[i][name][0], shapes[j][name][0])]
                if (shapes[i][name] != shapes[j][name]) == bool(which)
            ]
            if parts:
                g, h = (np.concatenate([part[end].ravel() for part in parts]) for end in (0, 1))
                expected[block, i, j] = g @ h / np.linalg.norm(g) / np.linalg.norm(h)
        np.testing.assert_allclose(product.cosines(), expected, atol=1e-12)
