"""Two processes under `torchrun` train what one process trains.

They are launched once for all that is asked of them: each takes seconds to begin.
"""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from typing import Any

import numpy as np
import pytest

from tests import tiny
from tests.methods_made import make_method
from tests.parity import SETTINGS
from tests.supernets import SUPERNETS
from tests.training import test_pinas
from toolkit.backends import get_backend
from toolkit.methods import Batch
from toolkit.runs.checkpoint import load_checkpoint
from toolkit.runs.folder import RunFolder
from toolkit.runs.metrics import read_metrics
from toolkit.runs.recipe import Recipe
from toolkit.runs.setup import open_backend, open_data, open_space
from toolkit.training.trainer import State, begin

RECIPE = tiny.recipe(
    method={"name": "sandwich", "paths": 3},
    supernet={"weak": {"hidden": 8}},  # so that the gradients of HyperNets are averaged too
    training={"epochs": 1, "clip_norm": 1.0, "ema": 0.5, "lr": 0.05, "warmup_epochs": 1.0},
)


def logged(asked: Recipe, steps: int) -> tuple[list[dict[str, float]], State]:
    """What is logged of the first steps of a training."""
    asked = asked.model_copy(update={"device": "cpu", "threads": 1})
    backend, data = open_backend(asked), open_data(asked)
    state = begin(asked, backend, open_space(asked, data), None)
    with closing(state.loop(backend, data, asked).steps(state.method.step)) as taken:
        return [{name: float(value) for name, value in next(taken).values.items()} for _ in range(steps)], state


def losses() -> list[dict[str, float]]:
    """Of a step."""
    return logged(tiny.recipe(method={"name": "sandwich", "paths": 3}), 1)[0]


def rewards() -> list[dict[str, float]]:
    """Of a step of a weakly shared supernet and its policy."""
    weak = {"weak": {"warmup": 0.0, "hidden": 8}}
    return logged(tiny.recipe(method={"name": "wpnas", "warmup": 0.0}, supernet=weak), 1)[0]


def keys() -> tuple[list[dict[str, float]], Any]:
    """Of two steps of Pi-NAS, and its queue."""
    values, state = logged(test_pinas.recipe(), 2)
    return values, state.method.state()["queue"].tolist()


def recovery() -> tuple[int, str]:
    """How often a second update was needed, and a digest of the weights; every process draws its own images."""
    backend = get_backend("torch", "cpu", threads=1)
    space = SUPERNETS["resnet48, split"]
    network = backend.network(space, space.widest, 0)
    method, optimizer = make_method("progressive", space, paths=2, look=2), backend.optimizer(network, SETTINGS)
    updates = 0
    for step in range(2):
        mine = np.random.default_rng((step, backend.rank))
        images = backend.place(mine.normal(size=(4, 3, 8, 8)).astype(np.float32))
        batch = Batch(network, images, backend.place(mine.integers(0, 7, 4)), np.random.default_rng(step), step / 2)
        method.step(batch)
        optimizer.step(0.05)
        if method.after(batch) is not None:
            optimizer.step(0.05)
            updates += 1
    weights = b"".join(array.tobytes() for _, array in sorted(network.weights().items()))
    return updates, hashlib.sha256(weights).hexdigest()


ASKED: dict[str, Callable[[], Any]] = {each.__name__: each for each in (losses, rewards, keys, recovery)}
"""What every process is asked when the command is through."""

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
except SystemExit as end:
    if end.code:
        raise
did = {"reduced": [*reduced], "written": sorted(written)}

from tests.training.test_data_parallel import ASKED

did |= {name: ask() for name, ask in ASKED.items()}
Path(f"{folder}/../rank{rank}.json").write_text(json.dumps(did))
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


def test_losses_are_means_over_processes(double: tuple[RunFolder, list[dict[str, Any]], str]) -> None:
    """With batch norm over all of them, they are the losses of the whole batch."""
    _, (first, second), _ = double
    assert first["losses"] == second["losses"]
    assert first["losses"] == [pytest.approx(step, rel=1e-4) for step in losses()]


def test_the_policy_is_the_same_in_every_process(double: tuple[RunFolder, list[dict[str, Any]], str]) -> None:
    """Rewards take batch norm's statistics by process, so they are not those of one process."""
    _, (first, second), _ = double
    assert first["rewards"] == second["rewards"]
    assert first["rewards"][0]["greedy_reward"] > 0
    assert first["rewards"][0]["loss"] == pytest.approx(rewards()[0]["loss"], rel=1e-4)


def test_two_processes_gather_their_keys(double: tuple[RunFolder, list[dict[str, Any]], str]) -> None:
    """Pi-NAS: with batch norm over both, the losses and the queue are those of one process."""
    _, (first, second), _ = double
    assert first["keys"] == second["keys"]
    (values, queue), (alone, expected) = first["keys"], keys()
    for name in ("loss", "agreement", "hits", "teacher_gap"):
        assert values[1][name] == pytest.approx(alone[1][name], rel=2e-3), name
    np.testing.assert_allclose(queue, expected, atol=1e-3)


def test_both_processes_recover_the_same_paths(double: tuple[RunFolder, list[dict[str, Any]], str]) -> None:
    """A second update of a step, which only some steps need: all decide alike, and end alike."""
    _, (first, second), _ = double
    assert first["recovery"] == second["recovery"]
    assert first["recovery"][0] > 0, "some step needed a second update"
