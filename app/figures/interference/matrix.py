"""Branch against branch, and path against path."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from app import theme
from app.figures.interference.cells import Look, add_cells, add_scale, number
from app.figures.interference.margins import LETTER, fix_margins
from app.figures.ranking import plain
from app.views.interference.matrix import Matrix
from app.views.interference.readings import ends
from toolkit.interference.table import Measure

WRITTEN = 8
"""Up to so many rows every cell has its number in it."""

CELL = 46
"""Pixels for a row."""

LEAST, MOST = 190, 420
"""Pixels for all rows."""

SHORT, FEW = 6, 4
"""Longer labels are turned, where there are more of them."""


def matrix(
    found: Matrix, look: Look, axis: str, *, ticks: Sequence[str] | None = None, hover: Sequence[str] | None = None
) -> go.Figure:
    """Every pair in a cell: row the first, column the second.

    Args:
        axis: what rows and columns are.
        ticks: short labels, where the matrix's own are long.
        hover: what is said of row and column beside their labels.
    """
    count = len(found.labels)
    shown = [plain(label) for label in ticks or found.labels]
    said = [plain(label) for label in hover or found.labels]
    rows, columns = (index.ravel() for index in np.indices((count, count)))
    values, halves = (part.ravel().tolist() for part in (found.values, found.margins))
    sure = found.sure.ravel().tolist()
    cells = pd.DataFrame({"x": columns, "y": -rows, "height": 1.0, "value": values, "sure": sure, "key": ""})
    figure = go.Figure()
    add_cells(
        figure,
        cells.assign(
            words=[
                _written(value, half, look.measure) if count <= WRITTEN else ""
                for value, half in zip(values, halves, strict=True)
            ],
            hover=[
                f"<b>{said[i]}</b> and <b>{said[j]}</b><br>{number(value, half, sure=certain, measure=look.measure)}"
                for i, j, value, half, certain in zip(rows, columns, values, halves, sure, strict=True)
            ],
        ),
        look,
        size=12,
    )
    add_scale(figure, look)
    theme.style(
        figure,
        min(max(CELL * count, LEAST), MOST) + 80,
        barmode="overlay",
        hovermode="closest",
        showlegend=False,
        dragmode=False,
        margin_t=8,
    )
    places = list(range(count))
    longest = max(map(len, shown), default=0)
    turned = -40 if longest > SHORT and count > FEW else 0
    figure.update_xaxes(
        tickvals=places, ticktext=shown, range=[-0.55, count - 0.45], showgrid=False, fixedrange=True, tickangle=turned
    )
    figure.update_yaxes(
        tickvals=[-place for place in places],
        ticktext=shown,
        range=[0.55 - count, 0.55],
        showgrid=False,
        fixedrange=True,
    )
    figure.update_xaxes(title_text=axis)
    fix_margins(figure, left=16 + LETTER * longest, bottom=50 + (0.6 * LETTER * longest if turned else 0))
    return figure


def _written(value: float, half: float, measure: Measure) -> str:
    """A value, and below it in small half its interval, or both ends where the measure ends sooner."""
    if np.isnan(value):
        return ""
    shown = f"{value:.2f}" if abs(value) < 100 else f"{value:,.0f}"
    if np.isnan(half):
        return shown
    error = f"{half:.2g}" if half == 0 or half >= 0.001 else "&lt; 0.001"
    low, high = ends(value, half, measure)
    width = f"{low:.2g} to {high:.2g}" if high - low < 1.999 * half else f"± {error}"
    return f"{shown}<br><span style='font-size:9px'>{width}</span>"
