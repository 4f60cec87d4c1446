import numpy as np
import pandas as pd
import pytest

from app.figures import training as figures
from app.views.training import curves
from toolkit.runs.folder import RunFolder


@pytest.fixture
def table(full_run: RunFolder) -> pd.DataFrame:
    return curves(full_run)


def test_one_panel_per_metric_and_one_line_per_run(table: pd.DataFrame) -> None:
    figure = figures.curves({"one": table, "two": table.drop(columns="lr")})
    panels = figures.shown({"one": table})
    assert [annotation.text for annotation in figure.layout.annotations] == [figures.quantity(p).title for p in panels]
    assert len(figure.data) == 2 * (len(panels) + 1) - 1  # both ends in one panel, no rate in the second
    assert {line.name for line in figure.data if line.showlegend} == {"one", "two"}


def test_raw_values_stay_behind_smoothed_ones(table: pd.DataFrame) -> None:
    figure = figures.curves({"one": table}, smoothing=0.9)
    smoothed = [metric for metric in figures.shown({"one": table}) if metric not in figures.EXACT]
    dense = sum(table[metric].notna().sum() > figures.FEW for metric in smoothed)
    assert len(figure.data) == len(figures.shown({"one": table})) + 1 + dense
    raw, smooth = figures.curves({"one": table}, smoothing=0.9, only=["loss"]).data
    assert np.abs(np.diff(smooth.y)).mean() < np.abs(np.diff(raw.y)).mean() / 3
    assert raw.line.color == smooth.line.color


def test_every_panel_has_axes_with_titles(table: pd.DataFrame) -> None:
    figure = figures.curves({"one": table}, "epoch")
    titles = {axis.title.text for axis in figure.select_xaxes()} - {None}
    assert titles == {"Epochs"}
    assert "nats" in {axis.title.text for axis in figure.select_yaxes()}


def test_only_losses_are_logarithmic(table: pd.DataFrame) -> None:
    figure = figures.curves({"one": table}, logarithmic=True)
    panels = figures.shown({"one": table})
    kinds = [axis.type for axis in figure.select_yaxes()][: len(panels)]
    assert [panel for panel, kind in zip(panels, kinds, strict=True) if kind == "log"] == ["loss"]


def test_a_metric_nobody_knows_is_called_by_its_name() -> None:
    table = pd.DataFrame({"step": [1], "epoch": [0.1], "my_own_metric": [3.0]})
    figure = figures.curves({"one": table})
    assert figure.layout.annotations[0].text == "My own metric"


def test_the_largest_and_the_smallest_network_stand_in_the_first_panel(table: pd.DataFrame) -> None:
    figure = figures.curves({"one": table}, only=[figures.LARGEST])
    largest, smallest = figure.data
    assert (largest.line.color, largest.line.dash) != (smallest.line.color, smallest.line.dash)
    assert figures.shown({"one": table})[0] == figures.LARGEST
    assert [each for each in figures.shown({"one": table}) if figures.is_main(each)] == [figures.LARGEST, "loss"]
    assert figures.shown({"one": table.drop(columns=figures.LARGEST)})[0] == figures.SMALLEST


def test_the_learning_rate_is_never_smoothed(table: pd.DataFrame) -> None:
    (line,) = figures.curves({"one": table}, smoothing=0.9, only=["lr"]).data
    assert list(line.y) == table["lr"].tolist()
