"""Interference against something else: how different two paths are, or how wrong the ranking is."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from app import theme
from app.figures.intervals import interval
from app.figures.ranking import plain
from app.views.interference.readings import ends
from toolkit.interference.table import Measure

HEIGHT = 380


def distance(pairs: pd.DataFrame, means: pd.DataFrame, measure: Measure) -> go.Figure:
    """Every pair of paths as a point, and the mean at each distance with its 95 % interval.

    Args:
        pairs: `views.interference.paths.Paths.pairs`.
        means: `views.interference.paths.by_distance`.
    """
    figure = go.Figure()
    spread = np.random.default_rng(0).uniform(-0.15, 0.15, len(pairs))  # or equal distances would hide each other
    figure.add_scatter(
        x=pairs["distance"] + spread,
        y=pairs["value"],
        mode="markers",
        marker={"size": 6, "color": theme.NEUTRAL, "opacity": 0.6},
        name="pair of paths",
        customdata=pairs["distance"],
        hovertemplate="%{y:.3f} at distance %{customdata}<extra></extra>",
    )
    figure.add_scatter(
        x=means["distance"],
        y=means["value"],
        mode="lines+markers",
        line={"color": theme.BLUE, "width": 2},
        marker={"size": 9},
        error_y=_bars(means["value"], means["margin"], theme.BLUE, measure),
        name="mean with 95 % interval",
        customdata=means["pairs"],
        hovertemplate="%{y:.3f}, mean of %{customdata} pairs<extra></extra>",
    )
    figure.add_hline(y=0, line={"color": theme.NEUTRAL, "width": 1, "dash": "dot"})
    theme.style(figure, HEIGHT, hovermode="closest")
    figure.update_xaxes(title_text="Hamming distance: decisions answered differently")
    figure.update_yaxes(title_text=measure.label)
    return figure


def against_error(points: pd.DataFrame, measure: Measure, error: str) -> go.Figure:
    """Interference across, ranking error up: one point per branch or decision.

    Args:
        points: `views.interference.ranking_error.points`.
        error: title of the vertical axis.
    """
    figure = go.Figure()
    figure.add_scatter(
        x=points["interference"],
        y=points["error"],
        mode="markers",
        marker={"size": 9, "color": theme.BLUE, "opacity": 0.75},
        error_x=_bars(points["interference"], points["interference_margin"], theme.FAINT, measure),
        error_y=_bars(points["error"], points["error_margin"], theme.FAINT),
        text=points["name"].map(plain),
        hovertemplate="<b>%{text}</b><br>interference %{x:.3g}<br>error %{y:.3g} %<extra></extra>",
    )
    theme.style(figure, HEIGHT, hovermode="closest", showlegend=False, margin_t=8)
    figure.update_xaxes(title_text=measure.label)
    figure.update_yaxes(title_text=error)
    if points["error"].min() >= 0:
        figure.update_yaxes(range=[-0.02 * points["error"].max(), 1.1 * points["error"].max() or 1.0])
    return figure


def _bars(
    value: "pd.Series[float]", half: "pd.Series[float]", color: str, measure: Measure | None = None
) -> dict[str, object]:
    return interval(value, *ends(value, half, measure), color=color, thickness=1)
