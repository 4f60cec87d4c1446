"""The network from input to output, every block and branch in the colour of its interference."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from app import theme
from app.figures.interference.cells import Look, add_cells, add_scale, number
from app.figures.interference.margins import fix_margins
from app.figures.ranking import plain
from app.views.blocks import Block
from app.views.interference.readings import margin
from app.views.interference.strip import Strip

BLOCKS = 84
"""Pixels for the row of blocks."""

BRANCH = 15
"""Pixels for a row of branches; half of it where there are many."""

MANY = 20
SHORT = 4
"""Labels of options up to so many letters are written into their cells."""

LOWEST = 0.2
"""The height of a block without channels of its own, as a share of the tallest."""

SPACE = 0.4
"""Between the branches of one decision and of the next, in rows."""


def network(strip: Strip, look: Look, chosen: int, *, low: bool = False) -> go.Figure:
    """Blocks as tall as they have channels; the branches of each below it.

    Args:
        chosen: the position to mark.
        low: leave room for another strip: thin branches, without their names.
    """
    branches = strip.branches.assign(height=1.0, y=-strip.branches["row"] - SPACE * strip.branches["group"] - 0.5)
    rows = 0.5 - float(branches["y"].min()) if len(branches) else 0.0
    thin = low or rows > MANY
    written = not thin and bool((branches["branch"].str.len() <= SHORT).all())
    heights = [BLOCKS / (2 if low and rows else 1), *([rows * BRANCH / (2 if thin else 1)] if rows else [])]
    figure = make_subplots(
        rows=len(heights), cols=1, shared_xaxes=True, row_heights=heights, vertical_spacing=0.02 if rows else None
    )
    tall = pd.DataFrame({"block": range(len(strip.network)), "height": _heights(strip.network), "y": 0.5})
    blocks = tall.merge(strip.blocks, how="left", on="block")
    add_cells(figure, _cells(blocks, strip, look).assign(words=""), look, row=1, col=1)
    words = branches["branch"].map(plain) if written else ""
    if rows:
        add_cells(figure, _cells(branches, strip, look).assign(words=words), look, size=9, row=2, col=1)
    add_scale(figure, look)
    names = [plain(block.name) for block in strip.network]
    theme.style(
        figure,
        int(sum(heights)) + 70,
        barmode="overlay",
        hovermode="closest",
        clickmode="event+select",
        dragmode=False,
        showlegend=False,
        margin_t=8,
    )
    if low or not rows:  # there is no room
        ends = [look.axis["cmin"], look.axis["cmax"]]
        figure.update_layout(
            coloraxis_colorbar={"title": {"text": ""}, "len": 1, "y": 0.5, "tickvals": ends, "tickformat": ".2~g"}
        )
    figure.update_yaxes(visible=False, fixedrange=True)
    figure.update_yaxes(range=[0, 1], row=1)
    if rows:
        figure.update_yaxes(range=[-rows - 0.1, 0.1], row=2)
    figure.update_xaxes(
        tickvals=list(range(len(names))),
        ticktext=names,
        range=[-0.6, len(names) - 0.4],
        showgrid=False,
        fixedrange=True,
    )
    figure.update_xaxes(title_text="Block (stage.number), from input to output", row=len(heights))
    fix_margins(figure)
    outline = {"color": theme.NEUTRAL, "width": 2}
    figure.add_shape(
        type="rect", x0=chosen - 0.5, x1=chosen + 0.5, y0=-0.01, y1=1, xref="x", yref="paper", line=outline
    )
    return figure


def _heights(network: list[Block]) -> list[float]:
    """Of the blocks, as shares of the tallest."""
    most = max(max(block.widths, default=0) for block in network) or 1
    return [max(max(block.widths, default=0) / most, LOWEST) for block in network]


def _cells(table: pd.DataFrame, strip: Strip, look: Look) -> pd.DataFrame:
    """What `add_cells` asks for, but for the words."""
    known = None if look.difference else look.measure
    sure = [value is not pd.NA and bool(value == 1) for value in table["sure"]]
    hover = []
    for row, half, certain in zip(table.to_dict("records"), margin(table), sure, strict=True):
        block = strip.network[row["block"]]
        what = f"{row['decision']} = {row['branch']}" if "branch" in row else block.text
        said = f"<b>{plain(block.name)}</b>: {plain(what)}<br>{number(row['value'], half, sure=certain, measure=known)}"
        if np.isfinite(row.get("chance", np.nan)) and row["chance"]:
            said += f"<br>by chance {row['chance']:.2g}"
        hover.append(said)
    return table.assign(x=table["block"], sure=sure, hover=hover, key=table["block"])
