"""Rank correlations with their intervals, and the points behind them."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from app import text, theme

SCORE = "score"
ROW_HEIGHT = 44


def forest(table: pd.DataFrame, note: str) -> go.Figure:
    """One panel per metric, one row per estimator, each a point with its 95 % interval.

    Args:
        table: `views.ranking.estimates` or `differences`.
        note: title of the horizontal axes.
    """
    metrics, estimators = list(table["metric"].unique()), list(table["estimator"].unique())
    figure = make_subplots(
        rows=1, cols=len(metrics), subplot_titles=metrics, shared_yaxes=True, horizontal_spacing=0.03
    )
    for column, metric in enumerate(metrics, start=1):
        rows = table[table["metric"] == metric]
        colors = [theme.BLUE if SCORE in name else theme.NEUTRAL for name in rows["estimator"]]
        for (_, row), color in zip(rows.iterrows(), colors, strict=True):
            figure.add_scatter(
                x=[row["value"]],
                y=[row["estimator"]],
                error_x={
                    "type": "data",
                    "symmetric": False,
                    "array": [row["high"] - row["value"]],
                    "arrayminus": [row["value"] - row["low"]],
                    "thickness": 2.5,
                    "width": 0,
                    "color": color,
                },
                mode="markers",
                marker={"size": 11, "color": color},
                hovertemplate=f"{row['estimator']}<br>%{{x:.3f}} [{row['low']:.3f}, {row['high']:.3f}]<extra></extra>",
                row=1,
                col=column,
            )
        figure.add_vline(x=0, line={"color": theme.NEUTRAL, "width": 1, "dash": "dot"}, row=1, col=column)
    low, high = np.nanmin([*table["low"], 0.0]), np.nanmax([*table["high"], 0.0])
    low, high = (low, high) if low < high else (-1.0, 1.0)
    pad = 0.06 * (high - low)
    theme.style(figure, height=110 + ROW_HEIGHT * len(estimators), showlegend=False, margin_t=40)
    figure.update_xaxes(range=[low - pad, high + pad], title_text=note)
    figure.update_yaxes(categoryorder="array", categoryarray=estimators[::-1], range=[-0.6, len(estimators) - 0.4])
    figure.update_annotations(font_size=14)
    return figure


def scatter(table: pd.DataFrame, *, ranks: bool) -> go.Figure:
    """Predicted against true, as values or as ranks; on the diagonal of ranks the prediction is right.

    Args:
        table: `views.ranking.predictions`.
        ranks: show ranks, 1 the best, instead of values.
    """
    x, y = table["predicted"], table["true"]
    if ranks:
        x, y = x.rank(ascending=False), y.rank(ascending=False)
    unit = text.unit(table["macs"].max())
    figure = go.Figure()
    if ranks:
        ends = [0.5, len(table) + 0.5]
        figure.add_scatter(
            x=ends, y=ends, mode="lines", line={"color": theme.NEUTRAL, "dash": "dot", "width": 1}, hoverinfo="skip"
        )
    figure.add_scattergl(
        x=x,
        y=y,
        mode="markers",
        marker={
            "size": 10 if len(table) < 500 else 5,
            "color": table["macs"] / unit.factor,
            "colorscale": list(theme.VIRIDIS),
            "colorbar": {"title": {"text": text.axis_title("MACs", unit.name), "side": "right"}, "thickness": 10},
        },
        text=table["id"],
        hovertext=table["code"],
        customdata=table[["predicted", "true", "macs", "params"]].to_numpy(float),
        hovertemplate=(
            "<b>%{text}</b><br>%{hovertext}<br><br>predicted %{customdata[0]:.4f}   alone %{customdata[1]:.4f}<br>"
            "%{customdata[2]:.4s} MACs   %{customdata[3]:.4s} parameters<extra></extra>"
        ),
    )
    what = "rank (1 = best)" if ranks else "score"
    theme.style(
        figure,
        height=430,
        showlegend=False,
        hovermode="closest",
        xaxis_title=f"Predicted {what}, from the supernet",
        yaxis_title="True rank (1 = best), trained alone" if ranks else "True accuracy (fraction), trained alone",
    )
    if ranks:
        figure.update_xaxes(autorange="reversed")
        figure.update_yaxes(autorange="reversed")
    return figure
