"""Room for the labels of axes."""

import plotly.graph_objects as go

LETTER = 6.5
"""Pixels for a letter of a label, at most."""


def fix_margins(figure: go.Figure, *, left: float = 8, bottom: float = 50) -> None:
    """Set the room for labels in pixels, in place, where it is known beforehand.

    Plotly would search for it and draw all axes anew each time: half of the time that a figure with many labels takes.
    """
    figure.update_xaxes(automargin=False)
    figure.update_yaxes(automargin=False)
    figure.update_layout(margin_l=left, margin_b=bottom)
