"""Two processes under `torchrun` train what one process trains."""

import json
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from tests import tiny
from toolkit.runs.checkpoint import load_checkpoint
from toolkit.runs.folder import RunFolder
from toolkit.runs.metrics import read_metrics

RECIPE = tiny.recipe(
    method={"name": "sandwich", "paths": 3},
    supernet={"weak": {"hidden": 8}},  # so that the gradients of HyperNets are averaged too
    training={"epochs": 1, "clip_norm": 1.0, "ema": 0.5, "lr": 0.05, "warmup_epochs": 1.0},
)

# The command itself, with eyes on it: every all-reduce of the optimiser, and every file of the run opened for writing.
OBSERVED = """
import json, os, sys
from pathlib import Path
from types import SimpleNamespace

import torch.distributed
from toolkit.backends.torch import optimizer
from toolkit.cli.main import main

folder, rank = sys.argv.pop(1), os.environ["RANK"]
reduced, written = [], set()

def all_reduce(tensor):
    reduced.append(tensor.numel())
    torch.distributed.all_reduce(tensor)

def audit(event, arguments):
    if event == "open" and isinstance(arguments[0], str | Path) and str(arguments[0]).startswith(folder):
        if arguments[2] & (os.O_WRONLY | os.O_RDWR):
            written.add(str(arguments[0]))

optimizer.dist = SimpleNamespace(all_reduce=all_reduce)
sys.addaudithook(audit)
sys.argv += ["--out", folder + "/run"]
try:
    main()
finally:
    Path(f"{folder}/../rank{rank}.json").write_text(json.dumps({"reduced": reduced, "written": sorted(written)}))
"""


@pytest.fixture(scope="module")
def single(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return tiny.train_new(tmp_path_factory.mktemp("single") / "run", RECIPE)


@pytest.fixture(scope="module")
def double(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunFolder, list[dict[str, Any]], str]:
    """The run of two processes, what each of them did, and what was printed."""
    folder = tmp_path_factory.mktemp("double")
    (folder / "watched").mkdir()
    (folder / "observed.py").write_text(OBSERVED)
    (folder / "recipe.toml").write_text(RECIPE.to_toml())
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", "observed.py", "watched"]
    done = subprocess.run(
        [sys.executable, *launch, "train", "recipe.toml"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(tiny.ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    did = [json.loads((folder / f"rank{rank}.json").read_text()) for rank in (0, 1)]
    return RunFolder(folder / "watched" / "run"), did, done.stdout


def test_they_compute_what_one_process_computes(single: RunFolder, double: tuple[RunFolder, Any, str]) -> None:
    """To rounding, for sums over a batch are taken in another order: tensors (momentum: sums of gradients) differ by
    4e-6 of their size. Batch norm by process, or gradients that are not averaged, would differ by their whole size.
    What HyperNets do to the only channel of grey images a batch norm undoes: those gradients are rounding, about 1e-8.
    """
    one, two = (load_checkpoint(run.latest_checkpoint()) for run in (single, double[0]))
    assert one.facts == two.facts
    for first, second in ((one.model, two.model), (one.ema, two.ema), (one.optimizer, two.optimizer)):
        assert first.keys() == second.keys()
        for name, array in first.items():
            assert np.linalg.norm(second[name] - array) <= 1e-4 * np.linalg.norm(array) + 1e-7, name


def test_one_all_reduce_of_gradients_a_step(double: tuple[RunFolder, list[dict[str, Any]], str]) -> None:
    _, (first, second), _ = double
    assert len(first["reduced"]) == tiny.STEPS_PER_EPOCH
    assert first["reduced"] == second["reduced"]


def test_only_the_first_process_writes_and_reports(double: tuple[RunFolder, list[dict[str, Any]], str]) -> None:
    run, (first, second), printed = double
    assert second["written"] == []
    assert first["written"]
    assert list(run.checkpoints()) == [tiny.STEPS_PER_EPOCH]
    steps = [record["step"] for record in read_metrics(run)]
    assert steps == sorted(set(steps))
    assert steps[-1] == tiny.STEPS_PER_EPOCH
    assert printed.count("Trained: ") == 1
