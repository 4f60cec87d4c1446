"""What decides a score: decisions by importance, and the effects of their options."""

from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from app import theme
from app.figures.intervals import interval
from app.figures.ranking import plain
from app.views.decisions.additive import MISJUDGED, PREDICTED, TRUE, Fit

TITLES = {PREDICTED: "the score", TRUE: "the truth", MISJUDGED: "score less truth"}
COLORS = {TITLES[PREDICTED]: theme.BLUE, TITLES[TRUE]: theme.GREEN, TITLES[MISJUDGED]: theme.VERMILLION}
ROW = 24


def titled(fits: Mapping[str, Fit]) -> dict[str, Fit]:
    """The fits to a score and its truth by what they are called on the page."""
    return {TITLES[key]: found for key, found in fits.items()}


def importance(fits: Mapping[str, Fit], decisions: list[str]) -> go.Figure:
    """One panel per fit, one bar per decision: the share of the variance that it explains; sure ones in colour.

    Args:
        fits: by title.
    """
    figure = make_subplots(
        1, len(fits), shared_yaxes=True, horizontal_spacing=0.03, subplot_titles=[plain(title) for title in fits]
    )
    colors = _colors(fits)
    for column, (name, found) in enumerate(fits.items(), start=1):
        rows = found.importance[found.importance["decision"].isin(decisions)]
        share = 100 * rows["share"]
        low, high = (100 * rows["low"]).clip(upper=share), (100 * rows["high"]).clip(lower=share)
        figure.add_bar(
            x=share,
            y=rows["decision"],
            orientation="h",
            error_x=interval(share, low, high, thickness=1.5, color=theme.NEUTRAL),
            marker={"color": [colors[name] if sure else theme.NEUTRAL for sure in rows["sure"]]},
            customdata=100 * rows[["low", "high"]],
            hovertemplate="%{y}: %{x:.1f} % [%{customdata[0]:.1f}, %{customdata[1]:.1f}]<extra></extra>",
            row=1,
            col=column,
        )
    theme.style(figure, height=90 + ROW * len(decisions), showlegend=False, bargap=0.3, margin_t=36)
    figure.update_yaxes(categoryorder="array", categoryarray=decisions[::-1], type="category")
    figure.update_xaxes(ticksuffix=" %", rangemode="tozero", nticks=4, tickangle=0)
    figure.update_annotations(font_size=14)
    return figure


def effects(fits: Mapping[str, Fit], decision: str) -> go.Figure:
    """One panel per fit: what each option of a decision adds, with its interval.

    Args:
        fits: by title.
    """
    figure = make_subplots(
        1, len(fits), shared_yaxes=True, horizontal_spacing=0.03, subplot_titles=[plain(title) for title in fits]
    )
    colors = _colors(fits)
    for column, (name, found) in enumerate(fits.items(), start=1):
        rows = found.effects[found.effects["decision"] == decision]
        figure.add_scatter(
            x=rows["option"],
            y=rows["effect"],
            mode="lines+markers",
            line={"color": colors[name], "width": 1.5},
            marker={"size": 8},
            error_y=interval(rows["effect"], rows["low"], rows["high"], thickness=2, color=colors[name]),
            customdata=rows[["low", "high", "networks"]].assign(unit=found.sd),
            hovertemplate=(
                "%{x}: %{y:+.3f} [%{customdata[0]:+.3f}, %{customdata[1]:+.3f}]<br>%{customdata[2]:,} networks<br>"
                "1 is %{customdata[3]:.4g} in the number's own unit<extra></extra>"
            ),
            row=1,
            col=column,
        )
        figure.add_hline(y=0, line={"color": theme.NEUTRAL, "width": 1, "dash": "dot"}, row=1, col=column)
    theme.style(figure, height=320, showlegend=False, margin_t=36)
    figure.update_xaxes(type="category")
    figure.update_yaxes(title_text="effect (standard deviations)", col=1)
    figure.update_annotations(font_size=14)
    return figure


def _colors(fits: Mapping[str, Fit]) -> dict[str, str]:
    """Those of score, truth and difference; runs have one each."""
    return {title: COLORS.get(title, theme.color(number)) for number, title in enumerate(fits)}


def table(fits: Mapping[str, Fit]) -> pd.DataFrame:
    """Every effect of every fit: `of` and the columns of `Fit.effects`."""
    return pd.concat([found.effects.assign(of=name) for name, found in fits.items()], ignore_index=True)
