"""Accuracy against cost, for up to 50,000 candidates."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import plotly.graph_objects as go

from app import text, theme
from app.figures.ranking import plain
from app.views.candidates import Architectures, Score, margins
from app.views.latency import PREFIX
from toolkit.spaces import ABSENT

HEIGHT = 470
MAIN, SIDE = (0.0, 0.86), (0.885, 1.0)
"""Shares of the width and height for the cloud and for the histograms beside it."""

MANY = 2500
"""More candidates than that are drawn as a density."""

FIELDS = (96, 64)
"""Of the density, across and up."""

BEST = 200
DENSITY = "Candidates"
"""What colours say if nothing is chosen: how many candidates there are."""

BINS = 60  # at most; the square root of what is counted, if that is less


@dataclass(frozen=True, slots=True)
class Cost:
    """What a candidate costs: its column in the table, and how to read it.

    Attributes:
        name: for hover texts.
        title: of the axis.
        unit: of its values; empty for counts, which are shown in thousands or millions.
    """

    column: str
    name: str
    title: str
    unit: str = ""

    def scale(self, values: "pd.Series[float]") -> text.Unit:
        """In which unit these read well."""
        return text.Unit(1.0, "", self.unit) if self.unit else text.unit(values.max())


COSTS = {
    "MACs": Cost("macs", "MACs", "Multiply-accumulates per image"),
    "Parameters": Cost("params", "parameters", "Trainable parameters"),
}


def latency(column: str) -> Cost:
    """The cost in a column of `views.latency.latencies`."""
    name = plain(column.removeprefix(PREFIX))
    return Cost(column, f"ms on {name}", f"Latency on {name}", "ms")


def device(cost: Cost) -> str:
    """Where a latency was measured."""
    return cost.column.removeprefix(PREFIX)


@dataclass(frozen=True, slots=True)
class Coloring:
    """What the colour of a candidate says: one number per candidate, NaN where it does not apply.

    `options` are the names of the values 0, 1, ... of a decision; empty for plain numbers.
    """

    title: str
    values: npt.NDArray[np.float64]
    options: tuple[str, ...] = ()


def colorings(known: Architectures) -> list[str]:
    """What candidates can be coloured by: their number if they are many, depth where it varies, costs, decisions."""
    first = [DENSITY] if len(known.table) > MANY else []
    varying = ["Depth"] if known.table["depth"].nunique() > 1 else []
    return [*first, *varying, *COSTS, *(decision.name for decision in known.space.decisions)]


def coloring(known: Architectures, rows: npt.NDArray[np.int64], name: str) -> Coloring:
    """The colouring called `name`, for the candidates in these rows of `known`."""
    if name == DENSITY:
        return Coloring(DENSITY, np.ones(len(rows)))
    if name == "Depth":
        return Coloring("Depth (blocks)", known.table["depth"].to_numpy(float)[rows])
    if name in COSTS:
        values = known.table[COSTS[name].column].to_numpy(float)[rows]
        unit = text.unit(values.max(initial=0.0))
        return Coloring(text.axis_title(name, unit.name), values / unit.factor)
    index = [decision.name for decision in known.space.decisions].index(name)
    answers = known.answers[rows, index].astype(float)
    answers[answers == ABSENT] = np.nan
    return Coloring(name, answers, tuple(map(str, known.space.decisions[index].options)))


def cloud(
    frame: pd.DataFrame, cost: Cost, score: Score, colors: Coloring, front: pd.DataFrame, chosen: int | None
) -> go.Figure:
    """Accuracy against cost, the distributions of both beside them, and the best at each cost as a line with its error.

    Up to `MANY` candidates are points. More are a density: what is sent and drawn does not grow with their number. The
    best of each of its fields can be clicked, and the `BEST` best of all are points.

    Args:
        frame: `views.candidates.joined`.
        cost: on the x axis; every candidate of the frame has it.
        front: `views.candidates.frontier` of the same frame.
        chosen: index in `frame` of the candidate to mark.
    """
    unit = cost.scale(frame[cost.column])
    figure = go.Figure()
    applies = ~np.isnan(colors.values)
    if len(frame) > MANY:
        _add_density(figure, frame, cost, score, colors)
        if chosen is not None and chosen in frame.index:
            mark = frame.loc[[chosen]]
            figure.add_trace(_points(mark, cost, score, {"color": theme.VERMILLION}, "selected", chosen))
    else:
        if not applies.all():
            figure.add_trace(_points(frame[~applies], cost, score, {"color": theme.NEUTRAL}, "not there", chosen))
        figure.add_trace(_points(frame[applies], cost, score, _colored(colors, applies), "candidates", chosen))
    _add_frontier(figure, front[cost.column] / unit.factor, front[score.column], margins(front, score))
    costs = frame[cost.column].to_numpy(float) / unit.factor
    _add_histograms(figure, costs, frame[score.column].to_numpy(float))
    theme.style(
        figure,
        HEIGHT,
        xaxis={"domain": MAIN, "title": text.axis_title(cost.title, unit.name)},
        yaxis={"domain": MAIN, "title": text.axis_title(score.title, score.unit)},
        xaxis2={"domain": SIDE, "showgrid": False, "showticklabels": False, "fixedrange": True},
        yaxis2={"domain": SIDE, "showgrid": False, "showticklabels": False, "fixedrange": True},
        bargap=0,
        showlegend=False,
        hovermode="closest",
        uirevision=f"{cost.column} {score.column}",  # another colour leaves the reader's zoom alone
        dragmode="zoom",
        clickmode="event+select",
    )
    return figure


def _add_frontier(figure: go.Figure, x: pd.Series, y: pd.Series, margin: npt.NDArray[np.float64]) -> None:
    """The line of the best, and around it what they would be if tested on other images."""
    step = {"shape": "hv", "color": theme.VERMILLION, "width": 1.5}
    if np.isfinite(margin).all() and len(x):
        edge = {**step, "width": 0}
        figure.add_scatter(x=x, y=y - margin, mode="lines", line=edge, hoverinfo="skip", name="margin")
        figure.add_scatter(
            x=x,
            y=y + margin,
            mode="lines",
            line=edge,
            fill="tonexty",
            fillcolor=theme.BAND,
            hoverinfo="skip",
            name="margin",
        )
    figure.add_scatter(x=x, y=y, mode="lines", line=step, name="best at this cost", hoverinfo="skip")


def _add_density(figure: go.Figure, frame: pd.DataFrame, cost: Cost, score: Score, colors: Coloring) -> None:
    """Fields of candidates: how many there are, or the mean of what colours say, and the best of each as a point."""
    factor = cost.scale(frame[cost.column]).factor
    x, y = frame[cost.column].to_numpy(float) / factor, frame[score.column].to_numpy(float)
    known = np.isfinite(y)
    counts, across, up = np.histogram2d(x[known], y[known], FIELDS)
    if colors.title == DENSITY:
        shown = np.where(counts > 0, counts, np.nan)
    else:
        fits = known & ~np.isnan(colors.values)
        total, _, _ = np.histogram2d(x[fits], y[fits], (across, up), weights=colors.values[fits])
        number, _, _ = np.histogram2d(x[fits], y[fits], (across, up))
        shown = np.divide(total, number, out=np.full_like(total, np.nan), where=number > 0)
    scale: dict[str, object] = {"colorscale": list(theme.VIRIDIS)}
    if colors.options:
        scale = {"colorscale": theme.steps(len(colors.options)), "zmin": -0.5, "zmax": len(colors.options) - 0.5}
    figure.add_heatmap(
        x=(across[:-1] + across[1:]).astype(np.float32) / 2,
        y=(up[:-1] + up[1:]).astype(np.float32) / 2,
        z=shown.T.astype(np.float32),
        colorbar=_bar(colors),
        hoverinfo="skip",
        name="density",
        **scale,
    )
    column = np.clip(np.digitize(x[known], across) - 1, 0, FIELDS[0] - 1)
    row = np.clip(np.digitize(y[known], up) - 1, 0, FIELDS[1] - 1)
    field = column * FIELDS[1] + row
    order = np.lexsort((-y[known] if score.higher_is_better else y[known], field))
    _, first = np.unique(field[order], return_index=True)
    leaders = frame[known].iloc[order[first]]
    trace = _points(leaders, cost, score, {"color": theme.NEUTRAL, "opacity": 0}, "fields", None)
    trace.update(hovertext=None, customdata=counts.ravel()[field[order[first]]].astype(np.int32))
    trace.update(hovertemplate="<b>%{text}</b>, the best of %{customdata:,} here<extra></extra>")
    trace.update(unselected={"marker": {"opacity": 0}}, selectedpoints=None)
    figure.add_trace(trace)
    best = frame[known].sort_values(score.column, ascending=not score.higher_is_better, kind="stable").head(BEST)
    figure.add_trace(_points(best, cost, score, {"color": theme.ORANGE, "size": 4}, "best", None))


def _points(
    frame: pd.DataFrame, cost: Cost, score: Score, marker: dict[str, object], name: str, chosen: int | None
) -> go.Scattergl:
    """One trace of candidates. Single precision is more than anybody sees, and halves what goes to the browser."""
    other = next(each for each in COSTS.values() if each != cost)
    units = {each: each.scale(frame[each.column]) for each in (cost, other)}
    words = {each: f"{unit.prefix} {each.name}".strip() for each, unit in units.items()}
    opacity = {"marker": {"opacity": 0.65}}
    return go.Scattergl(
        x=(frame[cost.column] / units[cost].factor).to_numpy(np.float32),
        y=frame[score.column].to_numpy(np.float32),
        mode="markers",
        marker={"size": 5 if len(frame) > 5000 else 7, **opacity["marker"], **marker},
        name=name,
        text=frame["id"].to_numpy(),
        hovertext=frame["code"].to_numpy(),
        customdata=(frame[other.column] / units[other].factor).to_numpy(np.float32),
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
    marker: dict[str, object] = {
        "color": colors.values[applies].astype(np.float32),
        "colorscale": list(theme.VIRIDIS),
        "colorbar": _bar(colors),
    }
    if colors.options:
        count = len(colors.options)
        marker |= {"colorscale": theme.steps(count), "cmin": -0.5, "cmax": count - 0.5}
    return marker


def _bar(colors: Coloring) -> dict[str, object]:
    bar: dict[str, object] = {
        "title": {"text": colors.title, "side": "right"},
        "thickness": 10,
        "outlinewidth": 0,
        "len": 0.9,
    }
    if colors.options:
        bar |= {"tickvals": list(range(len(colors.options))), "ticktext": list(colors.options)}
    return bar


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
