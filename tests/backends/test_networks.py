"""What every backend's networks must do, on every space."""

from collections.abc import Callable

import numpy as np
import pytest

from tests.methods_made import EVERYWHERE, begun, make_batch, make_method
from tests.networks import EVERY_FORM, KINDS, UNALIKE, forward, logits, on_backends, randomise, some_images, with_one_of
from toolkit.backends.base import SGD, Backend, Network, Norm
from toolkit.backends.shapes import used
from toolkit.backends.states import newest
from toolkit.backends.weights import inherited
from toolkit.errors import InputError
from toolkit.spaces import Arch, SearchSpace
from toolkit.spaces.cost import network_cost
from toolkit.spaces.sharing import sharing_order
from toolkit.spaces.windows import window

PLAIN_SGD = SGD()
SOURCES = ("stored", "batch", "calibrating")


@pytest.fixture
def supernet(backend: Backend, space: SearchSpace) -> Network:
    network = backend.network(space, space.widest, 0)
    randomise(network)
    return network


def archs(space: SearchSpace, count: int = 3) -> list[Arch]:
    rng = np.random.default_rng(5)
    return [space.sample(rng) for _ in range(count)]


@EVERY_FORM
def test_a_candidate_alone_computes_what_its_path_computes(
    backend: Backend, space: SearchSpace, supernet: Network
) -> None:
    images = some_images(space)
    for arch in (space.smallest, *archs(space)):
        alone = backend.network(space, space.plans(arch), 1)
        alone.load_weights(inherited(alone.weights(), supernet.weights()))
        for source in ("stored_norm", "batch_norm"):
            path = logits(backend, supernet, arch, images, getattr(supernet, source)())
            own = logits(backend, alone, arch, images, getattr(alone, source)(), alone.holds)
            np.testing.assert_allclose(own, path, rtol=1e-3, atol=1e-3)


@EVERY_FORM
def test_other_candidates_give_other_logits(backend: Backend, space: SearchSpace, supernet: Network) -> None:
    images = some_images(space)
    found = [logits(backend, supernet, arch, images, supernet.stored_norm()) for arch in archs(space, 4)]
    for i, first in enumerate(found):
        for second in found[i + 1 :]:
            assert np.abs(first - second).max() > 1e-3


@EVERY_FORM
def test_every_branch_matters(backend: Backend, space: SearchSpace, supernet: Network) -> None:
    """Another option of one decision gives other logits, unless it names the same network."""
    images = some_images(space, 4)
    own = logits(backend, supernet, space.largest, images, supernet.stored_norm())
    rng = np.random.default_rng(0)
    for index in rng.choice(len(space.decisions), min(6, len(space.decisions)), replace=False):
        answers = list(space.largest)
        options = space.decisions[index].options
        answers[index] = len(options) - 1 if answers[index] == 0 else 0
        other = space.canonical(answers)
        if supernet.space.supernet_plans(other) != supernet.space.supernet_plans(space.largest):
            assert np.abs(logits(backend, supernet, other, images, supernet.stored_norm()) - own).max() > 1e-4


@EVERY_FORM
def test_the_supernet_holds_exactly_the_widest_plans(space: SearchSpace, supernet: Network) -> None:
    trainable = {name: a for name, a in supernet.weights().items() if "running" not in name}
    assert sum(array.size for array in trainable.values()) == network_cost(space.widest).params


@EVERY_FORM
def test_training_one_path_changes_only_what_it_uses(backend: Backend, space: SearchSpace) -> None:
    """Weights are shared: the smallest path's are leading slices of everyone's, and nothing else moves."""
    network = backend.network(space, space.widest, 0)
    randomise(network)
    before, images = network.weights(), some_images(space)
    placed = backend.normalise(backend.place(images), (0.5,) * space.channels, (0.25,) * space.channels)
    optimizer = backend.optimizer(network, PLAIN_SGD)
    labels = backend.place(np.arange(len(images)) % space.classes)
    network.ops.backward(network.ops.cross_entropy(forward(network, space.smallest, placed), labels))
    optimizer.step(0.1)
    after = network.weights()
    parts = used(space.supernet_plans(space.smallest))
    for name, array in after.items():
        moved = array != before[name]
        if name not in parts:
            assert not moved.any(), name
            continue
        inside = np.zeros_like(moved)
        inside[window(moved.shape, parts[name])] = True
        # A shift that only other batch norms read has no gradient.
        assert moved.any() or name.endswith(".bias"), name
        assert not (moved & ~inside).any(), name


@EVERY_FORM
def test_training_norm_is_no_mode_that_sticks(backend: Backend, space: SearchSpace, supernet: Network) -> None:
    """After an evaluation with stored statistics, training uses those of the batch again, and moves the stored ones.

    In the 2022 challenge's kit it did not: a layer kept what its first call, an evaluation, had used.
    """
    images = some_images(space)
    placed = backend.normalise(backend.place(images), (0.5,) * space.channels, (0.25,) * space.channels)
    arch = space.largest
    fresh = np.asarray(supernet.ops.detach(forward(supernet, arch, placed)))
    logits(backend, supernet, arch, images, supernet.stored_norm())
    statistics = supernet.weights()
    again = np.asarray(supernet.ops.detach(forward(supernet, arch, placed)))
    np.testing.assert_allclose(again, fresh, rtol=1e-5, atol=1e-5)
    by_batch = logits(backend, supernet, arch, images, supernet.batch_norm())
    np.testing.assert_allclose(again, by_batch, rtol=1e-3, atol=1e-3)
    moved = supernet.weights()
    assert any((moved[name] != statistics[name]).any() for name in moved if "running" in name)


@EVERY_FORM
def test_the_first_call_decides_nothing(backend: Backend, space: SearchSpace, supernet: Network) -> None:
    """The latch of the 2022 challenge's kit, the other way round: statistics of the batch would be used ever after."""
    images = some_images(space)
    expected = logits(backend, supernet, space.largest, images, supernet.stored_norm())
    other = backend.network(space, space.widest, 0)
    placed = backend.normalise(backend.place(images), (0.5,) * space.channels, (0.25,) * space.channels)
    forward(other, space.largest, placed)
    other.load_weights(supernet.weights())
    for _ in range(2):
        found = logits(backend, other, space.largest, images, other.stored_norm())
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    held = other.weights()
    for name, array in supernet.weights().items():
        np.testing.assert_array_equal(held[name], array)


@EVERY_FORM
def test_calibration_uses_the_first_images_and_remembers(
    backend: Backend, space: SearchSpace, supernet: Network
) -> None:
    calibration, first, second = (some_images(space, 6, seed) for seed in (1, 2, 3))
    arch = archs(space)[0]
    norm = supernet.calibrating_norm(6)
    together = logits(backend, supernet, arch, np.concatenate([calibration, first]), norm)
    alone = logits(backend, supernet, arch, calibration, supernet.batch_norm())
    np.testing.assert_allclose(together[:6], alone, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(
        logits(backend, supernet, arch, first, supernet.calibrated_norm(norm)), together[6:], rtol=1e-3, atol=1e-3
    )
    other = logits(backend, supernet, arch, second, supernet.calibrated_norm(norm))
    assert np.abs(other - logits(backend, supernet, arch, second, supernet.batch_norm())).max() > 1e-3


@pytest.mark.parametrize(
    ("backend", "space", "source"),
    on_backends(with_one_of(SOURCES), zip(UNALIKE, SOURCES, strict=True)),
    indirect=["backend", "space"],
)
def test_siblings_compute_what_each_computes_alone(
    backend: Backend, space: SearchSpace, supernet: Network, source: str
) -> None:
    """Blocks that share convolutions on one input give what each gives by itself, at every position."""
    rng = np.random.default_rng(3)
    some = [supernet.space.supernet_plans(space.sample(rng)) for _ in range(40)]

    def norm() -> Norm:
        return supernet.calibrating_norm(4) if source == "calibrating" else getattr(supernet, f"{source}_norm")()

    for index in range(1, len(space.widest)):
        found = {plans[index] for plans in some} - {None}
        for inputs in {plan.inputs for plan in found}:
            plans = sorted((plan for plan in found if plan.inputs == inputs), key=sharing_order)
            read = [
                backend.normalise(
                    backend.place(rng.integers(0, 256, (8, each.channels, size, size), dtype=np.uint8)),
                    (0.5,) * each.channels,
                    (0.2,) * each.channels,
                )
                for each, size in ((each, max(each.size, 2)) for each in inputs)
            ]
            state = tuple(read) if len(read) > 1 else read[0]
            with supernet.inference():
                together = [np.asarray(newest(y)) for y in supernet.run_siblings(index, plans, state, norm())]
                alone = [np.asarray(newest(supernet.run_block(index, plan, state, norm()))) for plan in plans]
            for one, other in zip(together, alone, strict=True):
                np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-3)


@EVERY_FORM
def test_weights_go_out_and_in(backend: Backend, space: SearchSpace, supernet: Network) -> None:
    other = backend.network(space, space.widest, 9)
    other.load_weights(supernet.weights())
    held = other.weights()
    for name, array in supernet.weights().items():
        np.testing.assert_array_equal(array, held[name])


@pytest.mark.parametrize("space", UNALIKE[:1], indirect=True)
def test_wrong_weights_are_refused_with_every_name(space: SearchSpace, supernet: Network) -> None:
    weights = supernet.weights()
    before = {name: array.copy() for name, array in weights.items()}
    del weights["blocks.0.conv.weight"]
    weights["blocks.0.bn.weight"] = np.ones(3, np.float32)
    weights["stranger"] = np.ones(1, np.float32)
    with pytest.raises(InputError) as caught:
        supernet.load_weights(weights)
    text = "\n".join(caught.value.problems)
    assert len(caught.value.problems) == 3
    assert all(name in text for name in ("blocks.0.conv.weight", "blocks.0.bn.weight", "stranger"))
    for name, array in supernet.weights().items():
        np.testing.assert_array_equal(array, before[name])


@pytest.mark.parametrize("space", UNALIKE[:1], indirect=True)
def test_counting(backend: Backend, supernet: Network) -> None:
    rows = np.array(
        [
            [9, 1, 2, 3, 4, 5, 6],  # true class first
            [9, 8, 7, 6, 5, 4, 3],  # true class third
            [9, 8, 7, 6, 5, 4, 3],  # true class seventh
            [1, 1, 1, 1, 1, 1, 1],  # says nothing: ties never score
            [np.nan] * 7,  # broken: never scores
        ],
        np.float32,
    )
    counts = supernet.count(backend.place(rows[:3]), backend.place(np.array([0, 2, 6])))
    shifted = rows[:3] - rows[:3].max(1, keepdims=True)
    expected = -(shifted - np.log(np.exp(shifted).sum(1, keepdims=True)))[[0, 1, 2], [0, 2, 6]].sum()
    assert (counts.top1, counts.top5, counts.total) == (1, 2, 3)
    assert counts.loss == pytest.approx(expected, rel=1e-5)
    broken = supernet.count(backend.place(rows[3:]), backend.place(np.array([0, 0])))
    assert (broken.top1, broken.top5, broken.total) == (0, 0, 2)
    assert np.isnan(broken.loss)


def met(times: int) -> list[tuple[str, str]]:
    """Classes of space and methods: each method on so many classes, each class with as many methods, or about."""
    return [
        (KINDS[(place + turn * len(KINDS) // times) % len(KINDS)], method)
        for place, method in enumerate(EVERYWHERE)
        for turn in range(times)
    ]


@pytest.mark.parametrize(("backend", "space", "method"), on_backends(met(3), met(1)), indirect=["backend", "space"])
def test_methods_give_gradients_and_repeat(backend: Backend, space: SearchSpace, method: str) -> None:
    """A step changes weights, has a finite loss, repeats exactly."""

    def one_step() -> tuple[dict[str, float], float]:
        network = backend.network(space, space.widest, 3)
        optimizer = backend.optimizer(network, PLAIN_SGD)
        trainer = begun(make_method(method, space), backend, network)
        images = backend.normalise(
            backend.place(some_images(space, 4)), (0.5,) * space.channels, (0.25,) * space.channels
        )
        labels, rng = backend.place(np.arange(4)), np.random.default_rng(1)
        values = trainer.step(make_batch(trainer, network, images, labels, rng, 0.5, 0.05))
        norm = float(optimizer.step(0.05))
        return {name: float(value) for name, value in values.items()}, norm

    first, second = one_step(), one_step()
    assert first == second
    assert np.isfinite(first[0]["loss"])
    assert first[1] > 0


@EVERY_FORM
def test_decay_spares_norms_and_biases_unless_asked(backend: Backend, space: SearchSpace) -> None:
    def moved(**rules: bool) -> Callable[[str], bool]:
        network = backend.network(space, space.widest, 0)
        randomise(network)
        before = network.weights()
        config = SGD(momentum=0.0, weight_decay=0.5, **rules)
        optimizer = backend.optimizer(network, config)
        images = backend.normalise(
            backend.place(some_images(space, 4)), (0.5,) * space.channels, (0.25,) * space.channels
        )
        # A loss of zero gradient: whatever moves, decay moved it.
        network.ops.backward(
            network.ops.cross_entropy(forward(network, space.largest, images), backend.place(np.arange(4))) * 0
        )
        optimizer.step(0.1)
        after = network.weights()
        return lambda name: bool((after[name] != before[name]).any())

    default, everything = moved(), moved(decay_norm=True, decay_bias=True)
    assert default("blocks.0.conv.weight")
    assert not default("blocks.0.bn.weight")
    assert not default(f"blocks.{len(space.widest) - 1}.fc.bias")
    assert everything("blocks.0.bn.weight")
    assert everything(f"blocks.{len(space.widest) - 1}.fc.bias")
