import errno
import os
import re
import signal
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests import tiny
from tests.runs.test_metrics import events, lines
from toolkit.backends import get_backend
from toolkit.errors import InputError
from toolkit.runs.checkpoint import load_checkpoint, save_checkpoint
from toolkit.runs.folder import RunFolder
from toolkit.runs.metrics import read_metrics
from toolkit.runs.recipe import Recipe, read_recipe
from toolkit.spaces import SPACES
from toolkit.training import trainer
from toolkit.training.reorder import reorder_channels
from toolkit.training.trainer import prepare_run, train

# Everything that has a state, and epochs long enough to be killed in.
STATEFUL = tiny.recipe(
    method={"name": "sandwich", "paths": 3},
    data={"calibration": 1460},
    training={"epochs": 4, "ema": 0.9, "clip_norm": 1.0, "nesterov": True},
    checkpoints={"keep": 9},
)
PER_EPOCH, STEPS = 8, 32


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """`STATEFUL` trained in one go."""
    return tiny.train_new(tmp_path_factory.mktemp("straight") / "run", STATEFUL)


def resume(run: RunFolder, recipe: Recipe | None = None) -> Path:
    return train(*prepare_run(recipe, run.path, resume=True))


def begin(recipe: Recipe, folder: Path) -> tuple[RunFolder, subprocess.Popen[str]]:
    """A training in another process."""
    path = folder / "recipe.toml"
    path.write_text(recipe.to_toml())
    run = RunFolder(folder / "run")
    return run, tiny.start("train", path, "--out", run.path)


def assert_same_run(first: RunFolder, second: RunFolder) -> None:
    """Equal weights, optimiser state and moving average to the last bit, and equal metrics but for those of speed."""
    assert first.latest_checkpoint().read_bytes() == second.latest_checkpoint().read_bytes()
    records: list[dict[int, dict[str, Any]]] = []
    for run in (first, second):
        written = lines(run)
        for name, points in events(run).items():  # a kill may lose events that their writer still held
            assert set(points) <= set(written[name])
        steps = [record["step"] for record in read_metrics(run)]
        assert steps == sorted(set(steps))
        records.append({record["step"]: record for record in read_metrics(run)})
    assert set(range(PER_EPOCH, STEPS + 1, PER_EPOCH)) <= records[0].keys() & records[1].keys()
    for step in records[0].keys() & records[1].keys():  # between epochs, lines are written by the clock
        for record in records:
            assert record[step].pop("images_per_second") > 0
        assert records[0][step] == records[1][step]


def test_a_run_holds_what_it_should(straight: RunFolder) -> None:
    assert read_recipe(straight.recipe) == STATEFUL
    assert list(straight.checkpoints()) == [8, 16, 24, 32]
    found = load_checkpoint(straight.latest_checkpoint())
    assert (found.facts.space, found.facts.step, found.facts.recipe) == ("resnet48-mini", 32, STATEFUL.digest)
    assert found.ema.keys() == found.model.keys()
    assert any(name.startswith("momentum.") for name in found.optimizer)
    last = read_metrics(straight)[-1]
    assert last.keys() >= {"loss", "distillation_loss", "grad_norm", "lr", "largest_top1", "smallest_top1"}
    assert (last["step"], last["epoch"]) == (32, 4.0)
    assert last["loss"] < read_metrics(straight)[0]["loss"]
    assert not list(straight.path.rglob("*.tmp"))


def test_four_epochs_are_two_and_a_kill_and_two(straight: RunFolder, tmp_path: Path) -> None:
    run, process = begin(STATEFUL, tmp_path)
    tiny.wait_until(run.checkpoint(2 * PER_EPOCH).exists, process)
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert STEPS not in run.checkpoints(), "the training was too fast to be killed"
    assert resume(run) == run.checkpoint(STEPS)
    assert_same_run(run, straight)


def test_ctrl_c_keeps_the_step_reached(straight: RunFolder, tmp_path: Path) -> None:
    run, process = begin(STATEFUL, tmp_path)
    tiny.wait_until(run.checkpoint(PER_EPOCH).exists, process)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Traceback" not in out + err
    step = max(run.checkpoints())
    assert PER_EPOCH <= step < STEPS
    message = (
        f"Stopped after step {step} of {STEPS}, which is saved. Go on with: supernet train --resume --out {run.path}"
    )
    assert message in err
    assert "Trained" not in out
    resume(run)
    assert_same_run(run, straight)


def test_ctrl_c_before_training_begins(tmp_path: Path) -> None:
    run, process = begin(STATEFUL, tmp_path)
    tiny.wait_until(run.path.exists, process)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Interrupted. What was finished is kept." in err
    assert "Traceback" not in out + err
    assert not run.exists()


def test_a_finished_run_is_left_as_it_is(run: RunFolder) -> None:
    before = {path: path.read_bytes() for path in (*run.checkpoints().values(), run.recipe, run.metrics)}
    assert resume(run) == run.latest_checkpoint()
    assert {path: path.read_bytes() for path in before} == before


def stop_at(monkeypatch: pytest.MonkeyPatch, step: int) -> Callable[[str, int, int], None]:
    """A progress bar under which the process receives Ctrl-C after so many steps."""

    def progress(what: str, done: int, total: int) -> None:
        if what == "training" and done == step:
            signal.raise_signal(signal.SIGINT)

    return progress


def test_stopped_in_the_first_epoch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trained: RunFolder) -> None:
    _, run = prepare_run(tiny.recipe(), tmp_path / "run", resume=False)
    with pytest.raises(Exception, match="Stopped after step 1 of 8"):
        train(tiny.recipe(), run, stop_at(monkeypatch, 1))
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert list(run.checkpoints()) == [1]
    resume(run)
    assert run.latest_checkpoint().read_bytes() == trained.latest_checkpoint().read_bytes()


def test_killed_before_the_first_checkpoint(trained: RunFolder, run: RunFolder) -> None:
    """What such a run has written of metrics is written anew, not twice."""
    for path in run.checkpoints().values():
        path.unlink()
    with run.metrics.open("a") as file:
        file.write('{"step": 9, "lo')
    resume(run)
    assert run.latest_checkpoint().read_bytes() == trained.latest_checkpoint().read_bytes()
    steps = [record["step"] for record in read_metrics(run)]
    assert steps == sorted(set(steps)), "a slow machine writes lines within an epoch too"
    assert steps[-1] == 8
    assert 4 in steps
    assert events(run) == lines(run)


def test_it_says_how_it_goes(tmp_path: Path) -> None:
    notes: list[str] = []
    recipe, run = prepare_run(tiny.recipe(), tmp_path / "run", resume=False)
    train(recipe, run, note=notes.append)
    percent = r"\d+\.\d%"
    assert re.fullmatch(rf"epoch 2\.0, loss \d+\.\d{{3}}, top-1: largest {percent}, smallest {percent}", notes[-1])


def test_older_checkpoints_are_deleted(tmp_path: Path) -> None:
    recipe = tiny.recipe(training={"epochs": 5, "lr": 0.01}, checkpoints={"keep": 2, "every_epochs": 2})
    run = tiny.train_new(tmp_path / "run", recipe)
    assert list(run.checkpoints()) == [16, 20], "every second epoch, and the last"


def test_a_diverged_training_ends_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        tiny.train_new(tmp_path / "run", tiny.recipe(training={"lr": 1e30, "warmup_epochs": 0.0}))
    (problem,) = caught.value.problems
    assert problem.startswith(f"{tmp_path / 'run'}: training diverged: at step ")
    assert problem.endswith("start a new run with a lower training.lr, or with training.clip_norm")
    assert not RunFolder(tmp_path / "run").checkpoints(), "nobody wants these weights"


def test_another_recipe_is_refused_with_what_differs(run: RunFolder) -> None:
    other = tiny.recipe(method={"name": "largest"}, training={"epochs": 3})
    with pytest.raises(InputError) as caught:
        prepare_run(other, run.path, resume=True)
    begun = {problem.split(": ")[1].split(";")[0] for problem in caught.value.problems}
    assert begun == {
        "was begun with method.name = 'spos', the recipe given says 'largest'",
        "was begun with method.paths = 1, the recipe given says None",
        "was begun with training.epochs = 2, the recipe given says 3",
    }
    assert prepare_run(tiny.recipe(), run.path, resume=True)[0] == tiny.recipe()


def test_the_faster_precision_is_written_down_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer, "settled", lambda *_: "bf16")
    asked = tiny.recipe(training={"precision": "auto", "epochs": 1})
    run = tiny.train_new(tmp_path / "run", asked)
    assert read_recipe(run.recipe).training.precision == "bf16"
    monkeypatch.setattr(trainer, "settled", lambda *_: "fp32")
    kept, _ = prepare_run(asked, run.path, resume=True)
    assert kept.training.precision == "bf16", "as it was begun, whatever is faster now"


def test_an_edited_recipe_is_refused(run: RunFolder) -> None:
    run.recipe.write_text(tiny.recipe(training={"epochs": 3}).to_toml())
    with pytest.raises(InputError, match=r"step_00000008.safetensors: was trained with another recipe"):
        resume(run)


def test_a_folder_that_holds_a_run_is_refused(run: RunFolder) -> None:
    with pytest.raises(InputError, match=r"holds a run already; go on with it by --resume, or choose another --out"):
        prepare_run(tiny.recipe(), run.path, resume=False)


def test_nothing_to_resume(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a run folder"):
        prepare_run(None, tmp_path, resume=True)
    with pytest.raises(InputError, match="no recipe given"):
        prepare_run(None, tmp_path, resume=False)


@pytest.mark.parametrize("below", [".", "run", "deep/run"])
def test_a_file_where_the_folder_should_be(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match=r"cannot be a run folder .* choose another --out"):
        prepare_run(tiny.recipe(), tmp_path / "file" / below, resume=False)
    assert (tmp_path / "file").read_text() == "in the way"


def test_a_run_that_could_not_begin_is_none(tmp_path: Path) -> None:
    """So the same command works once the user has repaired what was wrong."""
    for wrong in (
        tiny.recipe(data={"source": f"cifar10:{tmp_path / 'absent'}"}),
        tiny.recipe(training={"batch_size": 10_000}),
        tiny.recipe(initial={"weights": str(tmp_path / "absent.safetensors")}),
        tiny.recipe(data={"calibration": 10_000}),
    ):
        with pytest.raises(InputError):
            tiny.train_new(tmp_path / "run", wrong)
    tiny.train_new(tmp_path / "run", tiny.recipe(training={"epochs": 1}))


def test_a_damaged_checkpoint_is_named_and_the_one_before_will_do(run: RunFolder, trained: RunFolder) -> None:
    content = run.checkpoint(8).read_bytes()
    run.checkpoint(8).write_bytes(content[: len(content) // 2])
    with pytest.raises(
        InputError, match=r"step_00000008.safetensors: damaged, .*go on training from the one before: --resume"
    ):
        resume(run)
    run.checkpoint(8).unlink()
    assert resume(run).read_bytes() == trained.latest_checkpoint().read_bytes() == content


def test_a_disk_that_is_full_at_the_second_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trained: RunFolder
) -> None:
    _, run = prepare_run(tiny.recipe(), tmp_path / "run", resume=False)
    fsync = os.fsync

    def full(handle: int) -> None:
        if run.checkpoint(4).exists() and list(run.path.glob("checkpoints/.*")):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match=r"step_00000008.*No space left on device"):
        train(tiny.recipe(), run)
    monkeypatch.undo()
    assert [path.name for path in run.path.glob("checkpoints/*")] == ["step_00000004.safetensors"]
    assert not list(run.path.rglob(".*"))
    assert resume(run).read_bytes() == trained.latest_checkpoint().read_bytes()


def test_the_moving_average_follows_the_weights(tmp_path: Path) -> None:
    """From the initial weights on, which a recipe may name; one checkpoint a step."""
    every_step = {"batch_size": 133, "warmup_epochs": 0.0}
    first = tiny.train_new(tmp_path / "first", tiny.recipe(training=every_step | {"epochs": 2}))
    path = first.latest_checkpoint()
    recipe = tiny.recipe(
        training=every_step | {"epochs": 3, "ema": 0.75}, initial={"weights": str(path)}, checkpoints={"keep": 9}
    )
    run = tiny.train_new(tmp_path / "second", recipe)
    average = load_checkpoint(path).model
    for step in (1, 2, 3):
        found = load_checkpoint(run.checkpoint(step))
        average = {name: 0.75 * average[name] + 0.25 * array for name, array in found.model.items()}
        for name, array in found.ema.items():
            np.testing.assert_allclose(array, average[name], rtol=1e-5, atol=1e-7, err_msg=name)
        assert any((found.model[name] != array).any() for name, array in found.ema.items())


def test_initial_weights_and_channel_order(trained: RunFolder, tmp_path: Path) -> None:
    """With a learning rate that moves nothing, what came in comes out."""
    path = trained.latest_checkpoint()
    initial = load_checkpoint(path).model
    for reorder, expected in ((False, initial), (True, reorder_channels(initial))):
        still = {"epochs": 1, "lr": 1e-30, "warmup_epochs": 0.0}
        recipe = tiny.recipe(training=still, initial={"weights": str(path), "reorder_channels": reorder})
        found = load_checkpoint(tiny.train_new(tmp_path / str(reorder), recipe).latest_checkpoint()).model
        for name, array in found.items():
            if "running" not in name:
                np.testing.assert_allclose(array, expected[name], rtol=0, atol=1e-25, err_msg=name)


def test_initial_weights_of_another_space(trained: RunFolder, tmp_path: Path) -> None:
    checkpoint = load_checkpoint(trained.latest_checkpoint())
    other, path = replace(checkpoint.facts, space="resnet48"), tmp_path / "other.safetensors"
    save_checkpoint(path, other, checkpoint.model)
    with pytest.raises(InputError, match=r"a checkpoint of space resnet48 for .* needed is resnet48-mini for"):
        tiny.train_new(tmp_path / "run", tiny.recipe(initial={"weights": str(path)}))


def test_equal_seeds_repeat_and_others_do_not(trained: RunFolder, tmp_path: Path) -> None:
    again = tiny.train_new(tmp_path / "again", tiny.recipe())
    assert again.latest_checkpoint().read_bytes() == trained.latest_checkpoint().read_bytes()
    other = tiny.train_new(tmp_path / "other", tiny.recipe().model_copy(update={"seed": 1}))
    weights = [load_checkpoint(run.latest_checkpoint()).model for run in (other, trained)]
    assert all((weights[0][name] != weights[1][name]).any() for name in weights[0] if name.endswith("conv1.weight"))


def test_the_first_weights_are_those_of_the_seed(tmp_path: Path) -> None:
    recipe = tiny.recipe(training={"epochs": 1, "lr": 1e-30, "warmup_epochs": 0.0})
    found = load_checkpoint(tiny.train_new(tmp_path / "run", recipe).latest_checkpoint()).model
    space = SPACES["resnet48-mini"].for_images(1, 8, 10)
    fresh = get_backend("torch", "cpu").network(space, space.widest, recipe.seed).weights()
    for name, array in fresh.items():
        if "running" not in name:
            np.testing.assert_allclose(found[name], array, rtol=0, atol=1e-25, err_msg=name)
