"""Charts of the Predictor page: what stands in them comes from `app.views.predictor`."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from app import theme
from app.figures.intervals import interval
from app.figures.ranking import plain

HEIGHT = 400
COLUMNS = 6
ROW = 135
MOST = 4_000
"""Points of the scatter at most; more hide each other."""


def scatter(points: pd.DataFrame, ids: Mapping[str, str]) -> go.Figure:
    """Labels against what they are predicted as without themselves."""
    step = max(1, -(-len(points) // MOST))
    shown = points.iloc[::step]
    ends = [float(points[["label", "predicted"]].min().min()), float(points[["label", "predicted"]].max().max())]
    figure = go.Figure()
    figure.add_scattergl(
        x=shown["predicted"],
        y=shown["label"],
        mode="markers",
        marker={"size": 5, "color": theme.BLUE, "opacity": 0.85},
        text=[ids.get(code, code) for code in shown["code"]],
        customdata=shown["sd"],
        hovertemplate="%{text}<br>label %{y:.4g}<br>predicted %{x:.4g} ± %{customdata:.2g}<extra></extra>",
    )
    figure.add_scatter(x=ends, y=ends, mode="lines", line={"color": theme.NEUTRAL, "dash": "dash"}, hoverinfo="skip")
    figure.update_xaxes(title="predicted without itself")
    figure.update_yaxes(title="label")
    return theme.style(figure, HEIGHT, showlegend=False)


def curve(tables: Mapping[str, pd.DataFrame]) -> go.Figure:
    """Kendall tau against the number of labels, with 95% intervals; a line for each run."""
    figure = go.Figure()
    for number, (name, table) in enumerate(tables.items()):
        figure.add_scatter(
            x=table["labels"],
            y=table["tau"],
            error_y=interval(table["tau"], table["low"], table["high"], thickness=2),
            mode="lines+markers",
            name=plain(name),
            marker={"color": theme.color(number)},
            line={"color": theme.color(number), "width": 1.5, "dash": theme.dash(number)},
            hovertemplate="%{x:,} labels<br>tau %{y:.3f}<extra></extra>",
        )
    sizes = sorted({size for table in tables.values() for size in table["labels"]})
    figure.update_xaxes(title="labels", type="log", tickvals=sizes, ticktext=[f"{size:,}" for size in sizes])
    figure.update_yaxes(title="Kendall tau on the others")
    return theme.style(figure, HEIGHT, showlegend=len(tables) > 1)


def residuals(table: pd.DataFrame) -> go.Figure:
    """Mean residual of each option of one decision, with two standard errors."""
    figure = go.Figure()
    figure.add_hline(y=0, line={"color": theme.NEUTRAL, "dash": "dash"})
    figure.add_scatter(
        x=table["option"],
        y=table["residual"],
        error_y={"type": "data", "array": 2 * table["se"], "thickness": 2, "width": 0},
        mode="markers",
        marker={"color": theme.BLUE, "size": 8},
        customdata=table["networks"],
        hovertemplate="%{x}: %{y:.3g}, %{customdata:,} networks<extra></extra>",
    )
    figure.update_xaxes(type="category", title="option")
    figure.update_yaxes(title="label − prediction")
    return theme.style(figure, HEIGHT, showlegend=False)


def effects(tables: Mapping[str, pd.DataFrame], decisions: Sequence[str]) -> go.Figure:
    """A small panel per decision: the effect of each of its options by each source, all on one scale."""
    rows = -(-len(decisions) // COLUMNS)
    figure = make_subplots(
        rows,
        COLUMNS,
        shared_yaxes=True,
        subplot_titles=list(decisions),
        vertical_spacing=48 / (ROW * rows),
        horizontal_spacing=0.015,
    )
    widest = max(float(np.nanmax(np.abs(table["effect"]))) for table in tables.values()) * 1.1 or 1.0
    for number, (name, table) in enumerate(tables.items()):
        for place, decision in enumerate(decisions):
            own = table[table["decision"] == decision]
            figure.add_scatter(
                x=own["option"],
                y=own["effect"],
                name=plain(name),
                legendgroup=name,
                showlegend=place == 0,
                mode="lines+markers",
                marker={"size": 4, "color": theme.color(number)},
                line={"width": 1.5, "color": theme.color(number), "dash": theme.DASHES[number]},
                hovertemplate=f"{decision} = %{{x}}: %{{y:+.2f}} sd<extra></extra>",
                row=place // COLUMNS + 1,
                col=place % COLUMNS + 1,
            )
    figure.update_yaxes(range=[-widest, widest], zeroline=True, nticks=3)
    figure.update_xaxes(type="category", nticks=4, tickangle=0)
    figure.update_annotations(font_size=11)
    height = max(HEIGHT, ROW * rows + 60)
    theme.style(figure, height, margin={"l": 8, "r": 8, "t": 72, "b": 8})
    return figure.update_layout(legend={"y": 1 + 30 / height})
