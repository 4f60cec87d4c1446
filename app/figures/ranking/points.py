"""Predicted against true, one point a network: up to 50,000 of them, drawn by WebGL."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import plotly.graph_objects as go
from plotly.colors import sample_colorscale

from app import text, theme
from app.figures.ranking import FACING, plain

HEIGHT = 500
MAIN, SIDE = (0.0, 0.87), (0.89, 1.0)
"""Shares of the width and height for the cloud and for the densities beside it."""

SHIFT = "misjudged by"
MANY = 5_000
"""With more points each is drawn smaller and says less when pointed at: the browser has enough to do."""

CONFIG_OF_MANY = theme.CONFIG | {"plotGlPixelRatio": 1}
"""So many points are drawn on as many pixels as the page has, not on four times as many: where no graphics hardware
helps, that takes a quarter of the time."""

SHADES = 11
"""Steps of the colour scale, each a trace of one colour: a browser takes longer to colour 45,000 points one by one than
to draw them."""

_BINS = 240
_BELL = np.exp(-0.5 * (np.arange(-16, 17) / 4.0) ** 2)
"""What a network adds to the bins around its own; scaled so that the sum stays."""
_BELL /= _BELL.sum()


@dataclass(frozen=True, slots=True)
class Axes:
    """What the points show: ranks or values, what colours them, and what the two sides are called."""

    ranks: bool
    color: str
    predicted: str
    true: str


def hues(table: pd.DataFrame) -> list[str]:
    """What points can be coloured by."""
    known = ("id", "code", "predicted", "true", "predicted_rank", "true_rank", "shift")
    return [SHIFT, *(str(name) for name in table if name not in known)]


def scatter(table: pd.DataFrame, axes: Axes, chosen: int | None = None) -> go.Figure:
    """The cloud; with values the densities of both sides, with ranks the diagonal on which predictions are right.

    A point's `customdata` is its row in the table, or begins with it. Where points overlap, those whose colour stands
    for more are on top.

    Args:
        table: `Subject.table`.
        chosen: the row to mark.
    """
    x, y = ("predicted_rank", "true_rank") if axes.ranks else ("predicted", "true")
    figure = go.Figure()
    if axes.ranks:
        ends = [0.5, len(table) + 0.5]
        line = {"color": theme.NEUTRAL, "dash": "dot", "width": 1.5}
        figure.add_scatter(x=ends, y=ends, mode="lines", line=line, hoverinfo="skip")
    many = len(table) > MANY
    known = ["predicted", "true", "predicted_rank", "true_rank"]
    facts = np.column_stack([np.arange(len(table)), table[known]])
    across, up = (table[name].to_numpy(np.float32) for name in (x, y))
    names = np.array([plain(each) for each in table["id"].tolist()])
    opacity = {"marker": {"opacity": 0.4 if many else 0.75}}
    size = 4 if many else 6 if len(table) > 500 else 9
    scale = _scale(table, axes)
    shade = np.clip(SHADES * (scale.values - scale.low) / (scale.high - scale.low), 0, SHADES - 1).astype(int)
    for number, color in enumerate(scale.shades):
        rows = np.flatnonzero(shade == number)
        if not len(rows):
            continue
        figure.add_scattergl(
            x=across[rows],
            y=up[rows],
            mode="markers",
            marker={"size": size, "color": color, **opacity["marker"]},
            text=names[rows],
            hovertext=None if many else [plain(each) for each in table["code"].iloc[rows]],
            customdata=rows if many else facts[rows].tolist(),
            hovertemplate=_hover(axes, many=many),
            # The browser itself marks what is clicked; the others stay as they are.
            selectedpoints=np.flatnonzero(rows == chosen).tolist(),
            selected={"marker": {"opacity": 1, "size": 16, "color": theme.ORANGE}},
            unselected=opacity,
        )
    figure.add_scatter(x=[None], y=[None], mode="markers", marker=_bar(scale, axes), hoverinfo="skip")
    main = (0.0, 1.0) if axes.ranks else MAIN
    layout: dict[str, object] = {
        "xaxis": {"domain": main, "title": _title("Predicted", axes.predicted, axes)},
        "yaxis": {"domain": main, "title": _title("True", axes.true, axes)},
    }
    if axes.ranks:
        for axis in ("xaxis", "yaxis"):
            layout[axis] = {**_dict(layout[axis]), "range": [1.02 * len(table) + 1, -0.02 * len(table)]}
    else:
        hidden = {"domain": SIDE, "showgrid": False, "showticklabels": False, "fixedrange": True, "rangemode": "tozero"}
        layout |= {"xaxis2": hidden, "yaxis2": hidden}
        _add_density(figure, table[x].to_numpy(float), upright=True)
        _add_density(figure, table[y].to_numpy(float), upright=False)
    theme.style(figure, HEIGHT, showlegend=False, hovermode="closest", dragmode="zoom", clickmode="event+select")
    # A margin that follows its labels is known only after drawing, and then all is drawn again.
    margin = {"l": 84, "r": 84, "t": 12, "b": 60, "autoexpand": False}
    figure.update_layout(uirevision=f"{axes.ranks} {axes.predicted} {axes.true}", margin=margin, **layout)
    return figure


def _title(side: str, name: str, axes: Axes) -> str:
    return f"{side} rank, 1 is the best ({plain(name)})" if axes.ranks else f"{side} value ({plain(name)})"


def _hover(axes: Axes, *, many: bool) -> str:
    """Everything about a point, or its place only."""
    if many:
        which = "rank %{{{}:,}}" if axes.ranks else "%{{{}:.5~g}}"
        return f"<b>%{{text}}</b><br>predicted {which.format('x')}<br>true {which.format('y')}<extra></extra>"
    return (
        "<b>%{text}</b><br>%{hovertext}<br>"
        "<br>predicted %{customdata[1]:.5~g} (rank %{customdata[3]:,})<br>"
        "true %{customdata[2]:.5~g} (rank %{customdata[4]:,})<extra></extra>"
    )


def _dict(value: object) -> dict[str, object]:
    assert isinstance(value, dict)  # noqa: S101
    return value


@dataclass(frozen=True, slots=True)
class _Scale:
    """What colours the points, of shape (networks,), and how: even steps from `low` to `high`."""

    values: npt.NDArray[np.float64]
    low: float
    high: float
    shades: list[str]
    title: str


def _scale(table: pd.DataFrame, axes: Axes) -> _Scale:
    if axes.color == SHIFT or axes.color not in table:
        values = 100 * table["shift"].to_numpy(float)
        most = max(float(np.abs(values).max(initial=0.0)), 1.0)
        shades, title = sample_colorscale(FACING, SHADES), "under-estimated by (% of all ranks)"
        return _Scale(values, -most, most, shades, title)
    values = table[axes.color].to_numpy(float)
    unit = text.unit(float(np.abs(values).max(initial=0.0)))
    values = values / unit.factor
    low, high = float(values.min(initial=np.inf)), float(values.max(initial=-np.inf))
    if not low < high:
        low, high = low - 0.5, low + 0.5
    title = text.axis_title(plain(axes.color), unit.name)
    return _Scale(values, low, high, sample_colorscale(list(theme.VIRIDIS), SHADES), title)


def _bar(scale: _Scale, axes: Axes) -> dict[str, Any]:
    """The marker of a trace that shows nothing but the colour scale."""
    return {
        "color": [scale.low],
        "cmin": scale.low,
        "cmax": scale.high,
        "colorscale": [(edge / SHADES, shade) for i, shade in enumerate(scale.shades) for edge in (i, i + 1)],
        "showscale": True,
        "colorbar": {
            "thickness": 10,
            "outlinewidth": 0,
            "len": 0.9 if axes.ranks else 0.8,
            "y": 0.43,
            "title": {"text": scale.title, "side": "right"},
        },
    }


def _add_density(figure: go.Figure, values: npt.NDArray[np.float64], *, upright: bool) -> None:
    """How the networks are spread over one axis: a smoothed histogram."""
    counts, edges = np.histogram(values, _BINS)
    density = np.convolve(counts, _BELL, mode="same")
    middles = (edges[:-1] + edges[1:]) / 2
    place = {"x": middles, "y": density, "yaxis": "y2"} if upright else {"x": density, "y": middles, "xaxis": "x2"}
    figure.add_scatter(
        **place,
        mode="lines",
        fill="tozeroy" if upright else "tozerox",
        fillcolor=theme.FAINT,
        line={"color": theme.NEUTRAL, "width": 1},
        hoverinfo="skip",
    )
