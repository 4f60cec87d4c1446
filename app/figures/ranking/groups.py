"""Who is under-estimated: shifts of rank by size, and by choice."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from app import text, theme
from app.figures.intervals import interval
from app.figures.ranking import FACING_FAINT
from toolkit.ranking.metrics import FEW

UNDER = "under-estimated by (% of all ranks)"
FITTING = 12
"""So many columns leave room for numbers in their fields."""


def quintiles(table: pd.DataFrame) -> go.Figure:
    """One panel per size, a bar for each fifth of the networks: above 0 the score under-estimates them.

    Args:
        table: `views.ranking.misjudged.quintiles`.
    """
    sizes = list(table["size"].unique())
    figure = make_subplots(
        rows=1, cols=len(sizes), subplot_titles=[f"by {size}" for size in sizes], shared_yaxes=True,
        horizontal_spacing=0.03,
    )  # fmt: skip
    for column, size in enumerate(sizes, start=1):
        rows = table[table["size"] == size]
        labels = [_range(low, high) for low, high in zip(rows["lowest"], rows["highest"], strict=True)]
        figure.add_bar(
            x=[str(number) for number in rows["group"]],
            y=rows["shift"],
            error_y=interval(rows["shift"], rows["low"], rows["high"], color=theme.NEUTRAL, thickness=1.5, width=3),
            marker={"color": [theme.BLUE if shift > 0 else theme.VERMILLION for shift in rows["shift"]]},
            customdata=np.column_stack([labels, rows["networks"], rows["under"]]),
            hovertemplate=(
                f"{size} %{{customdata[0]}}<br>%{{customdata[1]}} networks<br>shifted by %{{y:+.1f}} %"
                "<br>RD %{customdata[2]:.1f} %<extra></extra>"
            ),
            row=1,
            col=column,
        )
        figure.add_hline(y=0, line={"color": theme.NEUTRAL, "width": 1}, row=1, col=column)
    theme.style(figure, height=330, showlegend=False, bargap=0.25, margin_t=40)
    figure.update_xaxes(title_text="fifth of the networks, from the smallest", type="category")
    figure.update_yaxes(title_text="under-estimated by (%)", title_standoff=16, col=1)
    figure.update_annotations(font_size=14)
    return figure


def branches(table: pd.DataFrame) -> go.Figure:
    """A field for every option of every decision; what the score over- and under-estimates has a colour.

    Options that fewer than ten networks have are left empty.

    Args:
        table: `views.ranking.misjudged.branches`.
    """
    known = table[table["networks"] >= FEW]
    decisions, options = list(table["decision"].unique()), list(known["option"].unique())
    if all(option.isdecimal() for option in options):
        options.sort(key=int)
    grid, words = (np.full((len(options), len(decisions)), empty, dtype=object) for empty in (np.nan, ""))
    for row in known.itertuples():
        place = options.index(row.option), decisions.index(row.decision)
        grid[place] = row.shift
        words[place] = f"{row.networks:,} networks<br>shifted by {row.shift:+.1f} % [{row.low:+.1f}, {row.high:+.1f}]"
    most = float(known["shift"].abs().max()) if len(known) else 1.0
    figure = go.Figure(
        go.Heatmap(
            x=decisions,
            y=options,
            z=grid.astype(float),
            zmid=0,
            zmin=-most,
            zmax=most,
            colorscale=FACING_FAINT,
            customdata=words,
            xgap=3,
            ygap=3,
            hovertemplate="%{x}: %{y}<br>%{customdata}<extra></extra>",
            colorbar={"title": {"text": UNDER, "side": "right"}, "thickness": 10, "outlinewidth": 0},
        )
    )
    if len(decisions) <= FITTING:
        # A heatmap chooses the colour of its own letters for opaque fields; these are the page's.
        figure.add_scatter(
            x=known["decision"],
            y=known["option"],
            mode="text",
            text=[f"{shift:+.1f}" for shift in known["shift"]],
            hoverinfo="skip",
            showlegend=False,
        )
    theme.style(figure, height=150 + 34 * len(options), margin_t=12)
    figure.update_xaxes(type="category", showgrid=False, tickangle=-45 if len(decisions) > FITTING else 0)
    figure.update_yaxes(type="category", autorange="reversed", showgrid=False)
    return figure


def _range(low: float, high: float) -> str:
    def show(value: float) -> str:
        return text.si(value) if value >= 1000 else f"{value:.3g}"

    return show(low) if low == high else f"{show(low)} to {show(high)}"
