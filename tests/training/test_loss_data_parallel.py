"""What is logged of a step in two processes is what one process would log."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests import tiny

STEP = """
TABLES = {}
import json
from contextlib import closing
from pathlib import Path

from tests import tiny
from toolkit.runs.setup import open_backend, open_data, open_space
from toolkit.training.trainer import begin

recipe = tiny.recipe(**TABLES).model_copy(update={"device": "cpu", "threads": 1})
backend, data = open_backend(recipe), open_data(recipe)
state = begin(recipe, backend, open_space(recipe, data), None)
with closing(state.loop(backend, data, recipe).steps(state.method.step)) as steps:
    values = {name: float(value) for name, value in next(steps).values.items()}
Path(f"{backend.world}.{backend.rank}.json").write_text(json.dumps(values))
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


@pytest.mark.parametrize(
    "tables",
    [
        {"method": {"name": "sandwich", "paths": 3}},
        {"method": {"name": "wpnas", "warmup": 0.0}, "supernet": {"weak": {"warmup": 0.0, "hidden": 8}}},
    ],
    ids=["sandwich", "wpnas"],
)
def test_losses_are_means_over_processes(tmp_path: Path, tables: dict[str, Any]) -> None:
    """With batch norm over all of them, they are the losses, and the rewards, of the whole batch."""
    (tmp_path / "step.py").write_text(STEP.replace("{}", repr(tables), 1))
    run(tmp_path)
    run(tmp_path, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2")
    alone, first, second = (json.loads((tmp_path / name).read_text()) for name in ("1.0.json", "2.0.json", "2.1.json"))
    assert first == second
    assert first == pytest.approx(alone, rel=1e-4)
