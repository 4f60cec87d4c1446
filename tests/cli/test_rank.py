import json
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner, Result

from toolkit.cli.rank import rank
from toolkit.errors import InputError
from toolkit.ranking.report import RankReport
from toolkit.spaces import get_space

app = typer.Typer()
app.command()(rank)


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """Arguments: a file of scores and one of truths about 30 networks of both sizes of the 2022 space."""
    space, rng = get_space("resnet48"), np.random.default_rng(0)
    codes = [space.format(space.sample(rng)) for _ in range(30)]
    for name, noise in (("scores", 0.4), ("truth", 0.0)):
        accs = np.linspace(0, 1, 30) + noise * rng.normal(size=30)
        entries = {
            f"arch{i}": {"acc": acc, "arch": code} for i, (acc, code) in enumerate(zip(accs, codes, strict=True))
        }
        (tmp_path / f"{name}.json").write_text(json.dumps(entries))
    return [str(tmp_path / "scores.json"), "--truth", str(tmp_path / "truth.json"), "--resamples", "100"]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments, env={"COLUMNS": "80"})


def test_the_screen(files: list[str]) -> None:
    result = run(*files)
    assert result.exit_code == 0
    summary, _, *table = result.stdout.splitlines()
    assert summary.startswith("Kendall tau 0.")
    assert "MACs alone" in summary
    assert "parameters alone" in summary
    for metric in ("Kendall tau", "Spearman", "Pearson"):
        of_metric = [line for line in table if line.startswith(metric)]
        assert [line.count("[") for line in of_metric] == [3, 2]  # score, MACs, parameters; then what it is ahead by
        assert max(map(len, of_metric)) <= 80
    assert "30 networks, 30 different truths; 95% intervals from 100 draws of networks" in table
    assert table[-1].startswith("! Costs are those of resnet48")


def test_json_is_one_object_and_nothing_else(files: list[str]) -> None:
    result = run(*files, "--json", "--space", "resnet48-mini", "--seed", "4")
    report = RankReport.model_validate_json(result.stdout)
    assert report.seed == 4
    assert report.resamples == 100
    assert report.notes == ()


def test_the_report_is_written(files: list[str], tmp_path: Path) -> None:
    result = run(*files, "--out", str(tmp_path / "run" / "rank.json"), "--json")
    assert json.loads((tmp_path / "run" / "rank.json").read_bytes()) == json.loads(result.stdout)


def test_problems_are_errors_of_the_input(files: list[str], tmp_path: Path) -> None:
    (tmp_path / "scores.json").write_text("{")
    result = run(*files, "--out", str(tmp_path / "rank.json"))
    assert isinstance(result.exception, InputError)
    assert result.stdout == ""
    assert not (tmp_path / "rank.json").exists()
    assert isinstance(run(*files, "--space", "resnet49").exception, InputError)


@pytest.mark.parametrize("wrong", [["--resamples", "10"], ["--seed", "-1"], ["--resamples", "many"]])
def test_wrong_usage(files: list[str], wrong: list[str]) -> None:
    assert run(*files, *wrong).exit_code == 2
