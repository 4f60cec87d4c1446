"""Charts of the Sweeps page: what stands in them comes from `app.views.sweeps`."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from app import theme
from app.figures.intervals import interval
from app.figures.ranking import SYMBOLS, plain
from app.views.sweeps import MEAN, PRIOR, SEED

ROW_HEIGHT = 52
COST_HEIGHT = 340
BELOW = 0.24
"""How far below its variant's interval a seed stands, in rows: so that neither hides the other."""

LINE = 17
"""Height of a line of text, in pixels."""

_UNITS = ((5400.0, 3600.0, "hours"), (120.0, 60.0, "minutes"), (0.0, 1.0, "seconds"))


def forest(taus: pd.DataFrame, names: Sequence[str], colors: Mapping[str, str], baseline: str) -> go.Figure:
    """A row per variant: its mean tau with the 95 % interval, a ring per seed below it; priors as lines across.

    Args:
        taus: `views.sweeps.taus`.
        names: the variants, from top to bottom.
        colors: by variant.
    """
    figure = go.Figure()
    _add_rows(figure, taus, names, colors)
    priors = taus[(taus["kind"] == PRIOR) & taus["value"].notna()].sort_values("value")
    span = _span(taus[["value", "low", "high"]].to_numpy())
    levels = _add_references(figure, priors, span)
    titles = [f"{name} (baseline)" if name == baseline else name for name in names]
    _style_rows(figure, titles, span, "Kendall tau", above=LINE * levels)
    return figure


def differences(table: pd.DataFrame, names: Sequence[str], colors: Mapping[str, str]) -> go.Figure:
    """A row per variant: how far it is ahead of the baseline; filled where that is decided, hollow where it is not.

    Args:
        table: `views.sweeps.differences`.
        names, colors: as for `forest`; the baseline has no row.
    """
    figure = go.Figure()
    figure.add_vline(x=0, line={"color": theme.NEUTRAL, "width": 1.5, "dash": "dash"}, layer="below")
    shown = [name for name in names if (table["name"] == name).any()]
    _add_rows(figure, table, shown, colors, sign="+")
    _style_rows(figure, shown, _span(table[["value", "low", "high"]].to_numpy(), 0.0), "difference of Kendall tau")
    return figure


def costs(table: pd.DataFrame, priors: pd.DataFrame, names: Sequence[str], colors: Mapping[str, str]) -> go.Figure:
    """Tau against the time of training: a sign per variant with its 95 % interval, a ring per seed.

    Args:
        table: `views.sweeps.costs`.
        priors: the rows of `views.sweeps.taus` that cost nothing.
        names, colors: as for `forest`.
    """
    longest = float(table["training"].max()) if len(table) else 0.0
    _, factor, unit = next(each for each in _UNITS if longest >= each[0])
    end = 1.1 * longest / factor or 1.0
    low, high = _span(np.concatenate([table[["value", "low", "high"]].to_numpy().ravel(), priors["value"].to_numpy()]))
    figure = go.Figure()
    for number, name in enumerate(names):
        own = table[table["name"] == name]
        seeds, mean = own[own["kind"] == SEED], own[own["kind"] == MEAN]
        figure.add_scatter(
            x=seeds["training"] / factor,
            y=seeds["value"],
            mode="markers",
            marker={"symbol": "circle-open", "size": 8, "color": colors[name], "line": {"width": 1.5}},
            customdata=seeds["seed"],
            hovertemplate=f"{plain(name)}, seed %{{customdata:.0f}}<br>%{{y:.3f}}, %{{x:.3g}} {unit}<extra></extra>",
        )
        figure.add_scatter(
            x=mean["training"] / factor,
            y=mean["value"],
            error_y=_bars(mean, colors[name]),
            mode="markers",
            marker={"symbol": SYMBOLS[number % len(SYMBOLS)], "size": 11, "color": colors[name]},
            hovertemplate=f"{plain(name)}<br>%{{y:.3f}}, %{{x:.3g}} {unit}<extra></extra>",
        )
        for _, each in mean.dropna(subset="high").iterrows():
            x = each["training"] / factor
            figure.add_annotation(
                x=x,
                y=each["high"],
                yanchor="bottom",
                xanchor="left" if x < 0.2 * end else "right" if x > 0.7 * end else "center",
                text=plain(name),
                showarrow=False,
                font_size=12,
            )
    _add_levels(figure, priors.dropna(subset="value").sort_values("value"), 0.05 * (high - low))
    theme.style(figure, height=COST_HEIGHT, showlegend=False)
    figure.update_layout(margin_t=10)
    figure.update_xaxes(title_text=f"training, {unit} per run", range=[0, end])
    figure.update_yaxes(title_text="Kendall tau", range=[low, high])
    return figure


def _add_rows(
    figure: go.Figure, table: pd.DataFrame, names: Sequence[str], colors: Mapping[str, str], sign: str = ""
) -> None:
    """For each variant its seeds, its mean with the interval, and that in numbers; from top to bottom."""
    for row, name in enumerate(reversed(names)):
        own = table[table["name"] == name]
        seeds, mean = own[own["kind"] == SEED], own[own["kind"] == MEAN]
        figure.add_scatter(
            x=seeds["value"],
            y=np.full(len(seeds), row - BELOW),
            mode="markers",
            marker={"symbol": "circle-open", "size": 8, "color": colors[name], "line": {"width": 1.5}},
            customdata=seeds["seed"],
            hovertemplate=f"{plain(name)}, seed %{{customdata:.0f}}<br>%{{x:{sign}.3f}}<extra></extra>",
        )
        figure.add_scatter(
            x=mean["value"],
            y=np.full(len(mean), row),
            error_x=_bars(mean, colors[name]),
            mode="markers",
            marker={
                "symbol": "diamond" if _decided(mean) else "diamond-open",
                "size": 11,
                "color": colors[name],
                "line": {"width": 2, "color": colors[name]},
            },
            customdata=mean[["low", "high"]],
            hovertemplate=(
                f"{plain(name)}<br>%{{x:{sign}.3f}} [%{{customdata[0]:.3f}}, %{{customdata[1]:.3f}}]<extra></extra>"
            ),
        )
        for _, each in mean.iterrows():
            figure.add_annotation(
                x=1,
                xref="paper",
                xanchor="left",
                xshift=10,
                y=row,
                align="left",
                text="<br>".join(_numbers(each, sign)),
                showarrow=False,
                font_size=12,
            )


def _numbers(each: "pd.Series[Any]", sign: str) -> Iterator[str]:
    """What stands at the end of a row."""
    if not np.isfinite(each["value"]):
        yield "undefined"
        return
    yield f"{each['value']:{sign}.2f} [{each['low']:.2f}, {each['high']:.2f}]"
    if each.get("verdict"):
        yield each["verdict"]


def _decided(mean: pd.DataFrame) -> bool:
    return "verdict" not in mean or not (mean["verdict"] == "undecided").any()


def _bars(mean: pd.DataFrame, color: str) -> dict[str, object]:
    return interval(mean["value"], mean["low"], mean["high"], thickness=3, color=color)


def _add_references(figure: go.Figure, priors: pd.DataFrame, span: tuple[float, float]) -> int:
    """A line across for each prior, sorted by value, its name above; returns how many lines of names there are."""
    ends: list[float] = []  # of the last name in each line, as a share of the width
    for _, prior in priors.iterrows():
        text = f"{prior['name']} {prior['value']:.2f}"
        width, middle = 0.0085 * len(text), (prior["value"] - span[0]) / (span[1] - span[0])
        level = next((i for i, end in enumerate(ends) if middle - width / 2 > end), len(ends))
        ends[level : level + 1] = [middle + width / 2]
        line = {"color": theme.NEUTRAL, "width": 1.5, "dash": "dot"}
        figure.add_vline(x=prior["value"], line=line, layer="below")
        figure.add_annotation(
            x=prior["value"],
            y=1,
            yref="paper",
            yanchor="bottom",
            yshift=LINE * level,
            text=plain(text),
            showarrow=False,
            font={"size": 12, "color": theme.NEUTRAL},
        )
    return len(ends)


def _add_levels(figure: go.Figure, priors: pd.DataFrame, apart: float) -> None:
    """A level line for each prior, sorted by value; those less than `apart` from the one below share its name."""
    said: list[tuple[float, list[str]]] = []
    for _, prior in priors.iterrows():
        line = {"color": theme.NEUTRAL, "width": 1.5, "dash": "dot"}
        figure.add_hline(y=prior["value"], line=line, layer="below")
        if said and prior["value"] - said[-1][0] < apart:
            said[-1] = prior["value"], [*said[-1][1], prior["name"]]
        else:
            said.append((prior["value"], [prior["name"]]))
    for value, names in said:
        figure.add_annotation(
            x=0,
            xref="paper",
            xanchor="left",
            y=value,
            yanchor="bottom",
            text=plain(", ".join(names)),
            showarrow=False,
            font={"size": 12, "color": theme.NEUTRAL},
        )


def _style_rows(figure: go.Figure, titles: Sequence[str], span: tuple[float, float], axis: str, above: int = 0) -> None:
    """Rows with their titles; `above`: pixels for what stands above them."""
    theme.style(figure, height=76 + above + ROW_HEIGHT * len(titles), showlegend=False)
    figure.update_layout(margin_t=10 + above, margin_r=134)
    figure.update_xaxes(range=list(span), title_text=axis, nticks=8)
    figure.update_yaxes(
        tickvals=list(range(len(titles))),
        ticktext=[plain(title) for title in reversed(titles)],
        range=[-0.6, len(titles) - 0.5],
        showgrid=False,
    )


def _span(values: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]", *others: float) -> tuple[float, float]:
    """Where an axis begins and ends so that all values have room."""
    known = np.append(values[np.isfinite(values)], others)
    low, high = (known.min(), known.max()) if len(known) else (0.0, 1.0)
    pad = 0.07 * (high - low) or 0.5
    return float(low - pad), float(high + pad)
