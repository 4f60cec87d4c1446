"""Two processes under `paddle.distributed.launch` train what one process trains."""

import os
import subprocess
import sys

import numpy as np
import pytest

from tests import tiny
from tests.networks import backend_on_cpu
from toolkit.runs.checkpoint import load_checkpoint
from toolkit.runs.folder import RunFolder
from toolkit.runs.metrics import read_metrics

RECIPE = tiny.recipe(
    method={"name": "sandwich", "paths": 3},
    training={"epochs": 1, "clip_norm": 1.0, "ema": 0.5, "lr": 0.05, "warmup_epochs": 1.0},
).model_copy(update={"backend": "paddle"})


@pytest.fixture(scope="module")
def single(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    backend_on_cpu("paddle")
    return tiny.train_new(tmp_path_factory.mktemp("single") / "run", RECIPE)


@pytest.fixture(scope="module")
def double(single: RunFolder, tmp_path_factory: pytest.TempPathFactory) -> tuple[RunFolder, str]:
    """The run of two processes, and what was printed."""
    folder = tmp_path_factory.mktemp("double")
    (folder / "recipe.toml").write_text(RECIPE.to_toml())
    launch = ["-m", "paddle.distributed.launch", "--nproc_per_node", "2", "--log_dir", "log"]
    done = subprocess.run(
        [sys.executable, *launch, tiny.ROOT / "toolkit" / "__main__.py", "train", "recipe.toml", "--out", "run"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(tiny.ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    logs = "".join(path.read_text() for path in sorted((folder / "log").glob("workerlog.*")))
    assert done.returncode == 0, logs
    return RunFolder(folder / "run"), logs


def test_they_compute_what_one_process_computes(single: RunFolder, double: tuple[RunFolder, str]) -> None:
    """To rounding. Batch norm by process, or gradients that are not averaged, would differ by their whole size."""
    one, two = (load_checkpoint(run.latest_checkpoint()) for run in (single, double[0]))
    assert one.facts == two.facts
    for first, second in ((one.model, two.model), (one.ema, two.ema), (one.optimizer, two.optimizer)):
        assert first.keys() == second.keys()
        for name, array in first.items():
            assert np.linalg.norm(second[name] - array) <= 1e-4 * np.linalg.norm(array), name


def test_only_the_first_process_reports(double: tuple[RunFolder, str]) -> None:
    run, printed = double
    assert printed.count("Trained: ") == 1
    steps = [record["step"] for record in read_metrics(run)]
    assert steps == sorted(set(steps))
    assert list(run.checkpoints()) == [tiny.STEPS_PER_EPOCH]
