"""What belongs to a block beside its branches: slices of channels, the moving average of its weights."""

import pandas as pd
import plotly.graph_objects as go

from app import theme
from app.figures.intervals import interval
from app.figures.ranking import plain
from app.views.interference.readings import ends
from toolkit.interference.table import Measure

ROW = 22


def bars(table: pd.DataFrame, measure: Measure) -> go.Figure:
    """One bar a part, with its 95 % interval where there is one.

    Args:
        table: `part`, `value`, `margin`.
    """
    low, high = ends(table["value"], table["margin"], measure)
    figure = go.Figure(
        go.Bar(
            x=table["value"],
            y=table["part"].map(plain),
            orientation="h",
            marker={"color": theme.BLUE},
            error_x=interval(table["value"], low, high, color=theme.NEUTRAL, thickness=1.5, width=3),
            hovertemplate="%{y}: %{x:,.4~g}<extra></extra>",
        )
    )
    theme.style(figure, 90 + ROW * len(table), bargap=0.25, margin_t=8)
    figure.update_xaxes(title_text=measure.label)
    figure.update_yaxes(autorange="reversed", type="category")
    return figure
