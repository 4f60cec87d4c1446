"""What the Paddle backend promises besides what all do: common checkpoints, exact resuming, its device, its silence."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests import tiny
from tests.networks import backend_on_cpu
from toolkit.backends import get_backend
from toolkit.errors import InputError
from toolkit.methods.lab import copy_of
from toolkit.runs.checkpoint import load_checkpoint, save_checkpoint
from toolkit.runs.folder import RunFolder
from toolkit.spaces import SPACES
from toolkit.training.trainer import prepare_run, train

SPACE = SPACES["resnet48-mini"].for_images(1, 8, 10)
RECIPE = tiny.recipe(
    method={"name": "sandwich", "paths": 3},
    training={"epochs": 2, "ema": 0.9, "clip_norm": 1.0, "nesterov": True, "warmup_epochs": 1.0},
).model_copy(update={"backend": "paddle"})


@pytest.fixture(autouse=True, scope="module")
def installed() -> None:
    backend_on_cpu("paddle")


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """`RECIPE` trained in one go."""
    return tiny.train_new(tmp_path_factory.mktemp("straight") / "run", RECIPE)


def test_a_resumed_run_ends_where_an_uninterrupted_one_does(straight: RunFolder, tmp_path: Path) -> None:
    run = RunFolder(shutil.copytree(straight.path, tmp_path / "run"))
    run.latest_checkpoint().unlink()
    assert list(run.checkpoints()) == [tiny.STEPS_PER_EPOCH]
    train(*prepare_run(None, run.path, resume=True))
    assert run.latest_checkpoint().read_bytes() == straight.latest_checkpoint().read_bytes()


def test_checkpoints_are_common_to_both(straight: RunFolder, tmp_path: Path) -> None:
    """Weights, momentum and moving average go to PyTorch and out again, bit for bit, under the same names."""
    saved = load_checkpoint(straight.latest_checkpoint())
    backend = get_backend("torch", "cpu")
    network = backend.network(SPACE, SPACE.widest, 5)
    network.load_weights(saved.model)
    optimizer = backend.optimizer(network, RECIPE.training.made_optimizer)
    optimizer.load_state(saved.optimizer)
    average = copy_of(backend, network)
    average.load_weights(saved.ema)
    parts = {"optimizer": optimizer.state(), "ema": average.weights()}
    save_checkpoint(tmp_path / "again", saved.facts, network.weights(), **parts, trained=saved.trained)
    assert (tmp_path / "again").read_bytes() == straight.latest_checkpoint().read_bytes()


def test_a_seed_names_the_same_supernet_in_both() -> None:
    first, second = (get_backend(name, "cpu").network(SPACE, SPACE.widest, 7).weights() for name in ("torch", "paddle"))
    assert first.keys() == second.keys()
    for name, array in first.items():
        np.testing.assert_array_equal(array, second[name])


def test_what_this_device_lacks() -> None:
    with pytest.raises(InputError, match="unknown device 'tpu'"):
        get_backend("paddle", "tpu")
    for precision in ("bf16", "tf32"):
        with pytest.raises(InputError, match=f"precision {precision}: .* choose fp32"):
            get_backend("paddle", "cpu", precision)
    if not paddle_sees_a_gpu():
        with pytest.raises(InputError, match="no CUDA device that Paddle can use"):
            get_backend("paddle", "cuda")


def paddle_sees_a_gpu() -> bool:
    return get_backend("paddle").device != "cpu"


@pytest.mark.parametrize(
    ("backend", "variable", "launcher"),
    [("paddle", "WORLD_SIZE", "python -m paddle.distributed.launch"), ("torch", "PADDLE_TRAINERS_NUM", "torchrun")],
)
def test_the_wrong_launcher(backend: str, variable: str, launcher: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "2")
    with pytest.raises(InputError, match=f"another framework started this process; start it with: {launcher}"):
        get_backend(backend, "cpu")


def test_a_full_memory_is_recognised() -> None:
    backend = get_backend("paddle", "cpu")
    images = backend.place(np.zeros((1, 1, 1, 1), np.uint8))
    with pytest.raises(backend.out_of_memory):
        images.expand((1 << 23, 1 << 10, 1 << 10, 1 << 10)).astype("float64")


def test_it_is_silent() -> None:
    """Nothing but the command's own words reaches the user, from import to a step of training."""
    script = """
from toolkit.backends import get_backend
import numpy as np
from toolkit.spaces import SPACES
backend, space = get_backend("paddle", "cpu", threads=1), SPACES["resnet48-mini"]
network = backend.network(space, space.widest, 0)
images = backend.place(np.zeros((4, space.channels, space.size, space.size), np.uint8))
logits = network.run(network.space.supernet_plans(space.largest), backend.normalise(images, (0.5,), (0.5,)))
network.ops.backward(network.ops.cross_entropy(logits, backend.place(np.arange(4))))
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"PYTHONPATH": str(tiny.ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
