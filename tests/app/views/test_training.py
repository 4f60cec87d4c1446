from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from app.views import training
from tests.app import example_run
from toolkit.runs.folder import RunFolder


def write(path: Path, text: str) -> RunFolder:
    run = RunFolder(path)
    run.metrics.write_text(text)
    return run


def test_curves_of_a_run(full_run: RunFolder) -> None:
    frame = training.curves(full_run)
    assert frame["step"].is_monotonic_increasing
    assert training.metrics(frame)[:4] == ["loss", "lr", "grad_norm", "images_per_second"]
    assert frame["largest_top1"].notna().sum() == 30  # only after epochs


def test_damaged_lines_cost_only_themselves(tmp_path: Path) -> None:
    run = write(
        tmp_path,
        'garbage\n[]\n{"step": "1"}\n{"step": 1, "epoch": 0.5, "loss": "x", "lr": [1], "note": true}\n'
        '{"step": 2, "epoch": 1, "loss": 1.5, "lr": 1e999}\n{"step": 3, "loss": ' + "9" * 400 + '}\n{"step": 4, "lo',
    )
    frame = training.curves(run)
    assert frame["step"].tolist() == [1, 2, 3]
    assert frame["loss"].tolist() == pytest.approx([np.nan, 1.5, np.nan], nan_ok=True)
    assert "lr" not in frame  # no finite number at all
    assert training.progress(frame, None).step == 3


def test_no_metrics_no_curves(tmp_path: Path) -> None:
    frame = training.curves(RunFolder(tmp_path))
    assert frame.empty
    assert training.metrics(frame) == []
    assert training.progress(frame, None) == training.Progress(0, 0.0, None)
    assert training.latest(frame, "loss", ".2f") is None


def test_smoothing_keeps_gaps_and_constants() -> None:
    values = pd.Series([1.0, np.nan, 1.0, 1.0])
    assert training.smoothed(values, 0.0) is values
    assert training.smoothed(values, 0.9).tolist() == pytest.approx([1.0, np.nan, 1.0, 1.0], nan_ok=True)
    step = training.smoothed(pd.Series([0.0, 1.0, 1.0]), 0.5)
    assert step.tolist() == pytest.approx([0, 2 / 3, 6 / 7])  # unbiased weights 1, 1/2, 1/4


@pytest.mark.parametrize("length", [0, 1, 10, 11, 29, 1000])
def test_thinning_keeps_the_ends(length: int) -> None:
    frame = pd.DataFrame({"step": range(length)})
    thin = training.thinned(frame, 10)
    assert len(thin) <= 11
    if length:
        assert thin["step"].iloc[[0, -1]].tolist() == [0, length - 1]


def test_somebody_trains_while_metrics_are_fresh(full_run: RunFolder, tmp_path: Path) -> None:
    run = write(tmp_path, '{"step": 1, "epoch": 0.5}\n')
    written = run.metrics.stat().st_mtime
    half, done = training.Progress(1, 0.5, 1), training.Progress(2, 1.0, 1)
    assert training.is_live(run, half, now=written + 5)
    assert not training.is_live(run, half, now=written + training.FRESH + 1)
    assert not training.is_live(run, done, now=written + 5)
    assert not training.is_live(RunFolder(tmp_path / "none"), half)


def test_checkpoints_newest_first(full_run: RunFolder, tmp_path: Path) -> None:
    assert training.checkpoints(full_run)["step"].tolist() == [300]
    assert training.checkpoints(RunFolder(tmp_path)).empty


def test_only_what_differs_between_recipes_is_shown(tmp_path: Path) -> None:
    runs = {"one": example_run.begin(tmp_path / "one"), "two": example_run.begin(tmp_path / "two", seed=3)}
    table = training.differing({name: training.recipe(run) for name, run in runs.items()})
    assert table.to_numpy().tolist() == [["seed", "0", "3"]]
    other = example_run.begin(tmp_path / "three", "sandwich")
    table = training.differing({"one": training.recipe(runs["one"]), "three": training.recipe(other)}).set_index("key")
    assert table.loc["method.name"].tolist() == ["spos", "sandwich"]
    assert table.loc["method.divergence", "one"] == "—"
    assert "space" not in table.index


def test_the_gap_between_both_ends_of_the_space(full_run: RunFolder) -> None:
    frame = training.curves(full_run)
    last = frame.dropna(subset="largest_top1").iloc[-1]
    assert training.gap(frame) == pytest.approx(100 * (last["largest_top1"] - last["smallest_top1"]))
    assert training.gap(training.NO_CURVES) is None
    assert training.gap(frame.drop(columns="smallest_top1")) is None
