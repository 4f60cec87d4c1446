import json
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tomli_w
from scipy.stats import kendalltau

from converters.submission.runs import run_results
from tests import tiny
from tests.command import supernet
from toolkit.candidates import Candidates, draw_candidates, read_candidates, write_candidates
from toolkit.errors import InputError, Stopped
from toolkit.ranking.layout import Section
from toolkit.ranking.report import RankReport
from toolkit.runs.folder import RunFolder
from toolkit.spaces import get_space
from toolkit.sweeps import words
from toolkit.sweeps.config import read_sweep
from toolkit.sweeps.report import PLAN, REPORT, Finished, SweepReport, compare, read_report, sections
from toolkit.sweeps.sweep import run_sweep

SPACE = get_space("resnet48-mini")
DRAWN = draw_candidates(SPACE, 12, 0)


@pytest.fixture
def sweep(tmp_path: Path) -> dict[str, Any]:
    """A sweep of two variants and two seeds that takes seconds."""
    candidates, recipe = tmp_path / "candidates.json", tmp_path / "recipe.toml"
    accuracies = {name: SPACE.cost(SPACE.parse(code)).macs / 1e7 for name, code in DRAWN.items()}
    write_candidates(candidates, Candidates(DRAWN.codes, accuracies))
    recipe.write_text(tiny.recipe().to_toml())
    return {
        "recipe": str(recipe),
        "seeds": [0, 1],
        "candidates": str(candidates),
        "evaluation": {"images": 32, "norm": "batch:32"},
        "common": {"training": {"epochs": 1, "warmup_epochs": 0.5}},
        "variants": {"plain": {}, "sandwich": {"method": {"name": "sandwich", "paths": 3}}},
    }


def write(folder: Path, sweep: Mapping[str, Any]) -> Path:
    path = folder / "sweep.toml"
    path.write_text(tomli_w.dumps(sweep))
    return path


def problems(folder: Path, sweep: Mapping[str, Any]) -> str:
    with pytest.raises(InputError) as caught:
        read_sweep(write(folder, sweep))
    return "\n".join(caught.value.problems)


def test_variants_change_the_recipe(tmp_path: Path, sweep: dict[str, Any]) -> None:
    sweep["variants"]["long"] = {"training": {"epochs": 3}}
    config, trials = read_sweep(write(tmp_path, sweep))
    assert config.reference == "plain"
    assert [(trial.variant, trial.seed) for trial in trials] == [
        (variant, seed) for seed in (0, 1) for variant in ("plain", "sandwich", "long")
    ]
    recipes = {trial.variant: trial.recipe for trial in trials}
    assert {trial.recipe.seed for trial in trials} == {0, 1}
    assert recipes["plain"].method.name == "spos"
    assert recipes["sandwich"].method.model_dump()["paths"] == 3
    assert [recipes[name].training.epochs for name in ("plain", "sandwich", "long")] == [1, 1, 3]
    assert recipes["long"].training.warmup_epochs == 0.5, "tables are merged, not replaced"


def test_every_problem_at_once(tmp_path: Path, sweep: dict[str, Any]) -> None:
    sweep |= {"seeds": [1, 1], "baseline": "plane", "evaluation": {"norm": "none"}}
    sweep["common"]["seed"] = 3
    sweep["variants"] |= {"../up": {}, "other": {"method": {"name": "sposs"}}}
    found = problems(tmp_path, sweep)
    for expected in (
        "seeds: the same",
        "did you mean 'plain'",
        "evaluation.norm",
        "list all seeds",
        "'../up'",
        "'spos'",
    ):
        assert expected in found


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"seed": [1]}, "unknown key; did you mean 'seeds'"),
        ({"seeds": []}, "seeds"),
        ({"variants": {}}, "variants"),
        ({"evaluation": {"image": 3}}, "evaluation.image: unknown key; did you mean 'images'"),
        ({"recipe": "no-such"}, "no such recipe"),
    ],
)
def test_wrong_keys_and_values(tmp_path: Path, sweep: dict[str, Any], change: dict[str, Any], expected: str) -> None:
    assert expected in problems(tmp_path, sweep | change)


def test_other_runs_in_the_folder_are_refused_before_anything_is_written(tmp_path: Path, sweep: dict[str, Any]) -> None:
    """All that differ are named, and those that the sweep would have made are not begun."""
    out = tmp_path / "out"
    for seed in (0, 1):
        run = out / f"plain/seed-{seed}"
        run.mkdir(parents=True)
        (run / "recipe.toml").write_text(tiny.recipe(training={"lr": 0.7}).model_copy(update={"seed": seed}).to_toml())
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    with pytest.raises(InputError) as caught:
        run_sweep(*read_sweep(write(tmp_path, sweep)), out, plan="seeds = [0, 1]")
    for seed in (0, 1):
        (found,) = [
            problem for problem in caught.value.problems if f"seed-{seed}: was begun with training.lr" in problem
        ]
        assert "0.7" in found
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before


def test_judged_by_the_loss(tmp_path: Path, sweep: dict[str, Any]) -> None:
    sweep |= {"seeds": [0], "variants": {"plain": {}}}
    sweep["evaluation"]["score"] = "loss"
    report = run_sweep(*read_sweep(write(tmp_path, sweep)), tmp_path / "out")
    run = RunFolder(tmp_path / "out" / "plain" / "seed-0")
    _, counts = run_results(run.path)
    macs = [SPACE.cost(SPACE.parse(code)).macs for code in counts]
    tau = kendalltau([one.loss for one in counts.values()], macs).statistic
    assert report.variants[0].tau.value == pytest.approx(-tau)
    assert "Networks are ranked by minus the loss." in words.notes(report)


def test_truth_that_knows_nobody(tmp_path: Path, sweep: dict[str, Any]) -> None:
    truth = tmp_path / "truth.json"
    write_candidates(truth, draw_candidates(SPACE, 5, 1))
    config, trials = read_sweep(write(tmp_path, sweep | {"truth": str(truth)}))
    with pytest.raises(InputError, match=r"truth.json: gives true accuracies of 0 of the candidates"):
        run_sweep(config, trials, tmp_path / "out")


def test_a_sweep_end_to_end_and_again(tmp_path: Path, sweep: dict[str, Any]) -> None:
    path, out = write(tmp_path, sweep), tmp_path / "out"
    first = supernet("sweep", path, "--out", out, "--json")
    assert first.status == 0, first.err
    report = json.loads(first.out)
    assert json.loads((out / "sweep.json").read_text()) == report
    assert [variant["name"] for variant in report["variants"]] == ["plain", "sandwich"]
    assert [len(variant["by_seed"]) for variant in report["variants"]] == [2, 2]
    assert report["variants"][0]["difference"] is None
    assert report["variants"][1]["difference"] is not None
    assert report["priors"][0]["metrics"]["kendall"]["value"] == pytest.approx(1), "the truth is the MACs"
    written = {file: file.stat().st_mtime_ns for file in out.rglob("*.safetensors")}
    assert len(written) == 4
    again = supernet("sweep", path, "--out", out, "--markdown")
    assert {file: file.stat().st_mtime_ns for file in out.rglob("*.safetensors")} == written
    assert "| sandwich |" in again.out
    assert json.loads((out / "sweep.json").read_text()) == report


def test_processes_find_the_same(tmp_path: Path, sweep: dict[str, Any]) -> None:
    sweep["seeds"] = [0]
    config, trials = read_sweep(write(tmp_path, sweep))
    one = run_sweep(config, trials, tmp_path / "one")
    two = run_sweep(config, trials, tmp_path / "two", workers=2)
    assert [v.metrics for v in one.variants] == [v.metrics for v in two.variants]


def test_problems_come_from_processes_whole(tmp_path: Path, sweep: dict[str, Any]) -> None:
    sweep["common"]["data"] = {"source": f"imagefolder:{tmp_path / 'absent'}"}
    config, trials = read_sweep(write(tmp_path, sweep))
    with pytest.raises(InputError, match="absent") as caught:
        run_sweep(config, trials, tmp_path / "out", workers=2)
    assert len(caught.value.problems) == 1, "the same problem of all runs is told once"


def test_a_run_that_fails_takes_no_other_with_it(tmp_path: Path, sweep: dict[str, Any]) -> None:
    sweep["seeds"], out = [0], tmp_path / "out"
    sweep["variants"] = {"lost": {"initial": {"weights": "nowhere.safetensors"}}, **sweep["variants"]}
    done = supernet("sweep", write(tmp_path, sweep), "--out", out, "--markdown")
    assert done.status == 1
    assert "nowhere.safetensors" in done.err
    assert "| sandwich |" in done.out
    report = read_report(out / REPORT)
    assert [run.state for run in report.runs] == ["failed", "finished", "finished"]
    assert report.variants[0].difference is None, "the baseline has no run"
    assert "Failed: lost/seed-0." in list(words.notes(report))
    del sweep["variants"]["lost"]
    config, trials = read_sweep(write(tmp_path, sweep))
    assert not run_sweep(config, trials, out).problems()


def test_images_are_the_same_for_all(tmp_path: Path, sweep: dict[str, Any]) -> None:
    sweep["variants"]["easy"] = {"data": {"validation": 20, "calibration": 30}}
    found = problems(tmp_path, sweep)
    assert "variants.easy: data.validation is another than that of plain" in found
    assert "calibration" not in found


def test_ctrl_c_keeps_what_is_done(tmp_path: Path, sweep: dict[str, Any]) -> None:
    config, trials = read_sweep(write(tmp_path, sweep))
    out, seen = tmp_path / "out", []

    def press(what: str, done: int, total: int) -> None:
        if what == "training sandwich 0" and done == 2:
            seen.append(read_report(out / REPORT))
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(Stopped, match="step 2 of"):
        run_sweep(config, trials, out, progress=press)
    (report,) = seen
    assert [run.state for run in report.runs] == ["finished", "to do", "to do", "to do"]
    assert [each.name for each in report.variants] == ["plain"]
    assert run_sweep(config, trials, out).seeds == (0, 1)


def test_a_killed_sweep_goes_on(tmp_path: Path, sweep: dict[str, Any]) -> None:
    sweep["seeds"] = [0]
    path, out = write(tmp_path, sweep), tmp_path / "out"
    command = [sys.executable, "-m", "toolkit", "sweep", str(path), "--out", str(out)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while not (out / REPORT).exists() or not read_report(out / REPORT).finished():
            assert process.poll() is None
            time.sleep(0.05)
        process.kill()
    before = {run.folder for run in read_report(out / REPORT).finished()}
    written = {folder: weights(out / folder) for folder in before}
    config, trials = read_sweep(path)
    report = run_sweep(config, trials, out)
    assert {run.state for run in report.runs} == {"finished"}
    assert {folder: weights(out / folder) for folder in before} == written, "nothing is trained twice"


def test_a_longer_sweep_keeps_what_the_shorter_one_said(tmp_path: Path, sweep: dict[str, Any]) -> None:
    out, seeds, seen = tmp_path / "out", sweep["seeds"], []
    config, trials = read_sweep(write(tmp_path, sweep | {"seeds": seeds[:1]}))
    first = run_sweep(config, trials, out)

    def follow(what: str, done: int, total: int) -> None:
        seen.append(read_report(out / REPORT))

    config, trials = read_sweep(write(tmp_path, sweep))
    run_sweep(config, trials, out, progress=follow)
    assert all(report.variants == first.variants for report in seen[:-1])
    assert len(seen[-1].finished()) == 4


def test_a_report_is_not_lost_to_folders_that_changed(tmp_path: Path, sweep: dict[str, Any]) -> None:
    out = tmp_path / "out"
    sweep["seeds"] = [0]
    config, trials = read_sweep(write(tmp_path, sweep))
    first = run_sweep(config, trials, out)
    sweep["variants"]["sandwich"]["training"] = {"epochs": 2}
    config, trials = read_sweep(write(tmp_path, sweep))
    with pytest.raises(InputError, match=r"training\.epochs"):
        run_sweep(config, trials, out)
    assert read_report(out / REPORT) == first


def test_every_run_says_of_itself_what_the_sweep_says(tmp_path: Path, sweep: dict[str, Any]) -> None:
    sweep["seeds"], out = [0], tmp_path / "out"
    config, trials = read_sweep(write(tmp_path, sweep))
    report = run_sweep(config, trials, out, plan="# mine")
    assert (out / PLAN).read_text() == "# mine"
    for run, ranked in zip(report.runs, report.variants, strict=True):
        folder = RunFolder(out / run.folder)
        assert dict(read_candidates(folder.candidates, SPACE)) == dict(DRAWN)
        own = RankReport.model_validate_json(folder.rank.read_bytes())
        assert own.score.metrics["kendall"].value == pytest.approx(run.tau)
        assert run.tau == pytest.approx(ranked.by_seed[0])


def weights(folder: Path) -> int:
    return RunFolder(folder).latest_checkpoint().stat().st_mtime_ns


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "Invalid JSON"),
        (b"[]", "sweep.json: file"),
        (b'{"format": 1}', "format"),
        (b"\xff\x00", "sweep.json"),
    ],
)
def test_a_damaged_report_is_named_with_its_remedy(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / REPORT
    path.write_bytes(content)
    with pytest.raises(InputError, match="supernet sweep") as caught:
        read_report(path)
    assert said in str(caught.value)


RNG = np.random.default_rng(0)
TRUTH = RNG.normal(size=60)
GOOD, BAD = ([TRUTH + RNG.normal(scale=scale, size=60) for _ in range(3)] for scale in (0.3, 3.0))


def judged(scores: Mapping[str, Sequence[Any]], *, seeds: int = 3, networks: int = 60, **options: Any) -> SweepReport:
    """The report on runs that scored so; a variant with fewer scores than seeds has not finished the others."""
    found = {
        (variant, seed): Finished(column[:networks], 1.0 + seed, 2.0)
        for variant, columns in scores.items()
        for seed, column in enumerate(columns)
    }
    planned = [(variant, seed) for seed in range(seeds) for variant in scores]
    priors = {"MACs": TRUTH[:networks]}
    options = {"space": "resnet20", "baseline": next(iter(scores)), "resamples": 200} | options
    return compare(planned, found, priors, TRUTH[:networks], **options)


def test_comparison_is_paired_and_averages_seeds() -> None:
    report = judged({"bad": BAD, "good": GOOD})
    by_name = {each.name: each for each in (*report.variants, *report.priors)}
    assert by_name["good"].metrics["kendall"].value == pytest.approx(np.mean(by_name["good"].by_seed))
    assert by_name["good"].verdict == "better"
    difference = by_name["good"].difference
    assert difference is not None
    assert difference.value == pytest.approx(np.mean(by_name["good"].by_seed) - np.mean(by_name["bad"].by_seed))
    assert by_name["good"].spread == pytest.approx(np.std(by_name["good"].by_seed, ddof=1))
    assert (by_name["good"].training, by_name["good"].evaluation) == (2.0, 2.0)
    assert report.leader == "good"
    assert by_name["bad"].behind == difference
    (table,) = sections(report)
    assert isinstance(table, Section)
    assert {len(row) for row in table.rows} == {len(table.heading)}
    assert SweepReport.model_validate_json(report.model_dump_json()) == report


def test_only_seeds_that_all_have_finished_are_compared() -> None:
    report = judged({"bad": BAD, "good": GOOD[:2], "later": []})
    assert report.seeds == (0, 1)
    assert [each.name for each in report.variants] == ["bad", "good"]
    assert [run.state for run in report.runs].count("finished") == 5
    assert any("Compared on seeds 0 and 1" in note for note in words.notes(report))


def test_nothing_to_compare_yet() -> None:
    report = judged({"bad": [], "good": []})
    assert (report.leader, report.variants) == (None, ())
    assert words.answer(report) == "Nothing can be compared yet: 0 of 6 runs are finished."
    assert report.priors[0].tau.value == pytest.approx(1)


def test_scores_that_are_all_equal_are_undefined_and_never_ahead() -> None:
    flat = [np.zeros(60)] * 3
    report = judged({"flat": flat, "bad": BAD})
    assert report.leader == "bad"
    assert report.variants[0].by_seed == (None, None, None)
    assert report.variants[1].verdict == "undecided"
    assert SweepReport.model_validate_json(report.model_dump_json()) == report
    assert "undefined" in words.answer(judged({"flat": flat}))


def test_the_answer_in_words() -> None:
    beaten = judged({"bad": BAD, "good": GOOD, "worse": [-each for each in BAD]})
    priors, first, others = words.lines(beaten)
    assert priors == "For nothing: MACs 1.00. Better than good: MACs."
    assert first.startswith("good is highest, but does not lead: Kendall tau 0.")
    assert first.endswith("on 60 networks, the mean of 3 seeds.")
    assert others.startswith("Better than bad by 0.")
    assert others.endswith("with each of 3 seeds. Better than worse too.")
    alone = beaten.model_copy(update={"priors": ()})
    assert words.lines(alone)[0].startswith("good leads with Kendall tau 0.")
    close = words.answer(judged({"one": GOOD, "other": [each + 1e-3 * TRUTH[::-1] for each in GOOD]}))
    assert "Ahead of" in close
    assert "does not lead" in close
    assert "undecided, as far as 60 networks can tell" in close
    assert "undecided" in words.answer(judged({"bad": BAD, "good": GOOD}, networks=9)), "too few for a verdict"
    assert "good has Kendall tau" in words.answer(judged({"good": GOOD[:1]}, seeds=1))
