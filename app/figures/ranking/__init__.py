"""Charts of the Rank correlation page: what stands in them comes from `app.views.ranking`."""

import math
from collections.abc import Sequence

import plotly.graph_objects as go

from app import theme
from app.views.ranking.subject import SCORE

SYMBOLS = ("circle", "square", "diamond", "cross", "triangle-up", "star", "x")

FACING = [theme.VERMILLION, theme.NEUTRAL, theme.BLUE]
"""From over-estimated to under-estimated, for points: the middle must show."""

FACING_FAINT = [(0.0, theme.VERMILLION), (0.5, theme.FAINT), (1.0, theme.BLUE)]
"""The same for fields, where nothing special shall look like nothing."""


def mark(figure: go.Figure, x: float, words: str, *, top: bool) -> None:
    """A line at `x` of a logarithmic axis, and what it stands for."""
    figure.add_vline(x=x, line={"color": theme.ORANGE, "width": 2})
    figure.add_annotation(
        x=math.log10(x),
        y=int(top),
        yref="paper",
        text=words,
        showarrow=False,
        xanchor="left",
        yanchor="top" if top else "bottom",
        xshift=5,
    )


def plain(name: str) -> str:
    """A name from a file: plotly would read its tags as HTML."""
    return name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def colors(names: Sequence[str]) -> dict[str, str]:
    """A colour for each estimator: the score is blue, whatever stands beside it."""
    others = [name for name in names if name != SCORE]
    return {SCORE: theme.BLUE} | {name: theme.color(number) for number, name in enumerate(others, start=1)}
