"""DARTS: what is learned on which images, both orders, what is frozen, what a run leaves behind."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.methods.mixing import CELL, EVERY_MIXED, MIXED, TWO, batch_of, made, one_hot
from tests.methods_made import make_method
from tests.networks import backend_on_cpu
from toolkit.backends import BACKENDS
from toolkit.backends.base import Backend, Network
from toolkit.errors import InputError
from toolkit.methods.darts import DARTS
from toolkit.spaces import SPACES
from toolkit.spaces.conditioning import ConditionedSpace

MIXTURES = ("darts", "entrannas", "sparsenas")


def gradients_of(method: DARTS, batch: Any, order: str) -> Any:
    """Of the held-out loss, in the logits."""
    if order == "second":
        method.look_ahead(batch, 0.1)
    else:
        batch.net.ops.backward(method.held_out_loss(batch, batch.net))
    return batch.net.ops.numpy(method.parameters.gradients()["weights"])


@EVERY_MIXED
def test_weights_are_a_softmax_and_begin_nearly_alike(backend: Backend, kind: str) -> None:
    space = MIXED[kind]
    method = made("darts", backend, batch_of(backend, space).net)
    weights = method.strengths()
    np.testing.assert_allclose(weights.sum(1), 1, rtol=1e-5)
    alike = space.offered / space.offered.sum(1, keepdims=True)
    np.testing.assert_allclose(weights, alike, rtol=0.01)
    assert not weights[~space.offered].any()
    assert len(np.unique(weights)) > weights.size / 2


@EVERY_MIXED
def test_a_step_teaches_weights_what_they_see(backend: Backend, kind: str) -> None:
    """Held-out images move the logits alone, training images the supernet alone; scales and shifts rest."""
    batch = batch_of(backend, MIXED[kind])
    method = made("darts", backend, batch.net)
    before, statistics = method.parameters.weights()["weights"], batch.net.weights()
    values = method.step(batch)
    assert {"loss", "held_out_loss", "mixture_entropy"} == values.keys()
    moved = method.parameters.weights()["weights"] - before
    assert np.abs(moved).max() == pytest.approx(3e-4, rel=0.05), "one step of Adam"
    found = batch.net.gradients()
    assert found
    frozen = method.frozen()
    assert frozen
    assert not frozen & found.keys()
    assert any(name.endswith("bn.weight") or ".bn1.weight" in name for name in frozen)
    with batch.net.ops.constant():
        plans, weights = method.network(method.weights())
    batch.net.ops.backward(
        method.label_loss(batch, batch.net.run(plans, batch.images, batch.net.batch_norm(), weights=weights))
    )
    for name, gradient in batch.net.gradients().items():
        np.testing.assert_allclose(batch.net.ops.numpy(found[name]), batch.net.ops.numpy(gradient), atol=1e-5)
    assert not method.parameters.gradients(), "training images teach no logits"
    after = batch.net.weights()
    assert all((after[name] == statistics[name]).all() for name in frozen)


@pytest.mark.parametrize("kind", MIXED)
def test_norms_that_are_frozen_begin_with_a_scale_of_1(backend: Backend, kind: str) -> None:
    """Those of residual branches too, which begin with 0 elsewhere: frozen so, their operations would have no say."""
    space = MIXED[kind]
    net = backend.network(space, space.widest, 0)
    method = made("darts", backend, net)
    own = net.weights()
    assert method.frozen()
    assert all((own[name] == name.endswith("weight")).all() for name in method.frozen() or ())
    batch = replace(batch_of(backend, space), net=net)
    assert (np.abs(gradients_of(method, batch, "first")).max(1) > 1e-8).all()  # type: ignore[arg-type]


def test_while_it_warms_up_weights_rest(backend: Backend) -> None:
    batch = batch_of(backend, CELL, progress=0.2)
    method = made("darts", backend, batch.net, warmup=0.5)
    before = method.parameters.weights()["weights"]
    assert method.step(batch).keys() == {"loss"}
    assert (method.parameters.weights()["weights"] == before).all()


@pytest.mark.parametrize("kind", MIXED)
def test_the_first_order_gradient_is_that_of_the_softmax(kind: str) -> None:
    found = []
    for name in BACKENDS:
        backend = backend_on_cpu(name)
        batch = batch_of(backend, MIXED[kind])
        method = made("darts", backend, batch.net)
        assert isinstance(method, DARTS)
        found.append(gradients_of(method, batch, "first"))
        np.testing.assert_allclose(found[-1].sum(1), 0, atol=1e-5)
    np.testing.assert_allclose(found[0], found[1], rtol=1e-2, atol=2e-5)


@pytest.mark.parametrize("kind", ["cell", "nasbench-macro"])
def test_the_second_order_gradient_looks_through_a_step_of_the_weights(
    backend: Backend, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Against the difference of held-out losses after a step each, in double precision; no ReLU turns in between."""
    backend = backend_on_cpu(backend.name, "fp64")
    space = MIXED[kind]
    batch = batch_of(backend, space)
    method = made("darts", backend, batch.net, order="second")
    assert isinstance(method, DARTS)
    rng = np.random.default_rng(0)
    some = backend.place(rng.standard_normal((8, 10)) / 10)

    def loss_on(net: Network, images: Any, labels: Any) -> Any:
        del labels
        plans, weights = method.network(method.tensor)
        return net.ops.sum(some * net.run(plans, images, net.batch_norm(), weights=weights))

    monkeypatch.setattr(method, "loss_on", loss_on)
    monkeypatch.setattr("toolkit.methods.darts._NEAR", 1e-6)
    lr, first, direction = 0.1, *(rng.standard_normal(space.something.shape) for _ in range(2))
    method.parameters.load_weights({"weights": first})
    gradient = gradients_of(method, batch, "second")
    assert gradients_of(method, batch, "second").tobytes() == gradient.tobytes(), "it leaves nothing behind"
    plain = gradients_of(method, batch, "first")
    near, moved, ends = 1e-6, method._moved, []
    for sign in (1, -1):
        method.parameters.load_weights({"weights": first + sign * near * direction})
        moved.follow(batch.net, 0.0)
        batch.net.ops.backward(loss_on(moved, batch.images, None))
        moved.move(moved.gradients(), -lr)
        with batch.net.ops.constant():
            ends.append(float(method.held_out_loss(batch, moved)))
    expected = (ends[0] - ends[1]) / (2 * near)
    assert float((gradient * direction).sum()) == pytest.approx(expected, rel=1e-3)
    assert float((plain * direction).sum()) != pytest.approx(expected, rel=0.05), "first order is another"


def test_what_a_mixture_comes_to_is_the_strongest(backend: Backend) -> None:
    rng = np.random.default_rng(0)
    for space in MIXED.values():
        for _ in range(5):
            arch = space.sample(rng)
            noise = 0.1 * rng.random(space.something.shape)
            assert space.derived(one_hot(space, arch) + noise) == arch
    weights = np.zeros(TWO.something.shape)
    weights[:, -1] = 1.0
    weights[:, 0] = 0.1
    assert {name for _, name in TWO.operations_of(TWO.derived(weights))} == {"max_pool_3x3"}, "none does not count"
    weights = np.zeros(CELL.something.shape)
    weights[:, 0] = 1.0
    assert {name for _, name in CELL.operations_of(CELL.derived(weights))} == {"none"}, "here it is an option"
    nothing = np.zeros(TWO.something.shape)
    assert {name for _, name in TWO.operations_of(TWO.derived(nothing))} == {"skip_connect"}


@pytest.mark.parametrize("name", MIXTURES)
def test_a_space_without_mixtures_is_refused(name: str) -> None:
    for space in (SPACES["resnet20"], ConditionedSpace(CELL, "scale", 0.1, 8)):
        able = "nasbench201, nasbench-macro, .*, darts"
        with pytest.raises(InputError, match=rf"^method {name}: .*cannot run as a weighted sum.*: {able}"):
            make_method(name, space)
