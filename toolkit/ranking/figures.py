"""Plots of a ranking: pure functions that return plotly figures, to be seen on light and on dark ground."""

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go
import scipy

from toolkit.ranking.concordance import Concordance, FloatArray
from toolkit.ranking.formulas import TAU_B
from toolkit.ranking.metrics import FEW, METRICS, TrueTop
from toolkit.ranking.pairs import Network, Pairs
from toolkit.ranking.report import RankReport
from toolkit.ranking.uncertainty import Z, jackknife_error

COLORS = ("#0072b2", "#d55e00", "#009e73", "#56b4e9", "#e69f00", "#cc79a7")
"""Of Okabe and Ito (2008), which can be told apart in the common forms of colour blindness; the score has the first."""

SYMBOLS = ("circle", "square", "diamond", "cross", "x", "triangle-up", "star")
GREY = "#8c929c"

CUTS = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.15, 0.1, 0.07, 0.05, 0.03, 0.02, 0.01)
"""Shares of the networks, from the truly best."""

_PARTS = ("kendall", "top_half", "top_tenth", "predicted_half", "predicted_tenth")


def agreement(report: RankReport) -> go.Figure:
    """Kendall's tau of every estimator with its interval, among all networks and among the best."""
    everyone = (report.score, *report.priors, *report.rivals)
    ends = [0.0, report.ceiling or 0.0]
    figure = go.Figure()
    for number, estimator in enumerate(everyone):
        found = [estimator.metrics[name] for name in _PARTS]
        value, low, high = (np.array([getattr(each, end) for each in found], float) for end in ("value", "low", "high"))
        ends += [*low[~np.isnan(low)], *high[~np.isnan(high)]]
        figure.add_scatter(
            x=value,
            y=np.arange(len(_PARTS)) + 0.6 * ((number + 0.5) / len(everyone) - 0.5),
            error_x={"symmetric": False, "array": high - value, "arrayminus": value - low, "width": 0},
            mode="markers",
            name=_plain(estimator.name),
            marker={"size": 9, **_mark(number)},
            hovertemplate="%{x:.3f}",
        )
    labels = ["all networks", *(METRICS[name].label for name in _PARTS[1:])]
    figure.update_yaxes(tickvals=list(range(len(_PARTS))), ticktext=labels, autorange="reversed")
    figure.update_xaxes(range=[min(ends) - 0.03, max(ends) + 0.03])
    figure.add_vline(x=0, line={"color": GREY, "width": 1, "dash": "dot"})
    if report.ceiling is not None:
        figure.add_vline(x=report.ceiling, line={"color": GREY, "width": 1})
        figure.add_annotation(x=report.ceiling, y=1, yref="paper", text="ceiling", showarrow=False, xanchor="right")
    return _style(figure, "Kendall tau", "")


def ranks(pairs: Pairs[Network]) -> go.Figure:
    """Predicted against true ranks, 1 the best, one point a network."""
    predicted, true = (scipy.stats.rankdata(-column) for column in (pairs.scores, pairs.truth))
    networks = len(pairs.networks)
    figure = go.Figure()
    figure.add_scattergl(
        x=predicted,
        y=true,
        mode="markers",
        marker={"size": 8 if networks < 1000 else 3, "color": COLORS[0], "opacity": 0.8 if networks < 1000 else 0.3},
        text=[_plain(str(network)) for network in pairs.networks] if networks <= 5000 else None,
        hovertemplate="predicted %{x:,}, true %{y:,}<br>%{text}<extra></extra>",
    )
    figure.add_scatter(
        x=[1, networks], y=[1, networks], mode="lines", line={"color": GREY, "dash": "dot"}, hoverinfo="skip"
    )
    figure.update_layout(showlegend=False)
    figure.update_xaxes(autorange="reversed")
    figure.update_yaxes(autorange="reversed")
    return _style(figure, "predicted rank (1 = best)", "true rank (1 = best)")


def cut(pairs: Pairs[Network], others: Mapping[str, FloatArray]) -> go.Figure:
    """Kendall's tau as the range is cut to the truly best, of the score with 95% bands (jackknife) and of others."""
    figure = go.Figure()
    parts = [(share, TrueTop(share)(pairs.scores, pairs.truth)[0]) for share in CUTS]
    parts = [(share, kept) for share, kept in parts if len(kept) >= FEW]
    shares = [100 * share for share, _ in parts]
    tau, error = np.array([_tau(pairs.scores[kept], pairs.truth[kept]) for _, kept in parts]).reshape(-1, 2).T
    band = np.concatenate([tau - Z * error, (tau + Z * error)[::-1]])
    figure.add_scatter(
        x=[*shares, *shares[::-1]], y=band, fill="toself", fillcolor="rgba(0, 114, 178, 0.2)", line={"width": 0},
        hoverinfo="skip", showlegend=False,
    )  # fmt: skip
    curves = {"score": tau}
    for name, column in others.items():
        curves[name] = np.array([TAU_B.of_columns(column[kept], pairs.truth[kept]) for _, kept in parts])
    for number, (name, values) in enumerate(curves.items()):
        figure.add_scatter(
            x=shares, y=values, mode="lines+markers", name=_plain(name), hovertemplate="%{y:.3f}",
            line={"color": _mark(number)["color"]}, marker={"size": 7, **_mark(number)},
        )  # fmt: skip
    figure.add_hline(y=0, line={"color": GREY, "width": 1, "dash": "dot"})
    ticks = [100, 50, 20, 10, 5, 2, 1]
    figure.update_xaxes(type="log", autorange="reversed", tickvals=ticks, ticktext=[str(tick) for tick in ticks])
    return _style(figure, "truly best networks that are kept (%)", "Kendall tau among them")


def shifts(report: RankReport) -> go.Figure:
    """Who is under-estimated: the shift of rank in each quintile of each prior."""
    figure = go.Figure()
    for number, (name, groups) in enumerate(report.groups.items(), start=1):
        shift = np.array([100 * (group.shift.value or 0) for group in groups])
        high = np.array([np.nan if group.shift.high is None else 100 * group.shift.high for group in groups])
        figure.add_bar(
            x=list(range(1, len(groups) + 1)),
            y=shift,
            error_y={"array": high - shift, "width": 0, "thickness": 1, "color": GREY},
            name=_plain(name),
            marker={"color": _mark(number)["color"]},
            text=[f"{group.low:,.4g} to {group.high:,.4g}" for group in groups],
            textposition="none",
            hovertemplate="%{text}<br>%{y:+.1f} %",
        )
    figure.update_xaxes(dtick=1)
    return _style(figure, "quintile, from the smallest networks", "under-estimated by (% of all ranks)")


def _tau(scores: FloatArray, truth: FloatArray) -> tuple[float, float]:
    left_out = TAU_B.without_each(Concordance(scores, truth).once())
    return TAU_B.of_columns(scores, truth), np.nan if left_out is None else jackknife_error(left_out)


def _mark(number: int) -> dict[str, str]:
    return {"color": COLORS[number % len(COLORS)], "symbol": SYMBOLS[number % len(SYMBOLS)]}


def _plain(name: str) -> str:
    """A name from a file: plotly would read its tags as HTML."""
    return name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _style(figure: go.Figure, x: str, y: str) -> go.Figure:
    axis = {"gridcolor": "rgba(140, 146, 156, 0.25)", "zeroline": False, "automargin": True}
    figure.update_layout(
        template="none",
        height=400,
        margin={"l": 10, "r": 10, "t": 10, "b": 10},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"color": GREY, "size": 13},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"},
        xaxis={"title": {"text": x}, **axis},
        yaxis={"title": {"text": y}, **axis},
    )
    return figure
