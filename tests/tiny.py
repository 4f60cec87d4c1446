"""A training that tests can afford: the mini space on a few hundred digits, seconds for a run."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from toolkit.interference import watch
from toolkit.runs.folder import RunFolder
from toolkit.runs.recipe import Recipe, parse_recipe
from toolkit.training.trainer import prepare_run, train

ROOT = Path(__file__).parent.parent

STEPS_PER_EPOCH = 4
"""Of 133 training images in batches of 32."""

_TABLES: dict[str, dict[str, Any]] = {
    "method": {"name": "spos"},
    "data": {"calibration": 1600, "validation": 64},
    "training": {"epochs": 2, "batch_size": 32, "lr": 0.1, "warmup_epochs": 0.5},
}


def recipe(**tables: dict[str, Any]) -> Recipe:
    """The tiny recipe; values in `tables` replace or add to those of its tables."""
    names = dict.fromkeys((*_TABLES, *tables))
    merged = {name: _TABLES.get(name, {}) | tables.get(name, {}) for name in names}
    return parse_recipe({"space": "resnet48-mini"} | merged)


def train_new(path: Path, asked: Recipe) -> RunFolder:
    """A new run in `path`, trained to the end in this process."""
    asked, run = prepare_run(asked, path, resume=False)
    train(asked, run, watching=watch)
    return run


def train_with_a_break(path: Path, asked: Recipe) -> tuple[RunFolder, Path]:
    """A new run in `path`, and the last checkpoint of a copy that had lost it and went on from the one before."""
    run = train_new(path / "whole", asked)
    broken = RunFolder(shutil.copytree(run.path, path / "broken"))
    broken.latest_checkpoint().unlink()
    assert len(broken.checkpoints()) == 1
    return run, train(asked, broken)


def start(*arguments: object, code: str | None = None) -> subprocess.Popen[str]:
    """`supernet ARGUMENTS`, or Python `code` in its stead, in a process of its own, to be killed or interrupted."""
    program = ["-m", "toolkit"] if code is None else ["-c", code]
    command = [sys.executable, *program, *map(str, arguments)]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    # A session of its own: what is sent to the group reaches its workers too, and not these tests.
    return subprocess.Popen(
        command, cwd=ROOT, text=True, env=os.environ | {"COLUMNS": "200"}, start_new_session=True, **pipes
    )


def wait_until(condition: Callable[[], bool], process: subprocess.Popen[str], seconds: float = 120) -> None:
    """Wait for something that `process` will do."""
    end = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.002)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A finished run, not to be written to."""
    return train_new(tmp_path_factory.mktemp("trained") / "run", recipe())


@pytest.fixture
def run(trained: RunFolder, tmp_path: Path) -> RunFolder:
    """A finished run of one's own."""
    shutil.copytree(trained.path, tmp_path / "run")
    return RunFolder(tmp_path / "run")
