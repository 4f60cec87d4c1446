"""Mixed images and labels in a training, with every method's loss and in both frameworks."""

from pathlib import Path

import numpy as np
import pytest

from tests import tiny
from tests.methods_made import EVERYWHERE
from tests.networks import backend_on_cpu
from toolkit.backends import BACKENDS
from toolkit.data.augmentation import mixed_labels
from toolkit.runs.metrics import read_metrics

AUGMENTATION = {"policy": "randaugment", "cutout": 2, "mixup": 0.4}


@pytest.mark.parametrize("name", BACKENDS)
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_the_loss_of_mixed_labels_is_the_mixed_loss(name: str, smoothing: float) -> None:
    backend = backend_on_cpu(name)
    rng = np.random.default_rng(0)
    logits = backend.place(rng.normal(size=(6, 10)).astype(np.float32))
    one, other = rng.integers(0, 10, (2, 6))
    mixed = backend.ops.cross_entropy(logits, backend.place(mixed_labels(one, other, 0.3, 10)), smoothing)
    first, second = (float(backend.ops.cross_entropy(logits, backend.place(each), smoothing)) for each in (one, other))
    assert float(mixed) == pytest.approx(0.3 * first + 0.7 * second, rel=1e-5)


@pytest.mark.parametrize("name", EVERYWHERE)
def test_every_method_learns_from_mixed_labels(name: str, tmp_path: Path) -> None:
    if name == "landmark":
        pytest.skip("needs a file of truths; its losses are those of the others")
    training = {"epochs": 1, "warmup_epochs": 0.0}
    recipe = tiny.recipe(method={"name": name}, data={"augmentation": AUGMENTATION}, training=training)
    run = tiny.train_new(tmp_path / "run", recipe)
    assert read_metrics(run)[-1]["loss"] > 0


def test_a_resumed_run_sees_the_same_images(tmp_path: Path) -> None:
    run, resumed = tiny.train_with_a_break(tmp_path, tiny.recipe(data={"augmentation": AUGMENTATION}))
    assert resumed.read_bytes() == run.latest_checkpoint().read_bytes()
