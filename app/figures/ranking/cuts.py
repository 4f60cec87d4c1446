"""Kendall's tau as the range is cut from the top."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from app import theme
from app.figures.ranking import SYMBOLS, colors, plain
from app.views.ranking.cuts import By, Cut
from app.views.ranking.subject import SCORE

TICKS = (100, 50, 20, 10, 5, 2, 1)


def curve(table: pd.DataFrame, by: By, at: Cut | None = None) -> go.Figure:
    """A line per estimator, the score's with its 95 % band.

    Args:
        table: `views.ranking.cuts.table`.
        at: the cut to mark.
    """
    figure = go.Figure()
    hues = colors(list(table["estimator"].unique()))
    score = table[table["estimator"] == SCORE]
    figure.add_scatter(
        x=100 * np.concatenate([score["share"], score["share"][::-1]]),
        y=np.concatenate([score["low"], score["high"][::-1]]),
        mode="lines",
        fill="toself",
        fillcolor=theme.BLUE,
        opacity=0.18,
        line={"width": 0},
        hoverinfo="skip",
        showlegend=False,
    )
    for number, (name, rows) in enumerate(table.groupby("estimator", sort=False)):
        figure.add_scatter(
            x=100 * rows["share"],
            y=rows["tau"],
            mode="lines+markers",
            name=plain(str(name)),
            line={"color": hues[str(name)], "width": 3 if name == SCORE else 1.5},
            marker={"size": 8 if name == SCORE else 7, "symbol": SYMBOLS[number % len(SYMBOLS)]},
            customdata=rows["networks"],
            hovertemplate="%{y:.3f}, %{customdata:,} networks",
        )
    figure.add_hline(y=0, line={"color": theme.NEUTRAL, "width": 1, "dash": "dot"})
    if at is not None:
        figure.add_vline(x=100 * at.share, line={"color": theme.ORANGE, "width": 2})
    theme.style(figure, height=400, hovermode="x unified", uirevision=by)
    ticks = [tick for tick in TICKS if table.empty or tick >= 99 * table["share"].min()]
    side = "truly" if by == "truth" else "by the score"
    figure.update_xaxes(
        type="log",
        autorange="reversed",
        tickvals=ticks,
        ticktext=[f"{tick} %" for tick in ticks],
        title_text=f"Share of the networks that is kept, {side} the best",
    )
    figure.update_yaxes(title_text="Kendall tau among them", title_standoff=16)
    return figure
