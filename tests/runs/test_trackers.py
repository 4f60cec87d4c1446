"""Weights & Biases and MLflow, by modules that stand in for them: nothing is sent."""

import json
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from tests import tiny
from toolkit.errors import InputError
from toolkit.runs.folder import RunFolder
from toolkit.runs.metrics import MetricLog, read_metrics

VALUES = {"loss": 2.5, "top1": float("nan")}


class Server:
    """What a client was told."""

    def __init__(self) -> None:
        self.begun: list[dict[str, Any]] = []
        self.told: list[tuple[int, dict[str, float]]] = []
        self.params: dict[str, Any] = {}
        self.ended = 0
        self.down = False

    def log(self, values: dict[str, float], step: int) -> None:
        if self.down:
            raise ConnectionError("no route to host")
        self.told.append((step, values))

    def end(self) -> None:
        self.ended += 1


def wandb(server: Server) -> ModuleType:
    module: Any = ModuleType("wandb")

    def init(**options: Any) -> SimpleNamespace:
        server.begun.append(options)
        server.params = options["config"]
        return SimpleNamespace(id=options["id"] or "abc", log=server.log, finish=server.end)

    module.init = init
    return module


def mlflow(server: Server) -> ModuleType:
    module: Any = ModuleType("mlflow")

    def start_run(**options: Any) -> SimpleNamespace:
        server.begun.append({"id": options["run_id"], "name": options["run_name"]})
        return SimpleNamespace(info=SimpleNamespace(run_id=options["run_id"] or "abc"))

    module.set_experiment = lambda name: None
    module.start_run, module.log_metrics, module.end_run = start_run, server.log, server.end
    module.log_params = server.params.update
    return module


CLIENTS = {"wandb": wandb, "mlflow": mlflow}


@pytest.fixture(params=CLIENTS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def server(name: str, monkeypatch: pytest.MonkeyPatch) -> Server:
    server = Server()
    monkeypatch.setitem(sys.modules, name, CLIENTS[name](server))
    return server


@pytest.fixture
def run(name: str, tmp_path: Path) -> RunFolder:
    run = RunFolder(tmp_path / "run")
    run.path.mkdir()
    run.recipe.write_text(tiny.recipe(track={name: "a project"}).to_toml())
    return run


def test_a_tracker_is_told_what_the_log_holds_and_goes_on_where_it_was(
    name: str, server: Server, run: RunFolder
) -> None:
    for step in (1, 2):
        log = MetricLog(run)
        log.write(step, step / 2, **VALUES)
        log.close()
    assert server.told == [(1, {"epoch": 0.5, "loss": 2.5}), (2, {"epoch": 1.0, "loss": 2.5})]
    assert server.ended == 2
    assert [begun["id"] for begun in server.begun] == [None, "abc"]
    assert server.begun[0]["name"] == "run"
    assert str(server.params["training.lr"]) == "0.1"
    assert json.loads((run.path / "trackers.json").read_text()) == {name: "abc"}


def test_a_server_that_is_down_ends_no_training(
    server: Server, run: RunFolder, caplog: pytest.LogCaptureFixture
) -> None:
    log = MetricLog(run)
    server.down = True
    for step in (1, 2):
        log.write(step, step / 2, **VALUES)
    log.close()
    (warning,) = caplog.records
    assert "no route to host" in warning.getMessage()
    assert [record["step"] for record in read_metrics(run)] == [1, 2]


def test_what_is_not_installed_is_named(name: str, run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, name, None)  # as if it were not there
    with pytest.raises(InputError, match=rf"track.{name}: {name} is not installed; pip install"):
        MetricLog(run)


def test_tracking_is_no_part_of_what_is_trained(name: str) -> None:
    plain = tiny.recipe()
    assert tiny.recipe(track={name: "a project"}).digest == plain.digest
    assert "track" not in plain.to_toml()
