import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from typer.testing import CliRunner, Result

from toolkit.backends.base import Counts
from toolkit.cli.rank import budget, rank
from toolkit.errors import InputError
from toolkit.evaluation.ledger import Ledger, Row, Setting
from toolkit.ranking.planning import Budget
from toolkit.ranking.report import RankReport
from toolkit.runs.folder import RunFolder
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


def test_a_run_is_not_judged_on_what_it_was_trained_with(files: list[str], tmp_path: Path) -> None:
    """The landmarks of its recipe."""
    truth, learned = tmp_path / "truth.json", tmp_path / "learned.json"
    learned.write_text(json.dumps(dict(list(json.loads(truth.read_text()).items())[:12])))
    recipe = f'space = "resnet48"\n[method]\nname = "landmark"\ntruth = "{learned}"\n'
    (tmp_path / "recipe.toml").write_text(recipe)

    def notes() -> list[str]:
        report: list[str] = json.loads(run(*files, "--json").stdout)["notes"]
        return report

    warning = f"12 of these 30 networks stand in {learned}, with whose truths {tmp_path} was trained: rank on others."
    assert warning in notes()
    learned.unlink()
    assert any("now gone" in note for note in notes())
    (tmp_path / "recipe.toml").write_text('space = "resnet48"\n[method]\nname = "spos"\n')
    assert not any("trained" in note for note in notes())


@pytest.fixture
def evaluated(files: list[str], tmp_path: Path) -> tuple[Path, str]:
    """A run folder whose losses are in the order of the truth and whose top-1 counts are all but noise; the truth."""
    truth = tmp_path / "truth.json"
    folder = RunFolder(tmp_path / "run")
    folder.path.mkdir()
    folder.recipe.write_text('space = "resnet48"\n[method]\nname = "spos"\n')
    rng = np.random.default_rng(0)
    rows = [
        Row(entry["arch"], Counts(int(rng.integers(40, 60)), 80, 100, 100 * (2 - entry["acc"])), 1.0)
        for entry in json.loads(truth.read_text()).values()
    ]
    rows[0] = replace(rows[0], counts=Counts(50, 80, 100, float("nan")))
    with Ledger.write(folder.ledger) as ledger:
        ledger.record(Setting("resnet48", "c" * 64, "d" * 64, 100, "stored"), rows)
    return folder.path, str(truth)


def test_a_run_is_ranked_by_what_it_was_evaluated_for(evaluated: tuple[Path, str]) -> None:
    folder, truth = evaluated

    def report(*score: str) -> dict[str, Any]:
        result = run(str(folder), "--truth", truth, "--resamples", "100", "--json", *score)
        assert result.exit_code == 0, result.output
        found: dict[str, Any] = json.loads(result.stdout)
        return found

    by_loss, by_top1 = report("--score", "loss"), report()
    assert by_loss["score"]["metrics"]["kendall"]["value"] == pytest.approx(1.0)
    assert abs(by_top1["score"]["metrics"]["kendall"]["value"]) < 0.5
    assert by_top1["networks"] == by_loss["networks"] + 1
    (note,) = (note for note in by_loss["notes"] if note.startswith("Scores are"))
    assert "minus the mean cross-entropy" in note
    assert "1 broken networks have none" in note


@pytest.mark.parametrize(
    "wrong", [["--loss", "--truth", "TRUTH"], ["--score-column", "acc", "--truth", "TRUTH"], ["--score", "loss"]]
)
def test_a_run_ranked_wrongly(evaluated: tuple[Path, str], wrong: list[str]) -> None:
    folder, truth = evaluated
    assert run(str(folder), *(truth if each == "TRUTH" else each for each in wrong)).exit_code == 2
    assert run(truth, "--truth", truth, "--score", "loss").exit_code == 2
