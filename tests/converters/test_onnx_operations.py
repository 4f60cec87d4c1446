"""Blocks by themselves in onnxruntime, and the command that measures them."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from converters.onnx import operations as measuring
from converters.onnx.latency import open_session
from tests.command import supernet
from tests.networks import FORMS, thin
from toolkit.latencies import operations, read_latencies, read_operations
from toolkit.latencies.operations import CALL
from toolkit.spaces import SPACES, get_space
from toolkit.spaces.wiring import graph

SPACE = get_space("nats-size")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "SECONDS", 0.0)


@pytest.mark.parametrize("name", FORMS)
def test_every_block_runs_by_itself(name: str) -> None:
    space = thin(SPACES[name])
    for plan in operations(space.plans(space.sample(np.random.default_rng(0)))):
        session = open_session(measuring.operation_model(plan).SerializeToString(), 1)
        (found,) = session.run(None, measuring._feed(session))
        drawn = graph(plan)
        assert found.shape[:2] == (1, drawn.map(drawn.output).channels)
        assert np.isfinite(found).all()


def test_measured_once_added_up_and_compared(tmp_path: Path) -> None:
    codes, table, out = ("8:16:8:64:8", "8:16:8:64:16", "64:8:8:8:8"), tmp_path / "operations.csv", tmp_path / "l.csv"
    common = ("--space", "nats-size", "--operations", table, "--device", "here", "--json")
    first = json.loads(supernet("latency", *codes[:1], *common).out)
    assert (first["known_before"], first["whole"], first["kendall_tau"]) == (0, [], None)
    second = json.loads(supernet("latency", *codes, *common, "--out", out, "--whole", 3).out)
    assert second["known_before"] == first["measured_now"]
    assert second["networks"][codes[0]] == pytest.approx(first["networks"][codes[0]], rel=1e-4)  # as they were kept
    assert {one["code"] for one in second["whole"]} == set(codes)
    assert all(0 < one["low"] <= one["ms"] <= one["high"] for one in second["whole"])
    assert -1 <= second["kendall_tau"]["tau"] <= 1
    assert second["measured_over_added"] > 0
    rows = read_operations(table, SPACE)["here"].rows
    assert (CALL, "") in rows
    latencies = read_latencies(out, SPACE)
    assert latencies.keys() == {"here", "here measured"}
    for code in codes:
        assert latencies["here"].get(SPACE.parse(code)) == pytest.approx(second["networks"][code], rel=1e-4)

    both = supernet("cost", *codes, "--space", "nats-size", "--latency", table)
    assert "ms, here" in both.out
    listed = json.loads(supernet("cost", *codes, "--space", "nats-size", "--latency", table, "--json").out)
    assert listed[0]["latency"] == {"here": pytest.approx(second["networks"][codes[0]], rel=1e-4)}


def test_costs_of_a_file_have_latencies_beside_them(tmp_path: Path) -> None:
    candidates, table, out = tmp_path / "c.json", tmp_path / "latency.csv", tmp_path / "costs.csv"
    assert supernet("candidates", "--space", "nats-size", "--count", 5, "--out", candidates).status == 0
    common = ("--space", "nats-size", "--candidates", candidates)
    assert supernet("latency", *common, "--operations", tmp_path / "o.csv", "--out", table).status == 0
    assert supernet("cost", *common, "--latency", table, "--out", out).status == 0
    rows = list(csv.DictReader(out.open()))
    assert list(rows[0]) == ["id", "code", "macs", "params", "ms, onnxruntime-cpu"]
    assert all(float(row["ms, onnxruntime-cpu"]) > 0 for row in rows)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ((), "give codes, --candidates FILE or --draw N"),
        (("9:8:8:8:8",), "not in space nats-size"),
        (("8:8:8:8:8", "--draw", "3"), "give codes, --candidates FILE or --draw N"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_measured(given: tuple[str, ...], said: str, tmp_path: Path) -> None:
    table = tmp_path / "operations.csv"
    found = supernet("latency", *given, "--space", "nats-size", "--operations", table)
    assert found.status in (1, 2)
    assert said in " ".join((found.out + found.err).split())
    assert not table.exists()
