import numpy as np
import pytest

from app import theme
from app.figures import ranking as figures
from app.views import ranking as views
from toolkit.training.run import RunFolder


def test_forest_has_a_panel_per_metric_and_marks_the_score(full_run: RunFolder) -> None:
    report = views.read_report(full_run)
    assert report is not None
    figure = figures.forest(views.estimates(report), "correlation")
    assert len(figure.data) == 3 * (1 + len(report.priors))
    assert [point.marker.color for point in figure.data[:3]] == [theme.BLUE, theme.NEUTRAL, theme.NEUTRAL]
    point = figure.data[0]
    assert point.x[0] - point.error_x.arrayminus[0] == pytest.approx(report.score.metrics["kendall"].low)
    assert {axis.title.text for axis in figure.select_xaxes()} == {"correlation"}


def test_undefined_estimates_do_not_break_the_axes(full_run: RunFolder) -> None:
    report = views.read_report(full_run)
    assert report is not None
    table = views.estimates(report)
    table.loc[:, ["value", "low", "high"]] = np.nan
    figure = figures.forest(table, "correlation")
    assert all(np.isfinite(edge) for axis in figure.select_xaxes() for edge in axis.range)


def test_ranks_begin_at_the_best(full_run: RunFolder) -> None:
    table = views.predictions(full_run)
    diagonal, points = figures.scatter(table, ranks=True).data
    best = int(np.argmin(points.x))
    assert table["predicted"].iloc[best] == table["predicted"].max()
    assert list(diagonal.x) == list(diagonal.y)


def test_values_are_shown_as_they_are(full_run: RunFolder) -> None:
    table = views.predictions(full_run)
    (points,) = figures.scatter(table, ranks=False).data
    assert np.array_equal(points.x, table["predicted"])
    assert np.array_equal(points.y, table["true"])
