"""A second update of a step, which only some steps need, in two processes: all decide alike, and end alike."""

import os
import subprocess
import sys
from pathlib import Path

from tests import tiny

# Every process draws its own images; each says what its weights are afterwards, and how many updates it made.
TRAINING = """
import hashlib
from pathlib import Path

import numpy as np

from tests.methods_made import make_method
from tests.parity import SETTINGS
from tests.supernets import SUPERNETS
from toolkit.backends import get_backend
from toolkit.methods import Batch

backend = get_backend("torch", "cpu", threads=1)
space = SUPERNETS["resnet48, split"]
network = backend.network(space, space.widest, 0)
method, optimizer, updates = make_method("progressive", space, paths=2, look=2), backend.optimizer(network, SETTINGS), 0
for step in range(2):
    mine = np.random.default_rng((step, backend.rank))
    images = backend.place(mine.normal(size=(4, 3, 8, 8)).astype(np.float32))
    batch = Batch(network, images, backend.place(mine.integers(0, 7, 4)), np.random.default_rng(step), step / 2)
    method.step(batch)
    optimizer.step(0.05)
    if method.after(batch) is not None:
        optimizer.step(0.05)
        updates += 1
sha = hashlib.sha256()
for name, array in sorted(network.weights().items()):
    sha.update(array.tobytes())
Path(f"rank{backend.rank}.txt").write_text(f"{updates} {sha.hexdigest()}")
"""


def test_both_processes_recover_the_same_paths(tmp_path: Path) -> None:
    (tmp_path / "training.py").write_text(TRAINING)
    done = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", "training.py"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tiny.ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    first, second = ((tmp_path / f"rank{rank}.txt").read_text() for rank in (0, 1))
    assert first == second
    assert int(first.split()[0]) > 0, "some step needed a second update"
