import os
from pathlib import Path

import pandas as pd
import pytest

from app.views import runs as run_views
from app.views import sweeps as views
from app.views.folder import scan
from tests.app import example_sweep
from toolkit.runs.folder import RunFolder
from toolkit.sweeps.report import REPORT

REPORTED = example_sweep.report()


def test_sweeps_are_named_by_their_path_newest_first(tmp_path: Path) -> None:
    for age, name in enumerate(("b", "deep/a")):
        example_sweep.write(tmp_path / name, REPORTED)
        os.utime(tmp_path / name / REPORT, (1000 - age, 1000 - age))
    assert list(views.named_sweeps(tmp_path)) == ["b", "deep/a"]
    assert list(views.named_sweeps(tmp_path / "b")) == ["b"]  # the folder is a sweep itself
    assert views.named_sweeps(tmp_path / "none") == {}


def test_taus_have_every_run_variant_and_prior() -> None:
    taus = views.taus(REPORTED)
    assert taus["kind"].value_counts().to_dict() == {"seed": 9, "mean": 3, "prior": 3}
    means = taus[taus["kind"] == "seed"].groupby("name")["value"].mean()
    for _, row in taus[taus["kind"] == "mean"].iterrows():
        assert row["value"] == pytest.approx(means[row["name"]])
        assert row["low"] < row["value"] < row["high"]


def test_differences_are_those_of_each_seed() -> None:
    taus, less = views.taus(REPORTED), views.differences(REPORTED)
    assert set(less["name"]) == {"sandwich", "sandwich-prior"}
    seeds = taus[taus["kind"] == "seed"].set_index(["name", "seed"])["value"]
    for _, row in less[less["kind"] == "seed"].iterrows():
        assert row["value"] == pytest.approx(seeds[row["name"], row["seed"]] - seeds["spos", row["seed"]])
    assert set(less.loc[less["kind"] == "mean", "verdict"]) <= {"better", "worse", "undecided"}
    assert views.differences(example_sweep.report(done=0)).empty


def test_orders() -> None:
    assert views.ordered(REPORTED, "As planned") == list(example_sweep.VARIANTS)
    best = views.ordered(REPORTED, "Best first")
    assert best[0] == REPORTED.leader
    assert best[-1] == "spos"
    assert views.ordered(example_sweep.report(done=0), "Best first") == list(example_sweep.VARIANTS)


def test_the_table_has_every_number() -> None:
    table = views.table(REPORTED)
    assert table["name"].tolist() == [*example_sweep.VARIANTS, "MACs", "parameters", "depth"]
    assert table.loc[0, ["kendall_seed0", "kendall_seed1", "kendall_seed2"]].mean() == pytest.approx(
        table.loc[0, "kendall"]
    )
    assert table.loc[1, "difference"] == pytest.approx(table.loc[1, "kendall"] - table.loc[0, "kendall"])
    assert views.printed(REPORTED, ["sandwich"]).iloc[0, 0] == "sandwich"
    assert isinstance(views.costs(REPORTED)["training"].dtype, type(pd.Series([0.0]).dtype))


def test_states_are_those_of_the_page_runs_unless_the_sweep_knows_more(tmp_path: Path) -> None:
    report = example_sweep.report(done=1)
    sweep = example_sweep.make(tmp_path / "sweep", report)
    known = scan(tmp_path).runs
    found = views.trials(report, sweep, known)
    assert [trial.name for trial in found[:3]] == ["sweep/spos/seed-0", "sweep/sandwich/seed-0", None]
    summaries = [run_views.summary(trial.folder) if trial.folder.exists() else None for trial in found]
    assert views.is_live(sweep, found)
    assert [
        views.state(trial, summary, live=True) for trial, summary in zip(found[:3], summaries[:3], strict=True)
    ] == ["finished", "training", "waiting"]
    assert not views.is_live(sweep, found, now=4e9)
    at = found[1].folder
    os.utime(at.metrics, (1.7e9, 1.7e9))
    assert views.state(found[1], summaries[1], live=False) == "stopped"
    example_sweep.example_run.train(at)
    assert views.state(found[1], run_views.summary(at), live=True) == "evaluating"
    assert views.state(found[1], run_views.summary(at), live=False) == "trained"


def test_progress_in_a_word() -> None:
    assert views.progress(REPORTED, live=False) == "finished"
    half = example_sweep.report(done=4)
    assert (views.progress(half, live=True), views.progress(half, live=False)) == ("going on", "stopped")
    assert views.progress(example_sweep.report(failed=("spos", 1)), live=False) == "1 failed"


def test_a_finished_sweep_is_not_live(tmp_path: Path) -> None:
    example_sweep.write(tmp_path, REPORTED)
    assert not views.is_live(tmp_path, views.trials(REPORTED, tmp_path, {}))


def test_a_run_named_by_the_sweep_but_deeper_than_the_dashboard_looks_has_no_link(tmp_path: Path) -> None:
    report = example_sweep.report(done=1)
    sweep = example_sweep.make(tmp_path / "a" / "b" / "c", report)
    assert views.trials(report, sweep, scan(tmp_path).runs)[0].name is None
    assert RunFolder(sweep / "spos" / "seed-0").exists()


@pytest.mark.parametrize(
    ("seconds", "said"), [(None, "—"), (1.25, "1.2 s"), (48, "48 s"), (1300, "22 min"), (9000, "2.5 h")]
)
def test_durations(seconds: float | None, said: str) -> None:
    assert views.duration(seconds) == said
