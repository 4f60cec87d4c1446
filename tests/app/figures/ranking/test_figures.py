import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from app import theme
from app.chart import to_html
from app.figures.ranking import colors, cuts, groups, history, matrix, neighbours, noise, picks, plain, points
from app.figures.ranking.forest import forest
from app.views.ranking.cuts import Cut
from app.views.ranking.estimates import table
from app.views.ranking.picks import BLIND
from app.views.ranking.subject import SCORE
from toolkit.ranking.report import Estimate

KNOWN = Estimate(value=0.5, low=0.4, high=0.6)
UNDEFINED = Estimate(value=None, low=None, high=None)


def cloud(networks: int) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    true, predicted = rng.normal(size=(2, networks))
    frame = pd.DataFrame({"id": [f"arch{i}" for i in range(networks)], "predicted": predicted, "true": true})
    frame["code"] = frame["id"]
    frame["predicted_rank"], frame["true_rank"] = (frame[side].rank(ascending=False) for side in ("predicted", "true"))
    return frame.assign(
        shift=(frame["predicted_rank"] - frame["true_rank"]) / networks, MACs=rng.random(networks) * 1e9
    )


AXES = points.Axes(ranks=True, color=points.SHIFT, predicted="submission", true="alone")
VALUES = points.Axes(ranks=False, color="MACs", predicted="submission", true="alone")


def networks(figure: go.Figure) -> pd.DataFrame:
    """Every point by its row: where it lies, its colour, and whether it is marked."""
    parts = []
    for trace in figure.select_traces({"type": "scattergl"}):
        part = pd.DataFrame({"x": trace.x, "y": trace.y, "color": trace.marker.color})
        part["row"] = [np.ravel(each)[0] for each in trace.customdata]
        parts.append(part.assign(marked=np.isin(np.arange(len(part)), trace.selectedpoints)))
    return pd.concat(parts).astype({"row": int}).set_index("row").sort_index()


def test_ranks_lie_around_the_diagonal_and_begin_at_the_best() -> None:
    frame = cloud(50)
    figure = points.scatter(frame, AXES)
    diagonal = figure.data[0]
    assert list(diagonal.x) == list(diagonal.y)
    assert list(networks(figure)["x"]) == list(frame["predicted_rank"])
    assert list(networks(figure)["y"]) == list(frame["true_rank"])
    assert figure.layout.xaxis.range[0] > figure.layout.xaxis.range[1]


def test_values_have_the_density_of_both_sides() -> None:
    figure = points.scatter(cloud(500), VALUES)
    *_, above, beside = figure.data
    assert np.allclose(networks(figure)["x"], cloud(500)["predicted"])
    assert above.yaxis == "y2"
    assert beside.xaxis == "x2"
    assert np.sum(above.y) == pytest.approx(500, rel=0.05)


def test_fifty_thousand_points_are_drawn_by_webgl_and_stay_small() -> None:
    figure = points.scatter(cloud(50_000), AXES)
    assert len(networks(figure)) == 50_000
    assert len(figure.to_json()) < 2e6


@pytest.mark.parametrize("count", [50, points.MANY + 1])
def test_a_chosen_point_is_marked(count: int) -> None:
    found = networks(points.scatter(cloud(count), AXES, chosen=7))
    assert list(found.index[found["marked"]]) == [7]


def test_the_shade_of_a_point_follows_its_value() -> None:
    frame = cloud(500)
    figure = points.scatter(frame, VALUES)
    *_, bar, _, _ = figure.data
    shade = [color for _, color in bar.marker.colorscale[::2]]
    found = networks(figure)["color"].map(shade.index).to_numpy()
    assert found.min() == 0
    assert found.max() == points.SHADES - 1
    assert np.all(np.diff(found[np.argsort(frame["MACs"])]) >= 0)
    assert (bar.marker.cmin, bar.marker.cmax) == pytest.approx((frame["MACs"].min() / 1e6, frame["MACs"].max() / 1e6))


def test_networks_that_are_all_equal_have_a_colour() -> None:
    assert len(networks(points.scatter(cloud(20).assign(MACs=5e6), VALUES))) == 20


def test_points_can_be_coloured_by_all_that_stands_beside() -> None:
    assert points.hues(cloud(5)) == [points.SHIFT, "MACs"]


def test_forest_has_a_panel_per_metric_and_marks_the_score() -> None:
    named = {SCORE: {"kendall": KNOWN, "pearson": KNOWN}, "MACs": {"kendall": KNOWN, "pearson": UNDEFINED}}
    figure = forest(table(named), "correlation")
    assert len(figure.data) == 4
    assert [point.marker.color for point in figure.data[:2]] == [theme.BLUE, theme.NEUTRAL]
    assert figure.data[0].x[0] - figure.data[0].error_x.arrayminus[0] == pytest.approx(KNOWN.low)


def test_undefined_estimates_do_not_break_the_axes() -> None:
    figure = forest(table({SCORE: {"kendall": UNDEFINED}}), "correlation")
    assert all(np.isfinite(edge) for axis in figure.select_xaxes() for edge in axis.range)


def test_what_nobody_has_gets_no_panel() -> None:
    figure = forest(table({SCORE: {"kendall": KNOWN, "top_tenth": UNDEFINED}}), "correlation")
    assert len(figure.data) == 1


def test_the_cut_is_marked() -> None:
    rows = [(share, 100, name, 0.5, 0.4, 0.6) for share in (1.0, 0.5) for name in (SCORE, "MACs")]
    frame = pd.DataFrame(rows, columns=["share", "networks", "estimator", "tau", "low", "high"])
    figure = cuts.curve(frame, "truth", Cut(0.25, 25, KNOWN, {}))
    assert [line.name for line in figure.data[1:]] == [SCORE, "MACs"]
    assert 25 in {shape.x0 for shape in figure.layout.shapes}


def test_fields_of_few_networks_stay_empty_and_numbers_are_in_order() -> None:
    rows = [("depth", option, networks, 5.0, 4.0, 6.0, 1.0) for option, networks in (("10", 50), ("9", 50), ("2", 3))]
    frame = pd.DataFrame(rows, columns=["decision", "option", "networks", "shift", "low", "high", "under"])
    field, numbers = groups.branches(frame).data
    assert list(field.y) == ["9", "10"]
    assert list(numbers.text) == ["+5.0", "+5.0"]
    assert groups.branches(frame[frame["networks"] < 10]).data[0].z.size == 0


def test_bars_say_on_which_side_they_are() -> None:
    rows = [("MACs", number, 1e6, 2e6, 20, shift, shift - 1, shift + 1, 3.0) for number, shift in ((1, -5.0), (2, 5.0))]
    columns = ["size", "group", "lowest", "highest", "networks", "shift", "low", "high", "under"]
    (bars,) = groups.quintiles(pd.DataFrame(rows, columns=columns)).data
    assert list(bars.marker.color) == [theme.VERMILLION, theme.BLUE]


def test_picking_blindly_is_dotted() -> None:
    rows = [(name, size, 1.0 / size) for name in (SCORE, BLIND) for size in (1, 10)]
    figure = picks.regret(pd.DataFrame(rows, columns=["estimator", "size", "regret"]))
    assert [line.line.dash for line in figure.data] == ["solid", "dot"]


def test_todays_numbers_are_marked() -> None:
    sure = noise.certainty(pd.DataFrame({"networks": [10, 100], "half_width": [0.1, 0.03]}), 50, 0.01)
    assert {50} <= {shape.x0 for shape in sure.layout.shapes}
    reach = pd.DataFrame({"images": [10, 100], "tau": [0.1, 0.3]})
    assert len(noise.reach(reach, None).layout.shapes) == 0
    assert len(noise.reach(reach, 20).layout.shapes) == 1


def test_the_matrix_names_both_sides() -> None:
    taus = pd.DataFrame([[1, 0.5], [0.5, 1]], index=["truth", "<b>x"], columns=["truth", "<b>x"])
    assert list(matrix.matrix(taus).data[0].y) == ["truth", "&lt;b&gt;x"]


def test_history_is_over_epochs_where_they_are_known() -> None:
    rows = [(step, step / 10, 50, "Kendall tau", 0.5, 0.4, 0.6) for step in (10, 20)]
    frame = pd.DataFrame(rows, columns=["step", "epoch", "networks", "metric", "value", "low", "high"])
    assert list(history.history(frame).data[1].x) == [1.0, 2.0]
    unknown = frame.assign(epoch=[1.0, np.nan])
    assert list(history.history(unknown, ("MACs", 0.4)).data[1].x) == [10, 20]


def test_moves_tell_right_from_wrong() -> None:
    frame = pd.DataFrame(
        {
            "predicted_places": [5.0, -3.0, 4.0, np.nan],
            "true_places": [2.0, -1.0, -6.0, 1.0],
            "change": ["a", "b", "<i>c", "d"],
            "predicted": 0.5,
            "true": 0.5,
        }
    )
    figure = neighbours.moves(frame)
    knows, errs = (trace for trace in figure.data if trace.name)
    assert list(knows.x) == [5.0, -3.0]
    assert list(errs.y) == [-6.0]
    assert errs.customdata[0][0] == "&lt;i&gt;c"
    neighbours.moves(frame.iloc[3:])


def test_every_estimator_has_a_colour_and_the_score_has_the_first() -> None:
    hues = colors(["MACs", SCORE, "parameters"])
    assert hues[SCORE] == theme.BLUE
    assert len(set(hues.values())) == 3


def test_names_from_files_mean_nothing() -> None:
    assert plain('<a href="x">&') == '&lt;a href="x"&gt;&amp;'


def test_a_figure_as_html_needs_nothing_else() -> None:
    page = to_html(points.scatter(cloud(5), AXES))
    assert page.startswith("<!doctype html>")
    assert '<script src="' not in page
    assert len(page) > 1e6  # plotly itself is in it
