from collections import Counter
from typing import Any

import numpy as np
import pytest

from tests.methods_made import make_method
from tests.networks import backend_on_cpu
from toolkit.backends.base import SGD
from toolkit.interference.history import History, slices
from toolkit.methods import METHODS, Batch
from toolkit.methods.spos import SPOS
from toolkit.spaces import SPACES, Arch
from toolkit.training.loop import method_rng

SPACE = SPACES["resnet48-mini"].for_images(1, 8, 10)
STEPS, SEED = 3, 3


@pytest.mark.parametrize("name", METHODS)
def test_what_is_counted_is_what_is_trained(name: str) -> None:
    """Every method, on a real network that notes which paths its gradients come from."""
    backend = backend_on_cpu("torch")
    network = backend.network(SPACE, SPACE.widest, 0)
    options = {"look": 0} if name == "progressive" else {}  # what recovers depends on losses
    method = make_method(name, SPACE, **options)
    optimizer = backend.optimizer(network, SGD())
    rng = np.random.default_rng(0)
    images = backend.place(rng.normal(size=(4, 1, 8, 8)).astype(np.float32))
    labels = backend.place(rng.integers(10, size=4))
    trained: list[Arch] = []
    run, archs = network.run, {}

    def noted(plans: Any, x: Any, norm: Any = None, *, path: Arch) -> Any:
        logits = run(plans, x, norm, path=path)
        if logits.requires_grad:
            logits.register_hook(lambda _: trained.append(path))
        archs[id(logits)] = logits
        return logits

    network.run = noted  # type: ignore[method-assign]
    for step in range(STEPS):
        batch = Batch(network, images, labels, method_rng(SEED, step), step / 1000)
        method.step(batch)
        optimizer.step(0.01)
        if method.after(batch) is not None:
            optimizer.step(0.01)
    history = History(make_method(name, SPACE, **options), network, SEED, 1000)
    history.until(2)
    history.until(STEPS)
    assert history.trained == len(trained)
    counted = {(row.decision, row.first): row.value for row in history.rows() if row.decision}
    for number, decision in enumerate(SPACE.decisions):
        expected = Counter(arch[number] for arch in trained)
        for place, option in enumerate(decision.options):
            assert counted[decision.name, str(option)] == expected[place]


def test_channels_are_counted_by_slice() -> None:
    backend = backend_on_cpu("torch")
    network = backend.network(SPACE, SPACE.widest, 0)
    history = History(make_method("sandwich", SPACE), network, 0, 1000)
    history.until(5)
    rows = [row for row in history.rows() if not row.decision]
    stem = {row.first: row.value for row in rows if row.block == 0}
    first, *wider = stem
    assert first == "conv[0:7]"
    assert stem[first] == history.trained == 20, "every path has the first channels"
    assert all(0 < stem[name] < 20 for name in wider)
    assert list(wider) == ["conv[7:8]"]
    classifier = [row for row in rows if row.block == 24]
    assert [(row.first, row.value) for row in classifier] == [("fc[0:10]", 20)]


def test_slices() -> None:
    assert list(slices({4: 1, 2: 5, 3: 2})) == [("0:2", 8), ("2:3", 3), ("3:4", 1)]
    assert list(slices({})) == []


class ByLoss(SPOS):
    """Trains the better of two paths, which nobody can foresee."""

    def step(self, batch: Batch) -> dict[str, Any]:
        net = batch.net
        losses = [net.ops.cross_entropy(self.run(batch, arch), batch.labels) for arch in self.sample(batch, 2)]
        best = min(losses, key=float)
        net.ops.backward(best)
        return {"loss": net.ops.detach(best)}


def test_what_cannot_be_foreseen_is_not_counted() -> None:
    backend = backend_on_cpu("torch")
    network = backend.network(SPACE, SPACE.widest, 0)
    history = History(ByLoss(SPACE, SPOS.options_type(name="spos")), network, 0, 1000)
    history.until(3)
    history.until(5)
    assert history.trained == 5
    assert list(history.rows()) == []
