"""What is logged of a step in two processes is what one process would log."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import tiny

STEP = """
import json
from contextlib import closing
from pathlib import Path

from tests import tiny
from toolkit.runs.setup import open_backend, open_data, open_space
from toolkit.training.trainer import begin

CASES = {
    "sandwich": {"method": {"name": "sandwich", "paths": 3}},
    "wpnas": {"method": {"name": "wpnas", "warmup": 0.0}, "supernet": {"weak": {"warmup": 0.0, "hidden": 8}}},
}
recipes = {
    name: tiny.recipe(**tables).model_copy(update={"device": "cpu", "threads": 1}) for name, tables in CASES.items()
}
backend = open_backend(recipes["sandwich"])
found = {}
for name, recipe in recipes.items():
    data = open_data(recipe)
    state = begin(recipe, backend, open_space(recipe, data), None)
    with closing(state.loop(backend, data, recipe).steps(state.method.step)) as steps:
        found[name] = {key: float(value) for key, value in next(steps).values.items()}
Path(f"{backend.world}.{backend.rank}.json").write_text(json.dumps(found))
"""


def run(folder: Path, *launcher: str) -> None:
    done = subprocess.run(
        [sys.executable, *launcher, "step.py"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(tiny.ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr


def test_losses_are_means_over_processes(tmp_path: Path) -> None:
    """With batch norm over all of them, they are the losses of the whole batch.

    Rewards take batch norm's statistics by process, so they are others, but the same in every process, and so is the
    policy that follows them.
    """
    (tmp_path / "step.py").write_text(STEP)
    run(tmp_path)
    run(tmp_path, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2")
    alone, first, second = (json.loads((tmp_path / name).read_text()) for name in ("1.0.json", "2.0.json", "2.1.json"))
    assert first == second
    assert first["wpnas"]["greedy_reward"] > 0
    assert first["sandwich"] == pytest.approx(alone["sandwich"], rel=1e-4)
    assert first["wpnas"]["loss"] == pytest.approx(alone["wpnas"]["loss"], rel=1e-4)
