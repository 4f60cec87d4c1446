"""Arithmetic, parameters and optimisers of a backend against plain NumPy."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from tests.networks import forward, randomise, some_images
from toolkit.backends.base import SGD, Adam, Backend
from toolkit.backends.ops import Ops, Tensor
from toolkit.backends.shapes import is_statistic, used
from toolkit.errors import InputError
from toolkit.methods.head import Head, first_weights
from toolkit.methods.lab import copy_of
from toolkit.spaces import SPACES

RNG = np.random.default_rng(0)
X = RNG.normal(size=(5, 4)).astype(np.float32)
Y = np.abs(RNG.normal(size=(5, 4))).astype(np.float32)
LABELS = np.array([0, 3, 1, 2, 2])
Array = npt.NDArray[Any]


def softmax(x: Array) -> Array:
    e = np.exp(x - x.max(-1, keepdims=True))
    return np.asarray(e / e.sum(-1, keepdims=True))


CASES: dict[str, tuple[Callable[[Ops, Tensor, Tensor], Tensor], Array]] = {
    "exp": (lambda ops, x, _: ops.exp(x), np.exp(X)),
    "log": (lambda ops, _, y: ops.log(y), np.log(Y)),
    "sign": (lambda ops, x, _: ops.sign(x), np.sign(X)),
    "tanh": (lambda ops, x, _: ops.tanh(x), np.tanh(X)),
    "maximum": (lambda ops, x, _: ops.maximum(x, 0.25), np.maximum(X, 0.25)),
    "minimum": (lambda ops, x, _: ops.minimum(x, 0.25), np.minimum(X, 0.25)),
    "where": (lambda ops, x, y: ops.where(x > y, x, y), np.where(X > Y, X, Y)),
    "sum": (lambda ops, x, _: ops.sum(x), X.sum()),
    "sum of rows": (lambda ops, x, _: ops.sum(x, 1), X.sum(1)),
    "mean": (lambda ops, x, _: ops.mean(x), X.mean()),
    "mean over both": (lambda ops, x, _: ops.mean(x, (0, 1)), X.mean()),
    "softmax": (lambda ops, x, _: ops.softmax(x), softmax(X)),
    "softmax of a vector": (lambda ops, x, _: ops.softmax(x[0]), softmax(X[0])),
    "log-softmax": (lambda ops, x, _: ops.log_softmax(x), np.log(softmax(X))),
    "normalise": (lambda ops, x, _: ops.normalise(x), X / np.linalg.norm(X, axis=1, keepdims=True)),
    "concatenate": (lambda ops, x, y: ops.concatenate([x, y], 1), np.concatenate([X, Y], 1)),
    "transpose": (lambda ops, x, _: ops.transpose(x[None]), X.T[None]),
    "matrix product": (lambda _, x, y: x @ y.T, X @ Y.T),
    "gather": (lambda ops, x, _: ops.gather(x), X),
    "cross-entropy": (
        lambda ops, x, _: ops.cross_entropy(x, ops.place(LABELS)),
        -np.log(softmax(X))[range(5), LABELS].mean(),
    ),
    "smoothed": (
        lambda ops, x, _: ops.cross_entropy(x, ops.place(LABELS), 0.2),
        -(0.8 * np.log(softmax(X))[range(5), LABELS] + 0.2 * np.log(softmax(X)).mean(1)).mean(),
    ),
    "soft cross-entropy": (
        lambda ops, x, y: ops.soft_cross_entropy(x, ops.softmax(y)),
        -(softmax(Y) * np.log(softmax(X))).sum(1).mean(),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_arithmetic_is_numpys(backend: Backend, name: str) -> None:
    ops = backend.ops
    compute, expected = CASES[name]
    found = ops.numpy(compute(ops, ops.place(X), ops.place(Y)))
    assert found.shape == np.shape(expected)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_nothing_next_to_zero_is_normalised(backend: Backend) -> None:
    assert not backend.ops.numpy(backend.ops.normalise(backend.ops.place(np.zeros((2, 3), np.float32)))).any()


def test_constants_have_no_gradient(backend: Backend) -> None:
    ops, given = backend.ops, backend.parameters({"x": X})
    x = given.tensors["x"]
    ops.backward(ops.sum(x * x * ops.detach(x)))
    np.testing.assert_allclose(ops.numpy(given.gradients()["x"]), 2 * X * X, rtol=1e-5)
    with ops.constant():
        held = ops.sum(x * x)
    ops.backward(held * ops.sum(x))
    np.testing.assert_allclose(ops.numpy(given.gradients()["x"]), np.full_like(X, (X * X).sum()), rtol=1e-5)
    assert given.gradients() == {}, "taken"


def test_one_process_averages_with_nobody(backend: Backend) -> None:
    ops = backend.ops
    value = ops.place(np.array(2.5, np.float32))
    assert ops.average(value) == 2.5
    assert ops.averages({"loss": value, "count": 3}) == {"loss": value, "count": 3}


def test_parameters_go_out_and_in(backend: Backend) -> None:
    given, other = backend.parameters({"x": X, "bias": Y}), backend.parameters({"x": Y, "bias": X})
    other.load_weights(given.weights())
    np.testing.assert_array_equal(other.weights()["x"], X)
    with pytest.raises(InputError) as caught:
        other.load_weights({"x": X[:2]})
    assert len(caught.value.problems) == 2


def adam(start: Array, gradients: list[Array | None], lr: float, config: Adam) -> Array:
    """By the papers' algorithms; None: a step that does not use it."""
    x, mean, square, steps = np.float64(start), 0.0, 0.0, 0
    for gradient in gradients:
        if gradient is None:
            continue
        g = np.float64(gradient)
        if config.decoupled:
            x = x - lr * config.weight_decay * x
        else:
            g = g + config.weight_decay * x
        steps += 1
        mean = config.beta1 * mean + (1 - config.beta1) * g
        square = config.beta2 * square + (1 - config.beta2) * g * g
        x = x - lr * (mean / (1 - config.beta1**steps)) / (np.sqrt(square / (1 - config.beta2**steps)) + config.eps)
    return np.asarray(x)


@pytest.mark.parametrize("decoupled", [False, True])
def test_adam_is_the_papers_and_rests_where_there_is_no_gradient(backend: Backend, decoupled: bool) -> None:
    config = Adam(weight_decay=0.1, decoupled=decoupled, decay_bias=True, beta2=0.9)
    given = backend.parameters({"x": X, "bias": Y})
    optimizer = backend.optimizer({"head": given}, config)
    taught: dict[str, list[Array | None]] = {"x": [], "bias": []}
    for step in range(4):
        gradient = np.cos(X + step).astype(np.float32)
        used = ("x",) if step % 2 else ("x", "bias")
        for name in taught:
            taught[name].append(gradient if name in used else None)
        loss = sum(backend.ops.sum(given.tensors[name] * backend.ops.place(gradient)) for name in used)
        backend.ops.backward(loss)
        optimizer.step(0.05)
        if step == 1:  # a break
            state, weights = optimizer.state(), given.weights()
            given = backend.parameters({"x": Y, "bias": X})
            given.load_weights(weights)
            optimizer = backend.optimizer({"head": given}, config)
            optimizer.load_state(state)
    for name, start in (("x", X), ("bias", Y)):
        np.testing.assert_allclose(given.weights()[name], adam(start, taught[name], 0.05, config), rtol=1e-4, atol=1e-5)
    assert set(optimizer.state()) == {f"{what}.head.{name}" for what in ("mean", "square", "steps") for name in taught}


def test_a_head_is_an_mlp(backend: Backend) -> None:
    weights = first_weights((4, 6, 3), np.random.default_rng(0))
    head = Head(backend.ops, backend.parameters(weights))
    expected = np.maximum(X @ weights["0.weight"].T, 0) @ weights["1.weight"].T
    np.testing.assert_allclose(backend.ops.numpy(head(backend.ops.place(X))), expected, rtol=1e-4, atol=1e-5)
    silent = Head(backend.ops, backend.parameters(first_weights((4, 6, 3), np.random.default_rng(0), silent=True)))
    assert not backend.ops.numpy(silent(backend.ops.place(X))).any()


def test_a_network_follows_another_whole_or_along_plans(backend: Backend) -> None:
    space = SPACES["resnet48-mini"].for_images(1, 8, 10)
    leader = backend.network(space, space.widest, 0)
    teacher, partly = copy_of(backend, leader), copy_of(backend, leader)
    before = leader.weights()
    randomise(leader)
    now, path = leader.weights(), space.supernet_plans(space.smallest)
    teacher.follow(leader, 0.75)
    partly.follow(leader, 0.75, path)
    read, followed = used(path), partly.weights()
    for name, array in teacher.weights().items():
        moved = 0.75 * before[name] + 0.25 * now[name]
        np.testing.assert_allclose(array, moved, rtol=1e-5, atol=1e-6, err_msg=name)
        expected = before[name].copy()
        if name in read and not is_statistic(name):
            part = tuple(map(slice, read[name]))
            expected[part] = moved[part]
        np.testing.assert_allclose(followed[name], expected, rtol=1e-5, atol=1e-6, err_msg=name)
    images = backend.normalise(backend.place(some_images(space, 2)), (0.5,), (0.25,))
    loss = backend.ops.sum(forward(partly, space.smallest, images))
    backend.ops.backward(loss)
    assert partly.gradients(), "it can still be trained"
    assert not leader.gradients()


def test_sgd_over_several_is_named_by_both(backend: Backend) -> None:
    given = backend.parameters({"x": X})
    optimizer = backend.optimizer({"head": given, "other": backend.parameters({"y": Y})}, SGD())
    backend.ops.backward(backend.ops.sum(given.tensors["x"]))
    assert float(optimizer.step(0.5)) == pytest.approx(20**0.5)
    assert optimizer.state().keys() == {"momentum.head.x"}
    np.testing.assert_allclose(given.weights()["x"], X - 0.5, rtol=1e-6)
