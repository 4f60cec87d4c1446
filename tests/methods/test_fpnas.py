"""PARSEC and FP-NAS: importance, what is trained by it, and how many paths there are."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests import tiny
from tests.methods.test_wpnas import SPACE, batch_of
from tests.methods.watching import assert_sum
from tests.methods_made import make_method
from toolkit.backends.base import SGD, Backend
from toolkit.errors import InputError
from toolkit.methods import Batch
from toolkit.methods.fpnas import FPNAS, PARSEC
from toolkit.runs.metrics import read_metrics
from toolkit.runs.recipe import parse_recipe
from toolkit.sampling.policy import PolicyOptions


def made(name: str = "parsec", **options: Any) -> PARSEC:
    method = make_method(name, SPACE, **options)
    assert isinstance(method, PARSEC)
    return method


def test_importance_is_the_softmax_of_likelihoods_less_cost() -> None:
    archs, losses = [SPACE.largest, SPACE.smallest], np.array([1.0, 1.05])
    first, second = made(strength=10.0).importance(archs, losses)
    assert first / second == pytest.approx(np.exp(0.5))
    assert first + second == pytest.approx(1)
    target = SPACE.cost(SPACE.largest).macs / 2
    priced = made(strength=10.0, cost="macs", cost_target=target, cost_weight=0.7).importance(archs, losses)
    assert priced[0] / priced[1] == pytest.approx(np.exp(0.5 - 0.7))
    assert made().importance(archs, np.array([np.nan, 3.0])).tolist() == [0, 1]
    assert made().importance([SPACE.largest], np.array([2.0])).tolist() == [1], "plain maximum likelihood"
    with pytest.raises(InputError, match="no path of a step has a finite loss"):
        made().importance(archs, np.array([np.nan, np.inf]))


def test_gradients_are_weighed_by_importance_on_the_training_batch(backend: Backend) -> None:
    method, batch = made(samples=3, strength=4.0), batch_of(backend)

    def gradients(step: Any) -> Any:
        again = batch_of(backend)
        optimizer = backend.optimizer(again.net, SGD())
        step(again)
        optimizer.step(0.1)
        return optimizer.state()

    archs = method.sample(batch, 3)
    importance = method.importance(archs, np.array([batch.loss_of(arch) for arch in archs]))
    parts = [
        (w, gradients(lambda b, a=a: b.net.ops.backward(method.label_loss(b, method.run(b, a)))))
        for w, a in zip(importance.tolist(), archs, strict=True)
    ]
    assert len(set(archs)) == 3
    assert all(weight > 0.01 for weight, _ in parts)
    assert_sum(gradients(made(samples=3, strength=4.0).step), *parts)


def test_the_policy_follows_the_likelihood(monkeypatch: pytest.MonkeyPatch, backend: Backend) -> None:
    def assess(_: Batch, archs: list[Any]) -> tuple[np.ndarray, np.ndarray]:
        return np.zeros(len(archs)), np.array([0.02 * sum(arch) for arch in archs])

    monkeypatch.setattr("toolkit.methods.fpnas.assess", assess)
    for centred in (True, False):
        method, batch = made(centred=centred, sampling=PolicyOptions(lr=0.1, entropy=0.0)), batch_of(backend)
        for step in range(60):
            policy = method._policy.policy
            values = method._learn(batch, policy.sample(np.random.default_rng(step), 8))
        assert method._policy.policy.argmax().count(0) >= 5
        assert 1 <= values["effective_samples"] <= 8


def test_fewer_paths_as_the_policy_decides() -> None:
    method = made("fpnas", per_nat=1.0, samples=6)
    assert isinstance(method, FPNAS)
    policy = method._policy.policy
    assert policy.entropy == pytest.approx(8 * np.log(3), rel=1e-3)
    counts = []
    for sharp in (0, 2, 3, 4, 20):
        policy.logits = [np.array([sharp, 0.0, 0.0])] * 8
        counts.append(method.count())
    assert counts == sorted(counts, reverse=True)
    assert (counts[0], counts[-2], counts[-1]) == (6, 2, 1)
    assert made().count() == 8


def test_a_temperature_that_tells_nothing_is_remarked() -> None:
    remark = made().remark
    assert remark({"samples": 8.0, "effective_samples": 1.1}) == "1.1 effective of 8 samples; lower method.strength"
    assert remark({"samples": 8.0, "effective_samples": 7.6}) == "7.6 effective of 8 samples; raise method.strength"
    for values in ({}, {"samples": 8.0, "effective_samples": 3.0}, {"samples": 2.0, "effective_samples": 1.0}):
        assert remark(values) == ""


@pytest.mark.parametrize("name", ["parsec", "fpnas"])
def test_a_resumed_run_ends_in_the_same_checkpoint(name: str, tmp_path: Path) -> None:
    recipe = tiny.recipe(method={"name": name, "samples": 3, "held_out": 0.3}, training={"batch_size": 16, "epochs": 2})
    run, resumed = tiny.train_with_a_break(tmp_path, recipe)
    assert resumed.read_bytes() == run.latest_checkpoint().read_bytes()
    assert {"effective_samples", "distinct_share", "samples", "entropy"} <= read_metrics(run)[-1].keys()


def test_one_sample_is_refused() -> None:
    for name in ("parsec", "fpnas"):
        with pytest.raises(InputError, match=r"method\.samples: .*greater than or equal to 2"):
            parse_recipe({"space": "nasbench-macro", "method": {"name": name, "samples": 1}})
