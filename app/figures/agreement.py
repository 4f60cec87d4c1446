"""Ranks in one run against ranks in another."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from app import theme
from app.figures.candidates import MANY
from app.figures.ranking import plain
from app.views.agreement import Both

HEIGHT = 470
FIELDS = 60


def ranks(found: Both, moved: pd.DataFrame, name: str, other: str) -> go.Figure:
    """Every candidate as a point, or a density of many, with the best at the upper right; who moved most in colour.

    Args:
        moved: `views.agreement.movers`.
        name, other: of the runs.
    """
    table = found.table
    figure = go.Figure()
    ends = [1, len(table)]
    if len(table) > MANY:
        counts, edges, _ = np.histogram2d(table["rank"], table["other_rank"], FIELDS, [[0.5, len(table) + 0.5]] * 2)
        middles = ((edges[:-1] + edges[1:]) / 2).astype(np.float32)
        figure.add_heatmap(
            x=middles,
            y=middles,
            z=np.where(counts > 0, counts, np.nan).T.astype(np.float32),
            colorscale=list(theme.VIRIDIS),
            colorbar={"title": {"text": "Candidates", "side": "right"}, "thickness": 10, "outlinewidth": 0, "len": 0.9},
            hoverinfo="skip",
            name="density",
        )
    else:
        figure.add_trace(_points(table, theme.NEUTRAL, 5, "candidates"))
    figure.add_scatter(
        x=ends, y=ends, mode="lines", line={"color": theme.NEUTRAL, "dash": "dash", "width": 1.5}, hoverinfo="skip"
    )
    for color, part in ((theme.SKY, moved[moved["moved"] > 0]), (theme.ORANGE, moved[moved["moved"] < 0])):
        figure.add_trace(_points(part, color, 9, "moved most"))
    theme.style(figure, HEIGHT, showlegend=False, hovermode="closest", clickmode="event+select", margin_t=12)
    room = 0.02 * len(table)
    figure.update_xaxes(title=f"Rank in {plain(name)}, 1 is the best", range=[len(table) + room, 1 - room])
    figure.update_yaxes(title=f"Rank in {plain(other)}", range=[len(table) + room, 1 - room])
    return figure


def _points(table: pd.DataFrame, color: str, size: int, name: str) -> go.Scatter:
    return go.Scatter(
        x=table["rank"].to_numpy(np.float32),
        y=table["other_rank"].to_numpy(np.float32),
        mode="markers",
        marker={"size": size, "color": color, "line": {"width": 1 if size > 6 else 0, "color": "white"}},
        text=table["id"].to_numpy(),
        hovertemplate="<b>%{text}</b><br>rank %{x:,} here, %{y:,} there<extra></extra>",
        name=name,
        unselected={"marker": {"opacity": 1}},  # what is clicked is shown above; here all stay as they are
    )
