"""A phase of once-for-all: what its paths learn from, and on which images."""

import numpy as np
import pytest

from tests.methods.watching import SPACE, Gradients, assert_sum
from tests.methods_made import begun, make_method
from tests.networks import backend_on_cpu, forward, randomise, some_images, thin
from toolkit.backends import BACKENDS
from toolkit.backends.base import Backend, Network
from toolkit.methods import Batch
from toolkit.methods.losses import soft_cross_entropy
from toolkit.spaces import SPACES, Arch
from toolkit.training.steps import read_pipeline

MINI = thin(SPACES["ofa-mini"], 8)


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> Backend:
    return backend_on_cpu(request.param)


@pytest.mark.parametrize("distil", [1.0, 0.5])
def test_paths_learn_from_labels_and_the_network_as_it_was(backend: Backend, distil: float) -> None:
    gradients = Gradients(backend)
    teacher = gradients.network()
    method = make_method("ofa", SPACE, paths=2, distil=distil)

    def step(network: Network) -> None:
        begun(method, backend, network)
        method.step(gradients.batch(network))

    found = gradients.of(step)
    drawn = make_method("ofa", SPACE, paths=2).sample(gradients.batch(teacher), 2)
    with backend.ops.constant():
        target = teacher.run(SPACE.supernet_plans(SPACE.largest), gradients.images, teacher.batch_norm())

    def distance(arch: Arch) -> object:
        return lambda net: net.ops.backward(soft_cross_entropy(net.ops, forward(net, arch, gradients.images), target))

    assert_sum(
        found,
        *((1.0, gradients.of_labels(arch)) for arch in drawn),
        *((distil, gradients.of(distance(arch))) for arch in drawn),
    )


def test_the_teacher_stays_as_it_is(backend: Backend) -> None:
    gradients = Gradients(backend)
    network = gradients.network()
    method = begun(make_method("ofa", SPACE), backend, network)
    before = method._teacher.weights()  # type: ignore[attr-defined]
    values = method.step(gradients.batch(network))
    assert {"loss", "distillation_loss"} == values.keys()
    for name, array in method._teacher.weights().items():  # type: ignore[attr-defined]
        np.testing.assert_array_equal(array, before[name])


def test_one_resolution_for_all_paths_of_a_step_and_their_teacher() -> None:
    backend = backend_on_cpu("torch")
    network = backend.network(MINI, MINI.widest, 0)
    randomise(network)
    method = begun(make_method("ofa", MINI, paths=3), backend, network)
    asked: list[tuple[Arch | None, int | None]] = []
    for each in (network, method._teacher):  # type: ignore[attr-defined]
        run = each.run

        def watched(plans, images, norm=None, *, path=None, run=run, **more):  # type: ignore[no-untyped-def]
            asked.append((path, plans[0].resolution))
            return run(plans, images, norm, path=path, **more)

        each.run = watched
    images = backend.normalise(backend.place(some_images(MINI, 4)), (0.5,) * 3, (0.25,) * 3)
    resolutions = set()
    for seed in range(6):
        asked.clear()
        method.step(Batch(network, images, backend.place(np.arange(4)), np.random.default_rng(seed)))
        assert len(asked) == 4
        (resolution,) = {size for _, size in asked}
        assert len({path[1:] for path, _ in asked if path}) == 3
        resolutions.add(resolution)
    assert resolutions == {4, 8}


@pytest.mark.parametrize("name", ["ofa-mbv3", "ofa-mini"])
def test_the_released_schedule(name: str) -> None:
    """Specs of the phases: options, networks in a step, shares of the learning rate."""
    steps = read_pipeline(name).steps
    opened = [step.recipe.make_method(SPACES[name]).options.sampling for step in steps]
    drawn = [getattr(options, "open", {}) for options in opened]
    assert drawn == [
        {"kernel": [7], "depth": [4], "expand": [6]},
        {"depth": [4], "expand": [6]},
        {"depth": [3, 4], "expand": [6]},
        {"expand": [6]},
        {"expand": [4, 6]},
        {},
    ]
    methods = [step.recipe.make_method(SPACES[name]).options for step in steps]
    assert [(each.paths, each.distil) for each in methods] == [(1, 0), (1, 1), (2, 1), (2, 1), (4, 1), (4, 1)]  # type: ignore[attr-defined]
    initial = [step.recipe.initial for step in steps]
    assert [bool(each.owned) for each in initial] == [False, False, True, True, True, True]
    assert [each.reorder_channels for each in initial] == [False] * 4 + [True] * 2
    assert initial[-1].reorder_within == ["4"]
    if name == "ofa-mbv3":
        training = [step.recipe.training for step in steps[1:]]
        assert [each.epochs - each.warmup_epochs for each in training] == [120, 25, 120, 25, 120]
        assert [each.lr / 32 for each in training] == pytest.approx([0.03, 0.0025, 0.0075, 0.0025, 0.0075])
