import json
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner, Result

from toolkit.cli.rank import budget, rank
from toolkit.errors import InputError
from toolkit.ranking.planning import Budget
from toolkit.ranking.report import RankReport
from toolkit.spaces import get_space

app = typer.Typer()
app.command()(rank)
app.command()(budget)


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


@pytest.fixture
def table(tmp_path: Path) -> str:
    rng = np.random.default_rng(0)
    truth = rng.normal(0.7, 0.05, size=40)
    rows = ["net,mine,theirs,seed0,seed1,size"]
    for number, acc in enumerate(truth):
        noise = 0.02 * rng.normal(size=4)
        rows.append(
            f"n{number},{-acc + noise[0]},{-acc + 5 * noise[1]},{acc},{acc + noise[2] / 9},{acc + 4 * noise[3]}"
        )
    (tmp_path / "table.csv").write_text("\n".join(rows))
    return str(tmp_path / "table.csv")


def run(*arguments: str, command: str = "rank") -> Result:
    return CliRunner().invoke(app, [command, *arguments], env={"COLUMNS": "80"})


def test_the_screen(files: list[str]) -> None:
    result = run(*files)
    assert result.exit_code == 0
    summary, note, *lines = result.stdout.splitlines()
    assert summary.startswith("Kendall tau 0.")
    assert "MACs alone" in summary
    assert "depth alone" in summary
    assert note.startswith("! Costs are those of resnet48")
    for title in ("Agreement with the truth", "How far the score is ahead", "Taking the first K"):
        assert title in lines
    for name in ("score", "MACs", "parameters", "depth"):
        line = next(line for line in lines if line.startswith(f"{name} "))
        assert line.count("[") == 1
    tables = [line for line in lines if not line.endswith(".")]
    assert max(map(len, tables)) <= 80
    assert any(line.startswith("30 networks, 30 different truths") for line in lines)


def test_json_is_one_object_and_nothing_else(files: list[str]) -> None:
    result = run(*files, "--json", "--space", "resnet48-mini", "--seed", "4", "--interval", "percentile")
    report = RankReport.model_validate_json(result.stdout)
    assert (report.seed, report.resamples, report.interval) == (4, 100, "percentile")
    assert report.notes == ()


def test_markdown_and_nothing_else(files: list[str]) -> None:
    result = run(*files, "--markdown")
    assert result.exit_code == 0
    assert result.stdout.startswith("**Kendall tau 0.")
    assert result.stdout.count("### ") == 5


def test_the_report_is_written(files: list[str], tmp_path: Path) -> None:
    out, page = tmp_path / "run" / "rank.json", tmp_path / "run" / "rank.html"
    result = run(*files, "--out", str(out), "--html", str(page), "--json")
    assert json.loads(out.read_bytes()) == json.loads(result.stdout)
    text = page.read_text()
    assert text.startswith("<!doctype html>")
    assert json.loads(result.stdout)["summary"] in text


def test_a_table_of_losses_with_seeds_priors_and_a_rival(table: str) -> None:
    result = run(
        table, "--code-column", "net", "--score-column", "mine", "--score-column", "theirs", "--truth-column", "seed0",
        "--truth-column", "seed1", "--prior-column", "size", "--loss", "--resamples", "100", "--json",
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    report = RankReport.model_validate_json(result.stdout)
    assert [prior.name for prior in report.priors] == ["size"]
    assert [(rival.name, rival.verdict) for rival in report.rivals] == [("theirs", "better")]
    assert report.given == "size"
    assert report.ceiling is not None
    assert report.score.metrics["kendall"].side == 1
    assert any("losses" in note for note in report.notes)
    assert any("No search space" in note for note in report.notes)


def test_other_files_and_images(files: list[str]) -> None:
    result = run(*files, "--against", files[2], "--images", "100", "--json")
    assert isinstance(result.exception, InputError)  # these scores go beyond 1, and below 0
    report = RankReport.model_validate_json(run(*files, "--against", files[2], "--json").stdout)
    assert [(rival.name, rival.verdict) for rival in report.rivals] == [(files[2], "worse")]


def test_problems_are_errors_of_the_input(files: list[str], tmp_path: Path) -> None:
    (tmp_path / "scores.json").write_text("{")
    result = run(*files, "--out", str(tmp_path / "rank.json"), "--html", str(tmp_path / "rank.html"))
    assert isinstance(result.exception, InputError)
    assert result.stdout == ""
    assert not (tmp_path / "rank.json").exists()
    assert not (tmp_path / "rank.html").exists()
    assert isinstance(run(*files, "--space", "resnet49").exception, InputError)


@pytest.mark.parametrize(
    "wrong",
    [
        ["--resamples", "10"],
        ["--seed", "-1"],
        ["--resamples", "many"],
        ["--interval", "normal"],
        ["--images", "0"],
        ["--image-correlation", "1"],
        ["--json", "--markdown"],
    ],
)
def test_wrong_usage(files: list[str], wrong: list[str]) -> None:
    assert run(*files, *wrong).exit_code == 2


def test_scores_are_not_compared_with_themselves_by_mistake(files: list[str]) -> None:
    result = run(files[0])
    assert result.exit_code == 2
    assert "--truth" in result.stderr


def test_a_budget() -> None:
    result = run("--networks", "50", command="budget")
    assert result.exit_code == 0
    assert "with 50 networks" in result.stdout
    assert "8,947" in result.stdout
    found = Budget.model_validate_json(run("--within", "0.05", "--json", command="budget").stdout)
    assert (found.within, found.needs[1].networks) == (0.05, 364)


@pytest.mark.parametrize("wrong", [["--networks", "2"], ["--within", "0"], ["--spread", "0"], ["--accuracy", "70"]])
def test_wrong_budgets(wrong: list[str]) -> None:
    assert run(*wrong, command="budget").exit_code == 2


@pytest.mark.parametrize("networks", [10, 11, 12, 13])
def test_a_few_networks_have_intervals_without_ends(tmp_path: Path, networks: int) -> None:
    """What is infinite is null in JSON, and is read back."""
    rng = np.random.default_rng(networks)
    lines = [f"n{i},{rng.normal()},{i}" for i in range(networks)]
    (tmp_path / "few.csv").write_text("\n".join(["net,mine,truth", *lines]))
    columns = ["--code-column", "net", "--score-column", "mine", "--truth-column", "truth"]
    out = tmp_path / "rank.json"
    printed = run(str(tmp_path / "few.csv"), *columns, "--resamples", "100", "--json", "--out", str(out))
    assert printed.exit_code == 0, printed.output
    assert json.loads(printed.stdout) == json.loads(out.read_text())
    assert "Infinity" not in out.read_text()
    RankReport.model_validate_json(out.read_text())
