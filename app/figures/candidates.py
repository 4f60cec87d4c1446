"""Accuracy against cost, for up to 50,000 candidates."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import plotly.graph_objects as go

from app import text, theme
from app.views.candidates import Architectures, Score
from toolkit.spaces import ABSENT

HEIGHT = 470
MAIN, SIDE = (0.0, 0.86), (0.885, 1.0)
"""Shares of the width and height for the cloud and for the histograms beside it."""

BINS = 60  # at most; the square root of what is counted, if that is less
COSTS = {"MACs": "macs", "Parameters": "params"}
COST_NAMES = {"macs": "MACs", "params": "parameters"}
COST_TITLES = {"macs": "Multiply-accumulates per image", "params": "Trainable parameters"}


@dataclass(frozen=True, slots=True)
class Coloring:
    """What the colour of a candidate says: one number per candidate, NaN where it does not apply.

    `options` are the names of the values 0, 1, ... of a decision; empty for plain numbers.
    """

    title: str
    values: npt.NDArray[np.float64]
    options: tuple[str, ...] = ()


def colorings(known: Architectures) -> list[str]:
    """What candidates can be coloured by: the depth where it varies, costs, and every decision of the space."""
    varying = ["Depth"] if known.table["depth"].nunique() > 1 else []
    return [*varying, *COSTS, *(decision.name for decision in known.space.decisions)]


def coloring(known: Architectures, rows: npt.NDArray[np.int64], name: str) -> Coloring:
    """The colouring called `name`, for the candidates in these rows of `known`."""
    if name == "Depth":
        return Coloring("Depth (blocks)", known.table["depth"].to_numpy(float)[rows])
    if name in COSTS:
        values = known.table[COSTS[name]].to_numpy(float)[rows]
        unit = text.unit(values.max(initial=0.0))
        return Coloring(text.axis_title(name, unit.name), values / unit.factor)
    index = [decision.name for decision in known.space.decisions].index(name)
    answers = known.answers[rows, index].astype(float)
    answers[answers == ABSENT] = np.nan
    return Coloring(name, answers, tuple(map(str, known.space.decisions[index].options)))


def cloud(
    frame: pd.DataFrame, cost: str, score: Score, colors: Coloring, front: pd.DataFrame, chosen: int | None
) -> go.Figure:
    """Every candidate as a point, the distributions of both axes beside them, and the best at each cost as a line.

    Args:
        frame: `views.candidates.joined`.
        cost: its column on the x axis, `macs` or `params`.
        front: `views.candidates.frontier` of the same frame.
        chosen: index in `frame` of the candidate to mark.
    """
    unit = text.unit(frame[cost].max())
    figure = go.Figure()
    applies = ~np.isnan(colors.values)
    if not applies.all():
        figure.add_trace(_points(frame[~applies], cost, score, {"color": theme.NEUTRAL}, "not there", chosen))
    figure.add_trace(_points(frame[applies], cost, score, _colored(colors, applies), "candidates", chosen))
    figure.add_scatter(
        x=front[cost] / unit.factor,
        y=front[score.column],
        mode="lines",
        line={"shape": "hv", "color": theme.VERMILLION, "width": 1.5},
        name="best at this cost",
        hoverinfo="skip",
    )
    _add_histograms(figure, frame[cost].to_numpy(float) / unit.factor, frame[score.column].to_numpy(float))
    theme.style(
        figure,
        HEIGHT,
        xaxis={"domain": MAIN, "title": text.axis_title(COST_TITLES[cost], unit.name)},
        yaxis={"domain": MAIN, "title": text.axis_title(score.title, score.unit)},
        xaxis2={"domain": SIDE, "showgrid": False, "showticklabels": False, "fixedrange": True},
        yaxis2={"domain": SIDE, "showgrid": False, "showticklabels": False, "fixedrange": True},
        bargap=0,
        showlegend=False,
        hovermode="closest",
        uirevision=f"{cost} {score.column}",  # another colour leaves the reader's zoom alone
        dragmode="zoom",
        clickmode="event+select",
    )
    return figure


def _points(
    frame: pd.DataFrame, cost: str, score: Score, marker: dict[str, object], name: str, chosen: int | None
) -> go.Scattergl:
    """One trace of candidates. Single precision is more than anybody sees, and halves what goes to the browser."""
    (other,) = COST_TITLES.keys() - {cost}
    units = {column: text.unit(frame[column].max()) for column in COST_TITLES}
    words = {column: f"{unit.prefix} {COST_NAMES[column]}" for column, unit in units.items()}
    opacity = {"marker": {"opacity": 0.65}}
    return go.Scattergl(
        x=(frame[cost] / units[cost].factor).to_numpy(np.float32),
        y=frame[score.column].to_numpy(np.float32),
        mode="markers",
        marker={"size": 5 if len(frame) > 5000 else 7, **opacity["marker"], **marker},
        name=name,
        text=frame["id"].to_numpy(),
        hovertext=frame["code"].to_numpy(),
        customdata=(frame[other] / units[other].factor).to_numpy(np.float32),
        hovertemplate=(
            f"<b>%{{text}}</b><br>%{{hovertext}}<br><br>{score.title} %{{y:.4~g}} {score.unit}<br>"
            f"%{{x:.4~g}} {words[cost]}<br>%{{customdata:.4~g}} {words[other]}<extra></extra>"
        ),
        # The browser itself marks what is clicked; the others stay as they are.
        selectedpoints=np.flatnonzero(frame.index == chosen),
        selected={"marker": {"opacity": 1, "size": 15, "color": theme.VERMILLION}},
        unselected=opacity,
    )


def _colored(colors: Coloring, applies: npt.NDArray[np.bool_]) -> dict[str, object]:
    """The marker's colours with their scale; a decision's options are even steps, not a gradient."""
    bar: dict[str, object] = {
        "title": {"text": colors.title, "side": "right"},
        "thickness": 10,
        "outlinewidth": 0,
        "len": 0.9,
    }
    marker: dict[str, object] = {
        "color": colors.values[applies].astype(np.float32),
        "colorscale": list(theme.VIRIDIS),
        "colorbar": bar,
    }
    if colors.options:
        count = len(colors.options)
        bar |= {"tickvals": list(range(count)), "ticktext": list(colors.options)}
        marker |= {"colorscale": theme.steps(count), "cmin": -0.5, "cmax": count - 0.5}
    return marker


def _add_histograms(figure: go.Figure, costs: npt.NDArray[np.float64], scores: npt.NDArray[np.float64]) -> None:
    """How many candidates there are along each axis; counted here, for the browser has enough to do."""
    bars = {"marker": {"color": theme.NEUTRAL, "opacity": 0.5, "line": {"width": 0}}, "showlegend": False}
    bins = min(BINS, math.ceil(math.sqrt(len(costs))))
    counts, edges = np.histogram(costs[np.isfinite(costs)], bins)
    figure.add_bar(
        x=(edges[:-1] + edges[1:]) / 2,
        y=counts,
        width=np.diff(edges),
        yaxis="y2",
        hovertemplate="%{x:.4g}: %{y:,} candidates<extra></extra>",
        **bars,
    )
    counts, edges = np.histogram(scores[np.isfinite(scores)], bins)
    figure.add_bar(
        x=counts,
        y=(edges[:-1] + edges[1:]) / 2,
        width=np.diff(edges),
        orientation="h",
        xaxis="x2",
        hovertemplate="%{y:.4g}: %{x:,} candidates<extra></extra>",
        **bars,
    )
