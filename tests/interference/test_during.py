"""Probing while training: the training does not notice, and a kill leaves the table that would have been."""

import errno
import itertools
import os
import shutil
import signal
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests import tiny
from toolkit.errors import InputError
from toolkit.interference import watch
from toolkit.interference.table import read_interference
from toolkit.runs.checkpoint import load_checkpoint
from toolkit.runs.folder import RunFolder
from toolkit.runs.metrics import read_metrics
from toolkit.runs.recipe import Recipe, read_recipe
from toolkit.training.trainer import prepare_run, train

PROBE = {"every_epochs": 2, "budget": 12, "paths": 2, "batches": 2}


def recipe(**probe: int) -> Recipe:
    return tiny.recipe(
        data={"calibration": 1460},
        training={"epochs": 4, "ema": 0.9, "clip_norm": 1.0},
        checkpoints={"keep": 9},
        probe=probe,
    )


@pytest.fixture(scope="module")
def probed(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return tiny.train_new(tmp_path_factory.mktemp("probed") / "run", recipe(**PROBE))


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return tiny.train_new(tmp_path_factory.mktemp("plain") / "run", recipe())


def table_of(run: RunFolder) -> pd.DataFrame:
    """What does not depend on the clock."""
    table = read_interference(run.interference)
    return table[table["measure"] != "probe_cost"].reset_index(drop=True)


def test_it_is_off_by_default(plain: RunFolder) -> None:
    assert read_recipe(plain.recipe).probe.every_epochs == 0
    assert not plain.interference.exists()


def test_training_is_the_same_to_the_last_bit(probed: RunFolder, plain: RunFolder) -> None:
    assert list(probed.checkpoints()) == list(plain.checkpoints()) == [8, 16, 24, 32]
    for first, second in zip(probed.checkpoints().values(), plain.checkpoints().values(), strict=True):
        assert first.read_bytes() == second.read_bytes()
    records = [{record["step"]: record for record in read_metrics(run)} for run in (probed, plain)]
    for step in records[0].keys() & records[1].keys():
        assert records[0][step]["loss"] == records[1][step]["loss"]


def test_a_table_with_everything(probed: RunFolder) -> None:
    table = read_interference(probed.interference)
    assert table["step"].unique().tolist() == [16, 32]
    assert table["epoch"].unique().tolist() == [2.0, 4.0]
    measures = table.groupby("step")["measure"].agg(set)
    assert measures[32] - measures[16] == {"forgetting"}
    assert measures[16] >= {
        "path_cosine",
        "gradient_cosine",
        "sign_flips",
        "teacher_gap",
        "times_trained",
        "probe_cost",
    }
    cost = table[table["measure"] == "probe_cost"]
    assert (cost["value"] > 0).all()
    assert (cost["n"] <= 12).all()
    counts = table[(table["measure"] == "times_trained") & (table["step"] == 32)]
    assert counts["n"].unique().tolist() == [32], "a network in each step"
    updates = table[table["measure"] == "sign_flips"]
    assert updates["n"].max() == 4, "pairs of five updates"


def test_the_speed_of_the_weights_is_that_of_the_checkpoints(tmp_path: Path) -> None:
    """One step an epoch, so that every update lies between two checkpoints."""
    asked = tiny.recipe(
        training={"epochs": 3, "batch_size": 133, "warmup_epochs": 0.0},
        checkpoints={"keep": 9},
        probe=PROBE | {"every_epochs": 3},
    )
    run = tiny.train_new(tmp_path / "run", asked)
    thetas = [load_checkpoint(run.checkpoint(step)).model["blocks.24.fc.weight"].ravel() for step in (1, 2, 3)]
    biases = [load_checkpoint(run.checkpoint(step)).model["blocks.24.fc.bias"].ravel() for step in (1, 2, 3)]
    moments = [np.concatenate(both) for both in zip(thetas, biases, strict=True)]
    speeds = [np.linalg.norm(b - a) / np.linalg.norm(b) for a, b in itertools.pairwise(moments)]
    table = read_interference(run.interference)
    (row,) = table[(table["measure"] == "parameter_speed") & (table["block"] == 24)].to_dict("records")
    assert (row["value"], row["n"]) == (pytest.approx(np.mean(speeds), rel=1e-5), 2)


def resume(run: RunFolder) -> None:
    train(*prepare_run(None, run.path, resume=True), watching=watch)


def begin(asked: Recipe, folder: Path) -> tuple[RunFolder, subprocess.Popen[str]]:
    path = folder / "recipe.toml"
    path.write_text(asked.to_toml())
    run = RunFolder(folder / "run")
    return run, tiny.start("train", path, "--out", run.path)


def test_killed_and_resumed(probed: RunFolder, tmp_path: Path) -> None:
    run, process = begin(recipe(**PROBE), tmp_path)
    tiny.wait_until(run.interference.exists, process)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert 32 not in run.checkpoints(), "the training was too fast to be killed"
    read_interference(run.interference)  # whole, whenever the kill came
    resume(run)
    assert run.latest_checkpoint().read_bytes() == probed.latest_checkpoint().read_bytes()
    found, expected = table_of(run), table_of(probed)
    # A resumed run knows no losses of the probe before, and its updates begin where it does.
    gone = [
        "forgetting",
        "sign_flips",
        "parameter_speed",
        "parameter_contradiction",
        "parameter_conflict_rate",
        "teacher_gap",
    ]
    found, expected = (t[~t["measure"].isin(gone)].reset_index(drop=True) for t in (found, expected))
    pd.testing.assert_frame_equal(found, expected, check_exact=True)
    assert not list(run.path.rglob(".*.tmp"))


def test_what_was_measured_after_the_last_checkpoint_is_measured_again(probed: RunFolder, tmp_path: Path) -> None:
    run = RunFolder(shutil.copytree(probed.path, tmp_path / "run"))
    for step in (24, 32):
        run.checkpoint(step).unlink()
    resume(run)
    assert table_of(run)["step"].unique().tolist() == [16, 32]
    assert run.latest_checkpoint().read_bytes() == probed.latest_checkpoint().read_bytes()


def test_a_full_disk_while_the_table_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, run = prepare_run(recipe(**PROBE), tmp_path / "run", resume=False)
    fsync = os.fsync

    def full(handle: int) -> None:
        if list(run.path.glob(".interference.parquet.*")):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match=r"interference.parquet: cannot be written \(No space left"):
        train(recipe(**PROBE), run, watching=watch)
    assert not run.interference.exists()
    assert not list(run.path.rglob(".*.tmp"))


def test_a_damaged_table_is_named_before_anything_is_trained(tmp_path: Path) -> None:
    _, run = prepare_run(recipe(**PROBE), tmp_path / "run", resume=False)
    run.interference.write_bytes(b"PAR1 no more")
    with pytest.raises(InputError, match=r"interference.parquet: damaged, .* delete it"):
        train(recipe(**PROBE), run, watching=watch)
    assert not run.checkpoints()


def test_probes_are_no_part_of_a_run_s_identity() -> None:
    assert recipe(**PROBE).digest == recipe().digest != recipe(**PROBE).model_copy(update={"seed": 1}).digest


@pytest.mark.parametrize(("key", "value"), [("paths", 1), ("batches", 0), ("every_epochs", -1), ("budget", 0)])
def test_settings_that_cannot_be(key: str, value: int) -> None:
    with pytest.raises(InputError, match=f"probe.{key}"):
        recipe(**{key: value})
