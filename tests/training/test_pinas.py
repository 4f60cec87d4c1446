"""Pi-NAS and BN-NAS in real trainings: resumed bit for bit, audited, told in the terminal."""

from pathlib import Path

import numpy as np
import pytest

from tests import tiny
from tests.networks import backend_on_cpu
from toolkit.audit.audit import audit_steps
from toolkit.backends import BACKENDS
from toolkit.errors import InputError
from toolkit.runs.checkpoint import load_checkpoint
from toolkit.runs.metrics import read_metrics
from toolkit.runs.recipe import Recipe
from toolkit.runs.setup import open_backend, open_data, open_space
from toolkit.training.trainer import begin, prepare_run, train

PINAS = {"name": "pinas", "queue": 50, "features": 8, "hidden": 8}
SPACE = {"name": "pinas-mini"}
DATA = {"calibration": 1710, "validation": 20, "augmentation": {"crop": 0.3, "jitter": 0.4}}
TRAINING = {"epochs": 2, "batch_size": 16, "warmup_epochs": 0.0}


def recipe(method: dict[str, object] = PINAS, backend: str = "torch", **tables: dict[str, object]) -> Recipe:
    asked = tiny.recipe(space=SPACE, method=method, data=DATA, training=TRAINING, **tables)
    return asked.model_copy(update={"backend": backend, "device": "cpu"})


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_resumed_run_ends_in_the_same_checkpoint(backend: str, tmp_path: Path) -> None:
    backend_on_cpu(backend)
    run, resumed = tiny.train_with_a_break(tmp_path, recipe(backend=backend))
    assert resumed.read_bytes() == run.latest_checkpoint().read_bytes()
    kept = load_checkpoint(resumed)
    assert {name.partition(".")[0] for name in kept.lab} == {"teacher", "head", "teacher_head", "head_optimizer"}
    assert kept.method["queue"].shape == (50, 8)
    logged = read_metrics(run)[-1]
    assert {"agreement", "hits", "spread", "teacher_gap"} <= logged.keys()
    assert logged["teacher_gap"] > 0


def test_a_collapse_is_told_in_the_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("toolkit.methods.pinas.COLLAPSED", 9.0)
    said: list[str] = []
    asked, run = prepare_run(recipe(), tmp_path / "run", resume=False)
    train(asked, run, note=said.append)
    assert any("z has collapsed: its spread is" in words for words in said)


def test_another_queue_is_refused(tmp_path: Path) -> None:
    asked = recipe()
    backend, data = open_backend(asked), open_data(asked)
    state = begin(asked, backend, open_space(asked, data), None)
    with pytest.raises(InputError, match=r"method\.queue"):
        state.method.load_state({"queue": np.zeros((3, 8), np.float32)})


def test_the_audit_sees_frozen_parameters() -> None:
    macro = {"space": {"name": "nasbench-macro"}}
    asked = tiny.recipe(method={"name": "bn-nas"}, data=DATA, training=TRAINING, **macro)
    backend, data = open_backend(asked), open_data(asked)
    state = begin(asked, backend, open_space(asked, data), None)
    report = audit_steps(backend, state, data, asked, steps=2)
    assert report.violations == ()
    assert "blocks.1.mb3_k3.expand.weight" in report.frozen
    assert "blocks.1.mb3_k3.bn3.weight" not in report.frozen
    assert f"none of its {len(report.frozen)} tensors changed" in "\n".join(report.facts())
