"""`supernet indicator`: a table, scores, and agreement with a truth after each checkpoint."""

import json
from pathlib import Path

import pytest

from tests import tiny
from tests.command import supernet
from toolkit.candidates import draw_candidates, read_table, write_entries
from toolkit.runs.folder import RunFolder
from toolkit.spaces import SPACES

TRUTH = draw_candidates(SPACES["nasbench-macro"], 12, 0)


@pytest.fixture(scope="module")
def macro(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    asked = tiny.recipe(
        space={"name": "nasbench-macro"},
        method={"name": "bn-nas"},
        data={"calibration": 1650, "validation": 20},
        training={"lr": 0.25},
    )
    return tiny.train_new(tmp_path_factory.mktemp("bn") / "run", asked)


def test_scores_of_all_and_agreement_by_checkpoint(macro: RunFolder, tmp_path: Path) -> None:
    truth, out = tmp_path / "truth.json", tmp_path / "scores.json"
    write_entries(truth, TRUTH, {name: 0.5 + place / 100 for place, name in enumerate(TRUTH)})
    told = supernet("indicator", macro.path, "--truth", truth, "--out", out)
    assert told.status == 0, told.err
    assert "block1" in told.out
    assert "mb6_k5: " in told.out
    steps = list(macro.checkpoints())
    assert [line.partition(":")[0] for line in told.out.splitlines() if line.startswith("step ")] == [
        f"step {step}" for step in steps
    ]
    assert "12 networks" in told.out
    again = json.loads(supernet("indicator", macro.path, "--truth", truth, "--json").out)
    space, table = SPACES["nasbench-macro"], list(again["table"].values())
    for name, code in TRUTH.items():
        score = sum(list(row.values())[answer] for row, answer in zip(table, space.parse(code), strict=True))
        assert again["scores"][name] == pytest.approx(score)
    assert read_table(out).codes == dict(TRUTH)


def test_a_space_without_an_indicator_is_refused(trained: RunFolder, tmp_path: Path) -> None:
    candidates = tmp_path / "candidates.json"
    write_entries(
        candidates, draw_candidates(SPACES["resnet48-mini"], 3, 0), dict.fromkeys(["arch1", "arch2", "arch3"], 0.0)
    )
    told = supernet("indicator", trained.path, "--candidates", candidates)
    assert told.status == 1
    assert "has no indicator" in told.err
