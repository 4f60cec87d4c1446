"""`supernet plan`."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.command import supernet
from toolkit.candidates import draw_candidates, read_candidates, write_candidates
from toolkit.evaluation.evaluate import group_limit
from toolkit.evaluation.memory import memory_need
from toolkit.evaluation.prefixes import alone, by_block, by_convolution, prefix_tree
from toolkit.runs.folder import RunFolder
from toolkit.spaces import SPACES

MINI = SPACES["resnet48-mini"]


@pytest.fixture(scope="module")
def candidates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("plan") / "candidates.json"
    write_candidates(path, draw_candidates(MINI, 300, 0))
    return path


def planned(*arguments: object) -> dict[str, Any]:
    outcome = supernet("plan", *arguments, "--json")
    assert outcome.status == 0, outcome.err
    found = json.loads(outcome.out)
    assert isinstance(found, dict)
    return found


def test_work_is_exact(candidates: Path) -> None:
    found = planned("--space", "resnet48-mini", "--candidates", candidates, "--images", 400, "--seconds", 0)
    networks = [(code, MINI.plans(MINI.parse(code))) for code in read_candidates(candidates, MINI).values()]
    tree = prefix_tree(networks)
    for way, work in (
        ("alone", alone(networks)),
        ("by_block", by_block(tree)),
        ("by_convolution", by_convolution(tree)),
    ):
        assert found["work_per_image"][way] == {"blocks": work.blocks, "macs": work.macs}
    assert found["candidates"] == found["networks"] == 300
    assert found["groups"] >= 300 / group_limit(300, 1)
    assert found["macs"] == (400 + 128) * found["work_per_image"]["grouped"]["macs"]
    assert found["work_per_image"]["grouped"]["macs"] >= found["work_per_image"]["by_convolution"]["macs"]
    assert found["bytes_per_image"] <= memory_need(tree, MINI.channels, MINI.size).per_image
    assert found["images_at_a_time"] == 400 + 128, "of networks so small, all"
    assert found["speed"] is found["seconds"] is None


def test_time_is_estimated_from_a_trial(candidates: Path) -> None:
    arguments = ("--space", "resnet48-mini", "--candidates", candidates, "--images", 400, "--norm", "stored")
    found = planned(*arguments, "--seconds", 0.5)
    times = found["seconds"]
    assert 0 < times["fastest"] <= times["expected"] <= times["slowest"]
    assert found["speed"]["samples"] >= 3
    assert times["expected"] == pytest.approx(found["macs"] / found["speed"]["mean"])
    assert [row["seconds"] for row in found["budgets"]] == sorted(row["seconds"] for row in found["budgets"])


def test_two_processes_are_timed_together(candidates: Path) -> None:
    arguments = ("--space", "resnet48-mini", "--candidates", candidates, "--images", 100, "--workers", 2)
    found = planned(*arguments, "--seconds", 0.2, "--memory", "200MB")
    assert found["workers"] == 2
    assert found["speed"]["samples"] >= 6
    assert found["bytes"] <= 200e6


def test_what_images_are_worth(candidates: Path) -> None:
    """challenge-2022.md, section 3.3: accuracies spread by 1.2 points, every network on other images."""
    found = planned("--space", "resnet48-mini", "--candidates", candidates, "--images", 2112, "--seconds", 0)
    rows = {row["images"]: row for row in found["budgets"]}
    assert list(rows) == sorted(rows)
    assert 0.0098 < rows[2112]["error"] < 0.0101
    for images, kendall, pearson in (
        (2112, 0.57, 0.78),
        (5000, 0.69, 0.88),
        (10_000, 0.77, 0.94),
        (50_000, 0.89, 0.99),
    ):
        assert rows[images]["kendall"] == pytest.approx(kendall, abs=0.015)
        assert rows[images]["pearson"] == pytest.approx(pearson, abs=0.015)


def test_memory_decides_how_many_images_pass_together(candidates: Path) -> None:
    arguments = ("--space", "resnet48-mini", "--candidates", candidates, "--images", 1000, "--seconds", 0)
    free, bound = planned(*arguments), planned(*arguments, "--memory", "4MB")
    assert bound["bytes"] <= 4e6 < free["bytes"]
    assert 129 <= bound["images_at_a_time"] < free["images_at_a_time"] == 1000 + 128
    outcome = supernet("plan", *arguments, "--memory", "1MB")
    assert outcome.status == 1
    assert "memory of 976.6 KiB is too little" in outcome.err
    assert "calibrate:128 passes 128 and one to test together" in outcome.err
    outcome = supernet("plan", *arguments, "--memory", "lots")
    assert outcome.status == 1
    assert "size 'lots': write a number and a unit" in outcome.err


def test_a_plan_for_a_run(candidates: Path, run: RunFolder) -> None:
    found = planned("--run", run.path, "--candidates", candidates, "--norm", "calibrate:32", "--seconds", 0.2)
    assert (found["space"], found["images"], found["calibration_images"]) == ("resnet48-mini", 64, 32)
    assert found["seconds"]["expected"] > 0
    outcome = supernet("plan", "--run", run.path, "--candidates", candidates, "--images", 65)
    assert outcome.status == 1
    assert "65 images to test on: the validation split" in outcome.err


def test_the_screen(candidates: Path) -> None:
    outcome = supernet("plan", "--space", "resnet48-mini", "--candidates", candidates, "--seconds", 0.2)
    assert outcome.status == 0
    for text in (
        "300 candidates, 300 different networks",
        "each convolution once",
        "Memory: ",
        "Time: about",
        "50,000",
    ):
        assert text in outcome.out
    assert len(outcome.out.splitlines()) < 30, "one screen"


def test_wrong_usage(candidates: Path, run: RunFolder) -> None:
    assert supernet("plan", "--candidates", candidates).status == 2
    assert supernet("plan", "--candidates", candidates, "--space", "resnet48-mini", "--run", run.path).status == 2
    assert supernet("plan", "--space", "resnet48-mini").status == 2
    outcome = supernet("plan", "--candidates", candidates.with_name("absent.json"), "--space", "resnet48-mini")
    assert outcome.status == 1
    assert "absent.json: cannot be read" in outcome.err
