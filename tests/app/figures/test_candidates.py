import numpy as np
import pandas as pd
import pytest

from app.figures import blocks as block_figures
from app.figures import candidates as figures
from app.views import candidates as views
from app.views.blocks import blocks
from tests.app.example_run import COUNT
from toolkit.runs.folder import RunFolder
from toolkit.spaces import SPACES

TOP1 = views.SCORES["Top-1"]


@pytest.fixture
def known(full_run: RunFolder) -> views.Architectures:
    return views.architectures(full_run)


@pytest.fixture
def frame(full_run: RunFolder, known: views.Architectures) -> pd.DataFrame:
    return views.joined(known, views.results(full_run, views.settings(full_run)[0].setting))


def test_every_candidate_is_a_point_with_its_code(known: views.Architectures, frame: pd.DataFrame) -> None:
    rows = frame.index.to_numpy()
    front = views.frontier(frame, "macs", TOP1)
    figure = figures.cloud(frame, figures.COSTS["MACs"], TOP1, figures.coloring(known, rows, "Depth"), front, 5)
    points, lower, upper, line, above, beside = figure.data
    assert len(points.x) == COUNT
    assert points.type == "scattergl"
    assert (points.text[5], points.hovertext[5]) == (frame["id"].iloc[5], frame["code"].iloc[5])
    assert points.selectedpoints == (5,)
    assert points.customdata[5] * 1e3 == pytest.approx(frame["params"].iloc[5])
    assert "k parameters" in points.hovertemplate
    assert len(line.x) == len(front)
    assert upper.fill == "tonexty"
    assert (np.array(lower.y) < np.array(line.y)).all()
    assert (np.array(upper.y) > np.array(line.y)).all()
    assert sum(above.y) == sum(beside.x) == COUNT
    assert figure.layout.xaxis.title.text == "Multiply-accumulates per image (thousands)"
    assert figure.layout.yaxis.title.text == "Top-1 accuracy (%)"


def test_absent_decisions_are_points_of_their_own(known: views.Architectures, frame: pd.DataFrame) -> None:
    colors = figures.coloring(known, frame.index.to_numpy(), "middle1.5")
    absent = np.isnan(colors.values).sum()
    assert 0 < absent < COUNT
    figure = figures.cloud(
        frame, figures.COSTS["Parameters"], TOP1, colors, views.frontier(frame, "params", TOP1), None
    )
    assert [len(trace.x) for trace in figure.data[:2]] == [absent, COUNT - absent]
    assert tuple(figure.data[1].marker.colorbar.ticktext) == colors.options == ("1", "2", "3")


def test_everything_can_be_coloured_by(known: views.Architectures) -> None:
    rows = np.arange(len(known.table))
    for name in figures.colorings(known):
        assert figures.coloring(known, rows, name).values.shape == rows.shape
    assert figures.colorings(known)[0] == "Depth"


def test_diverged_candidates_do_not_hide_the_others(known: views.Architectures, frame: pd.DataFrame) -> None:
    frame = frame.assign(loss=frame["loss"].where(frame.index > 3))
    score = views.SCORES["Loss"]
    colors = figures.coloring(known, frame.index.to_numpy(), "MACs")
    figure = figures.cloud(frame, figures.COSTS["MACs"], score, colors, views.frontier(frame, "macs", score), None)
    assert sum(figure.data[-1].x) == COUNT - 4


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
def test_every_space_can_be_drawn(space) -> None:
    for arch in (space.largest, space.smallest):
        drawn, largest = blocks(space, arch), blocks(space, space.largest)
        figure = block_figures.network(drawn, largest)
        costs = [bars for bars in figure.data if bars.yaxis == "y2"]
        assert [len(bars.y) for bars in costs] == [len(largest)] * 2
        assert all(np.allclose(np.array(bars.base) * -2, bars.y) for bars in figure.data if bars.yaxis == "y")


@pytest.mark.parametrize("name", ["Candidates", "Depth", "width4", "Parameters"])
def test_many_candidates_are_a_density_that_does_not_grow(
    name: str, known: views.Architectures, frame: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = []
    for times in (1, 40):
        many = pd.concat([frame] * times, ignore_index=True)
        rows = np.tile(frame.index.to_numpy(), times)
        monkeypatch.setattr(figures, "MANY", 100)
        colors = figures.coloring(known, rows, name)
        figure = figures.cloud(many, figures.COSTS["MACs"], TOP1, colors, views.frontier(many, "macs", TOP1), 7)
        density, fields, best, chosen = figure.data[:4]
        assert density.type == "heatmap"
        assert np.nansum(density.z) == len(many) or name != "Candidates"
        assert fields.customdata.sum() == len(many)
        assert best.text[0] == many["id"][many["top1"].idxmax()]
        assert (list(chosen.text), chosen.selectedpoints) == ([many["id"][7]], (0,))
        sizes.append(len(figure.to_json()))
    assert sizes[1] < 1.2 * sizes[0]


def test_the_point_of_a_field_is_its_best(known: views.Architectures, frame: pd.DataFrame, monkeypatch) -> None:
    monkeypatch.setattr(figures, "MANY", 100)
    monkeypatch.setattr(figures, "FIELDS", (1, 1))
    for title, best in (("Top-1", frame["top1"].idxmax()), ("Loss", frame["loss"].idxmin())):
        score = views.SCORES[title]
        colors = figures.coloring(known, frame.index.to_numpy(), "Depth")
        figure = figures.cloud(
            frame, figures.COSTS["Parameters"], score, colors, views.frontier(frame, "params", score), None
        )
        assert list(figure.data[1].text) == [frame["id"][best]]
