"""Correlations with their intervals, one panel per metric."""

from collections.abc import Collection

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from app import theme
from app.figures.intervals import interval
from app.figures.ranking import plain
from app.views.ranking.subject import SCORE

ROW_HEIGHT = 42


def forest(table: pd.DataFrame, note: str, highlighted: Collection[str] = (SCORE,)) -> go.Figure:
    """One panel per metric, one row per estimator, each a point with its 95 % interval.

    Args:
        table: `views.ranking.estimates.table`.
        note: title of the horizontal axes.
        highlighted: estimators in colour; the others are there for comparison.
    """
    known = table.dropna(subset="value")
    table = table[table["metric"].isin(known["metric"])] if len(known) else table
    metrics, estimators = list(table["metric"].unique()), [plain(name) for name in table["estimator"].unique()]
    figure = make_subplots(
        rows=1, cols=len(metrics), subplot_titles=metrics, shared_yaxes=True, horizontal_spacing=0.02
    )
    for column, metric in enumerate(metrics, start=1):
        rows = table[table["metric"] == metric]
        chosen = rows["estimator"].isin(highlighted)
        for color, part in ((theme.BLUE, rows[chosen]), (theme.NEUTRAL, rows[~chosen])):
            if part.empty:
                continue
            figure.add_scatter(
                x=part["value"],
                y=[plain(name) for name in part["estimator"]],
                error_x=interval(part["value"], part["low"], part["high"], thickness=2.5, color=color),
                mode="markers+text",
                marker={"size": 8, "color": color},
                text=[f"{value:.2f}" if np.isfinite(value) else None for value in part["value"]],
                textposition="top center",
                textfont={"size": 11},
                customdata=part[["low", "high"]],
                hovertemplate="%{y}<br>%{x:.3f} [%{customdata[0]:.3f}, %{customdata[1]:.3f}]<extra></extra>",
                row=1,
                col=column,
            )
        figure.add_vline(x=0, line={"color": theme.NEUTRAL, "width": 1, "dash": "dot"}, row=1, col=column)
    ends = np.array([*table["low"], *table["high"], *table["value"], 0.0], float)
    low, high = np.nanmin(ends), np.nanmax(ends)
    low, high = (low, high) if low < high else (-1.0, 1.0)
    pad = 0.06 * (high - low)
    theme.style(figure, height=100 + ROW_HEIGHT * len(estimators), showlegend=False, margin_t=36)
    figure.update_xaxes(range=[low - pad, high + pad], nticks=5)
    figure.update_xaxes(title_text=note, col=(len(metrics) + 1) // 2)
    figure.update_yaxes(categoryorder="array", categoryarray=estimators[::-1], range=[-0.6, len(estimators) - 0.4])
    figure.update_annotations(font_size=13)
    return figure
