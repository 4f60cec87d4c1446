"""Shifts of several runs over steps: a panel for each kind, a line for each run."""

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from app import theme
from app.figures.ranking import plain
from app.views.interference.shifts import SHIFTS

COLUMNS = 3
PANEL = 200


def shifts(table: pd.DataFrame) -> go.Figure:
    """`views.interference.shifts.shifts` as small panels."""
    kinds = [kind for kind in SHIFTS if kind in set(table["shift"])]
    rows = -(-len(kinds) // COLUMNS)
    figure = make_subplots(
        rows=rows, cols=COLUMNS, subplot_titles=kinds, vertical_spacing=0.35 / max(rows, 1), horizontal_spacing=0.07
    )
    for number, run in enumerate(dict.fromkeys(table["run"])):
        for panel, kind in enumerate(kinds):
            line = table[(table["run"] == run) & (table["shift"] == kind)]
            figure.add_trace(
                go.Scatter(
                    x=line["step"],
                    y=line["value"],
                    mode="lines+markers",
                    name=plain(run),
                    legendgroup=run,
                    showlegend=panel == 0,
                    line={"color": theme.color(number), "dash": theme.dash(number)},
                    hovertemplate="step %{x:,}: %{y:.3g}",
                ),
                row=panel // COLUMNS + 1,
                col=panel % COLUMNS + 1,
            )
    theme.style(figure, rows * PANEL + 70, showlegend=True, hovermode="closest", margin_t=60)
    figure.update_xaxes(title_text="Optimiser steps")
    figure.update_yaxes(rangemode="tozero", nticks=5)
    figure.update_annotations(font_size=13)
    return figure
