"""Losses against their definitions in NumPy; the alpha-divergence has a file of its own."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from toolkit.backends.base import Backend
from toolkit.methods.losses import contrastive, hinge, soft_cross_entropy

RNG = np.random.default_rng(0)


def directions(count: int) -> npt.NDArray[np.float32]:
    x = RNG.normal(size=(count, 5)).astype(np.float32)
    return np.asarray(x / np.linalg.norm(x, axis=1, keepdims=True))


QUERIES, KEYS, QUEUE = directions(4), directions(4), directions(7)


def info_nce(queries: Any, queue: Any, t: float) -> float:
    losses = []
    for row, (query, key) in enumerate(zip(queries, KEYS, strict=True)):
        negatives = np.delete(KEYS, row, 0) if queue is None else queue
        positive = np.exp(query @ key / t)
        losses.append(-np.log(positive / (positive + np.exp(negatives @ query / t).sum())))
    return float(np.mean(losses))


@pytest.mark.parametrize("queue", [QUEUE, None], ids=["queue", "batch"])
def test_contrastive_is_info_nce_and_so_is_its_gradient(backend: Backend, queue: Any) -> None:
    ops, given = backend.ops, backend.parameters({"q": QUERIES})
    negatives = None if queue is None else ops.place(queue)
    loss = contrastive(ops, given.tensors["q"], ops.place(KEYS), negatives, 0.2)
    assert float(ops.detach(loss)) == pytest.approx(info_nce(QUERIES, queue, 0.2), rel=1e-5)
    ops.backward(loss)
    found = ops.numpy(given.gradients()["q"])
    for place in np.ndindex(QUERIES.shape):
        step = np.zeros(QUERIES.shape)
        step[place] = 1e-5
        slope = (info_nce(QUERIES + step, queue, 0.2) - info_nce(QUERIES - step, queue, 0.2)) / 2e-5
        assert found[place] == pytest.approx(slope, rel=1e-3, abs=1e-4)


def test_agreement_with_nobody_else_around_costs_little(backend: Backend) -> None:
    ops = backend.ops
    keys, far = ops.place(KEYS), ops.place(-KEYS.mean(0, keepdims=True))
    assert float(contrastive(ops, keys, keys, far, 0.05)) < 1e-3


def test_soft_cross_entropy_teaches_the_logits_alone(backend: Backend) -> None:
    """Paddle's fused kernel has no gradient for its target, so none flows there in any framework."""
    ops, given = backend.ops, backend.parameters({"logits": QUERIES, "target": KEYS})
    ops.backward(soft_cross_entropy(ops, given.tensors["logits"], given.tensors["target"]))
    p, q = (np.exp(x) / np.exp(x).sum(1, keepdims=True) for x in (KEYS, QUERIES))
    found = given.gradients()
    assert found.keys() == {"logits"}
    np.testing.assert_allclose(ops.numpy(found["logits"]), (q - p) / len(p), atol=1e-6)


def test_hinge() -> None:
    assert [float(hinge(x)) for x in (-2.0, 0.0, 1.5)] == [0.0, 0.0, 1.5]
