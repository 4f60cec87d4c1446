import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from app import theme
from app.figures.interference import lines as line_figures
from app.figures.interference.cells import Look
from app.figures.interference.matrix import WRITTEN
from app.figures.interference.matrix import matrix as draw_matrix
from app.figures.interference.parts import bars
from app.figures.interference.scatter import against_error, distance
from app.figures.interference.strip import network
from app.views.blocks import blocks
from app.views.interference import lines, readings
from app.views.interference.matrix import Matrix, matrix
from app.views.interference.paths import by_distance, paths
from app.views.interference.strip import strip
from tests.app.example_run import space_of
from toolkit.interference.table import MEASURES
from toolkit.runs.folder import RunFolder
from toolkit.spaces import SearchSpace

COSINE = MEASURES["gradient_cosine"]


def cells(figure: go.Figure) -> list[go.Bar]:
    """What is drawn of cells, without the scale beside them."""
    return list(figure.select_traces("bar"))


@pytest.fixture
def table(probed_run: RunFolder) -> pd.DataFrame:
    found = readings.readings(probed_run)
    assert found is not None
    return found


@pytest.fixture
def space(probed_run: RunFolder) -> SearchSpace:
    return space_of(probed_run)


def test_the_strip_has_a_cell_for_every_block_and_branch(table: pd.DataFrame, space: SearchSpace) -> None:
    found = strip(space, readings.cells(readings.at(table), "gradient_cosine"))
    figure = network(found, Look(COSINE, found.ends), 17)
    drawn = sum(len(trace.x) for trace in cells(figure))
    assert drawn == len(found.network) + len(found.branches)
    keys = {key for trace in cells(figure) for key, _ in trace.customdata}
    assert keys == set(map(str, range(len(found.network))))
    hovers = [hover for trace in cells(figure) for _, hover in trace.customdata]
    assert any("middle3.7 = 5" in hover and "±" in hover for hover in hovers)
    assert (figure.layout.shapes[0].x0, figure.layout.shapes[0].x1) == (16.5, 17.5)
    low = network(found, Look(COSINE, found.ends), 17, low=True)
    assert low.layout.height < 0.7 * figure.layout.height


def test_a_measure_of_blocks_alone_has_no_branches(table: pd.DataFrame, space: SearchSpace) -> None:
    found = strip(space, readings.cells(readings.at(table), "feature_kl"))
    figure = network(found, Look(MEASURES["feature_kl"], found.ends), 0)
    assert sum(len(trace.x) for trace in cells(figure)) == len(found.network)
    assert figure.layout.xaxis.title.text
    assert figure.layout.xaxis.ticktext[-1] == "head"


def test_a_matrix_shows_numbers_and_errors_where_there_is_room(table: pd.DataFrame) -> None:
    rows = readings.cells(readings.at(table), "gradient_cosine")
    rows = rows[(rows["block"] == 17) & (rows["decision"] == "middle3.7")]
    found = matrix(rows, list("12345"), symmetric=True)
    figure = draw_matrix(found, Look(COSINE, found.ends), "option")
    words = [word for trace in cells(figure) for word in trace.text]
    assert len(words) == 25
    assert sum("±" in word for word in words) == 20
    many = WRITTEN + 1
    large = Matrix(
        tuple(f"<b>{number}" for number in range(many)),
        np.ones((many, many)),
        np.ones((many, many)),
        np.ones((many, many), bool),
    )
    figure = draw_matrix(large, Look(COSINE, large.ends), "option")
    assert not any(word for trace in cells(figure) for word in trace.text)
    assert figure.layout.xaxis.ticktext[0] == "&lt;b&gt;0"  # names from files are no markup


def test_lines_over_training_and_along_the_network(table: pd.DataFrame, space: SearchSpace) -> None:
    course = lines.course(table, "gradient_cosine", 17)
    figure = line_figures.course({"one": course, "two": course}, COSINE, "epoch")
    assert [trace.name for trace in figure.data if trace.showlegend is not False] == ["one", "two"]
    assert figure.layout.xaxis.title.text == "Epochs"
    now = readings.at(table)
    measures = readings.of_blocks(now)
    network_ = blocks(space, space.largest)
    figure = line_figures.profile({"one": lines.profile(now, measures)}, network_, 17)
    assert [a.text for a in figure.layout.annotations] == [MEASURES[name].label for name in measures]
    _, line, *_ = figure.data
    assert [x for x, color in zip(line.x, line.marker.color, strict=True) if color == theme.VERMILLION] == [17]
    figure = line_figures.paths(lines.paths_over_time(table, "path_loss"), MEASURES["path_loss"])
    assert len(figure.data) == 8 + 1


def test_paths_against_distance(table: pd.DataFrame) -> None:
    both = paths(readings.at(table), "path_cosine", symmetric=True)
    assert both is not None
    points, means = distance(both.pairs, by_distance(both.pairs), MEASURES["path_cosine"]).data
    assert len(points.x) == 28
    assert np.abs(np.array(points.x) - both.pairs["distance"]).max() < 0.2
    assert means.error_y.array is not None


def test_the_error_and_the_parts() -> None:
    points = pd.DataFrame(
        {"name": ["a = 1", "b"], "interference": [0.1, 0.2], "interference_margin": [0.1, np.nan], "error": [3.0, 1.0]}
    ).assign(error_margin=np.nan)
    figure = against_error(points, COSINE, "error (%)")
    assert figure.layout.yaxis.range[0] <= 0 < 3 < figure.layout.yaxis.range[1]
    assert against_error(points.assign(error=-1.0), COSINE, "e").layout.yaxis.range is None
    table = pd.DataFrame({"part": ["conv1[0:4]"], "value": [3.0], "margin": [np.nan]})
    assert bars(table, MEASURES["times_trained"]).data[0].y[0] == "conv1[0:4]"
