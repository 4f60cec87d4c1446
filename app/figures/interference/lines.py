"""Values along something: over training, or along the network."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from app import theme
from app.figures.interference.margins import fix_margins
from app.figures.ranking import plain
from app.views.blocks import Block
from toolkit.interference.table import MEASURES, Measure

COLUMNS = 3
PANEL = 170
COLORS = (theme.BLUE, theme.GREEN)
"""Of the two runs; orange is for what is chosen."""


def course(courses: Mapping[str, pd.DataFrame], measure: Measure, x: str = "step") -> go.Figure:
    """One line per run over the steps, with its 95 % band.

    Args:
        courses: `views.interference.lines.course` by name of the run.
        x: `step` or `epoch`.
    """
    figure = go.Figure()
    for index, (name, table) in enumerate(courses.items()):
        _add_line(figure, table, measure, x, COLORS[index], theme.DASHES[index], plain(name))
    figure.add_hline(y=0, line={"color": theme.NEUTRAL, "width": 1, "dash": "dot"})
    theme.style(
        figure, 270, showlegend=len(courses) > 1, hovermode="x unified", margin_t=8 if len(courses) == 1 else 32
    )
    figure.update_xaxes(title_text={"step": "Optimiser steps", "epoch": "Epochs"}[x])
    figure.update_yaxes(title_text=measure.label)
    return figure


def profile(profiles: Mapping[str, pd.DataFrame], network: list[Block], chosen: int) -> go.Figure:
    """Small panels, one per measure: its value along the network with 95 % intervals, the chosen block in orange.

    Args:
        profiles: `views.interference.lines.profile` by name of the run.
    """
    measures = list(dict.fromkeys(measure for table in profiles.values() for measure in table["measure"]))
    rows = -(-len(measures) // COLUMNS)
    figure = make_subplots(
        rows=rows,
        cols=COLUMNS,
        shared_xaxes="all",
        subplot_titles=[MEASURES[name].label for name in measures],
        vertical_spacing=0.3 / max(rows, 1) ** 1.2,
        horizontal_spacing=0.06,
    )
    names = [plain(block.name) for block in network]
    for panel, name in enumerate(measures):
        place = {"row": panel // COLUMNS + 1, "col": panel % COLUMNS + 1}
        for index, (run, table) in enumerate(profiles.items()):
            own = table[table["measure"] == name]
            own = own.assign(name=[names[block] for block in own["block"]])
            color, dash = COLORS[index], theme.DASHES[index]
            _add_line(
                figure, own, MEASURES[name], "block", color, dash, plain(run), chosen=chosen, legend=panel == 0, **place
            )
    for panel in range(max(len(measures) - COLUMNS, 0), len(measures)):  # the lowest of each column
        figure.update_xaxes(showticklabels=True, title_text="Block", row=panel // COLUMNS + 1, col=panel % COLUMNS + 1)
    ticks = list(range(0, len(names), max(1, len(names) // 8)))
    several = len(profiles) > 1
    theme.style(figure, rows * PANEL + 60, showlegend=several, hovermode="closest", margin_t=60 if several else 30)
    figure.update_layout(legend_y=1 + 30 / (rows * PANEL))
    figure.update_xaxes(
        tickvals=ticks, ticktext=[names[tick] for tick in ticks], range=[-0.6, len(names) - 0.4], showgrid=False
    )
    figure.update_yaxes(nticks=4)
    figure.update_annotations(font_size=13)
    fix_margins(figure, left=42)
    return figure


def _add_line(
    figure: go.Figure,
    table: pd.DataFrame,
    measure: Measure,
    x: str,
    color: str,
    dash: str,
    name: str,
    *,
    chosen: int | None = None,
    legend: bool = True,
    **place: int,
) -> None:
    """A line over a band of its intervals, which ends where the measure does; its point at `chosen` is marked."""
    marked = table[x] == chosen
    banded = table.dropna(subset="margin")
    low, high = ((banded["value"] + sign * banded["margin"]).clip(measure.low, measure.high) for sign in (-1, 1))
    figure.add_scatter(
        x=np.concatenate([banded[x], banded[x][::-1]]),
        y=np.concatenate([high, low[::-1]]),
        fill="toself",
        fillcolor=color,
        opacity=0.18,
        line={"width": 0},
        mode="lines",
        hoverinfo="skip",
        showlegend=False,
        **place,
    )
    figure.add_scatter(
        x=table[x],
        y=table["value"],
        mode="lines+markers",
        line={"color": color, "width": 2, "dash": dash},
        marker={"size": np.where(marked, 10, 5), "color": np.where(marked, theme.VERMILLION, color), "opacity": 1},
        name=name,
        legendgroup=name,
        showlegend=legend,
        customdata=table.get("name"),
        error_y={"type": "data", "array": table["margin"], "visible": False},
        hovertemplate=("%{customdata}: " if "name" in table else "") + "%{y:.3g}<extra>" + name + "</extra>",
        **place,
    )


def paths(table: pd.DataFrame, measure: Measure) -> go.Figure:
    """A thin line per path over the steps, and their mean.

    Args:
        table: `views.interference.lines.paths_over_time`.
    """
    figure = go.Figure()
    for number, (code, own) in enumerate(table.groupby("path", sort=False), start=1):
        figure.add_scatter(
            x=own["step"],
            y=own["value"],
            mode="lines+markers",
            line={"color": theme.NEUTRAL, "width": 1},
            marker={"size": 4},
            opacity=0.6,
            name=f"P{number}",
            text=[plain(str(code))] * len(own),
            hovertemplate="%{y:.3g}: %{text}<extra></extra>",
            showlegend=False,
        )
    mean = table.groupby("step")["value"].mean()
    figure.add_scatter(
        x=mean.index,
        y=mean,
        mode="lines+markers",
        line={"color": theme.BLUE, "width": 3},
        marker={"size": 7},
        hovertemplate="%{y:.3g}: mean of all paths<extra></extra>",
        showlegend=False,
    )
    if measure.signed:
        figure.add_hline(y=0, line={"color": theme.NEUTRAL, "width": 1, "dash": "dot"})
    theme.style(figure, 300, hovermode="closest", margin_t=8)
    figure.update_xaxes(title_text="Optimiser steps")
    figure.update_yaxes(title_text=measure.label)
    return figure
