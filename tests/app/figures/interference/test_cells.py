import pandas as pd
import plotly.graph_objects as go
import pytest
from plotly.colors import hex_to_rgb, label_rgb

from app import theme
from app.figures.interference.cells import Look, add_cells, add_scale, number
from toolkit.interference.table import MEASURES

SIGNED, HIGH, LOW, NEITHER = (
    MEASURES[name] for name in ("gradient_cosine", "feature_kl", "feature_cka", "parameter_speed")
)


def shades(look: Look) -> list[str]:
    return [shade for _, shade in look.axis["colorscale"]]


def rgb(color: str) -> str:
    """A colour as plotly writes interpolated ones."""
    return label_rgb(hex_to_rgb(color))


@pytest.mark.parametrize("dark", [False, True])
def test_orange_hurts_whichever_side_is_bad(dark: bool) -> None:
    blue = theme.BLUE_ON_DARK if dark else theme.BLUE
    pale = theme.PALE_ON_DARK if dark else theme.PALE
    assert shades(Look(SIGNED, (-0.5, 0.2), dark=dark)) == [theme.VERMILLION, pale, blue]
    assert shades(Look(MEASURES["forgetting"], (-0.5, 0.2), dark=dark)) == [blue, pale, theme.VERMILLION]
    assert shades(Look(HIGH, (0.1, 0.5), dark=dark)) == [pale, theme.VERMILLION]
    assert shades(Look(LOW, (0.1, 0.5), dark=dark)) == [pale, blue]
    assert shades(Look(NEITHER, (0.1, 0.5), dark=dark)) == [pale, blue]
    assert shades(Look(HIGH, (-0.1, 0.5), difference=True, dark=dark)) == [blue, pale, theme.VERMILLION]


def test_colours_begin_at_0_unless_stretched() -> None:
    assert Look(SIGNED, (-0.5, 0.2)).axis["cmin"] == -0.5
    assert Look(SIGNED, (-0.5, 0.2)).axis["cmax"] == 0.5
    assert Look(HIGH, (0.4, 0.5)).axis["cmin"] == 0.0
    stretched = Look(HIGH, (0.4, 0.5), stretched=True)
    assert (stretched.axis["cmin"], stretched.axis["cmax"]) == (0.4, 0.5)
    assert len(shades(stretched)) == 3
    assert len(shades(Look(NEITHER, (0.4, 0.5), stretched=True))) == 2
    assert Look(HIGH, (0.0, 0.0), stretched=True).axis["cmax"] == 1.0  # nothing to stretch


def test_what_may_be_chance_looks_so() -> None:
    look = Look(SIGNED, (-0.5, 0.5))
    cells = pd.DataFrame(
        {"x": [0, 1, 2], "y": 0, "height": 1.0, "value": [0.5, 0.1, None], "sure": [True, False, False]}
    ).assign(words="", hover="", key="")
    figure = go.Figure()
    add_cells(figure, cells, look)
    sure, unsure, absent = figure.data
    assert list(sure.marker.color) == look.shades(cells["value"].head(1)) == [rgb(theme.BLUE)]
    assert unsure.marker.color == look.pale
    assert unsure.marker.pattern.shape == "/"
    assert absent.marker.color == theme.CLEAR
    assert [list(trace.x) for trace in figure.data] == [[0], [1], [2]]


@pytest.mark.parametrize("stretched", [False, True])
def test_cells_have_the_colours_of_the_scale_beside_them(stretched: bool) -> None:
    look = Look(SIGNED, (-0.5, 0.5), stretched=stretched)
    found = look.shades(pd.Series([-0.5, 0.0, 0.5, 0.7]))
    assert found == [rgb(color) for color in (theme.VERMILLION, theme.PALE, theme.BLUE, theme.BLUE)]
    figure = go.Figure()
    add_scale(figure, look)
    (point,) = figure.data
    assert list(point.x) == [None]
    assert point.marker.coloraxis == "coloraxis"
    assert [shade for _, shade in figure.layout.coloraxis.colorscale] == shades(look)


def test_numbers_in_words() -> None:
    assert number(0.3456, 0.0123) == "0.346 ± 0.012"
    assert number(0.3456, sure=False) == "0.346: may be chance"
    assert number(0.02, 0.1, measure=HIGH) == "0.02 (0 to 0.12)"
    assert number(float("nan")) == "no number"
