"""Curves of one or several runs over steps or epochs."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from app import theme
from app.views.training import metrics, smoothed, thinned

COLUMNS = 2
ROW_HEIGHT = 250
FEW = 100
"""Up to so many records, such as one per epoch, are shown as they are."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """How a metric is called, its unit, and what a newcomer should know of it."""

    title: str
    unit: str = ""
    note: str = ""
    percent: bool = False


LARGEST, SMALLEST = "largest_top1", "smallest_top1"
"""Two ends of the space, in one panel if both are there."""

UNLABELLED = ("agreement", "hits", "spread")
"""What tells whether a training without labels learns, or collapses."""

EXACT = ("lr",)
"""Set, not measured: never smoothed."""

KNOWN = {
    LARGEST: Quantity(
        "Top-1 of the largest and the smallest network",
        "",
        "on validation images after each epoch, the smallest dashed; the gap is what sharing weights has to bridge",
        percent=True,
    ),
    SMALLEST: Quantity("Top-1, smallest network", "", "on validation images after each epoch", percent=True),
    "loss": Quantity("Training loss", "nats", "cross-entropy of the networks drawn in a step; lower is better"),
    "distillation_loss": Quantity("Distillation loss", "nats", "how far smaller networks are from the largest one"),
    "agreement": Quantity("Agreement across paths", "", "mean cosine of a query and the other path's key; should rise"),
    "hits": Quantity("Keys found", "", "queries nearer to their own key than to the whole queue", percent=True),
    "spread": Quantity("Spread of z", "", "1: directions drawn evenly; near 0 all images are told the same"),
    "teacher_gap": Quantity("Gap to the teacher", "", "distance of student and mean teacher, relative to the weights"),
    "lr": Quantity("Learning rate", "", "the step size: linear warm-up, then a cosine to zero"),
    "grad_norm": Quantity("Gradient norm", "L2", "before clipping; spikes announce divergence"),
    "images_per_second": Quantity("Throughput", "images/s", "training images per second of wall time"),
}


ELSEWHERE = ("entropy.", "share.")
"""How metrics begin that the Search page draws."""


def quantity(metric: str) -> Quantity:
    """What is known of a metric; any other is called by its name."""
    return KNOWN.get(metric, Quantity(metric.replace("_", " ").capitalize()))


def shown(tables: Mapping[str, pd.DataFrame]) -> list[str]:
    """The panels, each by its metric: accuracies, losses, then the others, the known ones in their order.

    The smallest network's accuracy stands in the panel of the largest's; entropies of single decisions and shares of
    operations are drawn on the Search page.
    """
    present = {metric for table in tables.values() for metric in metrics(table) if not metric.startswith(ELSEWHERE)}
    if LARGEST in present:
        present -= {SMALLEST}
    return [metric for metric in KNOWN if metric in present] + sorted(present - KNOWN.keys())


def is_main(metric: str) -> bool:
    """Whether it says how well the supernet learns, rather than how the optimiser does."""
    return metric in (LARGEST, SMALLEST, *UNLABELLED) or metric.endswith("loss")


def curves(
    tables: Mapping[str, pd.DataFrame],
    x: str = "step",
    smoothing: float = 0.0,
    *,
    logarithmic: bool = False,
    only: Collection[str] | None = None,
) -> go.Figure:
    """One panel per metric, one line per run; the raw values stay visible behind smoothed ones.

    Args:
        tables: `views.training.curves` by run name.
        x: `step` or `epoch`.
        smoothing: weight of the past in the moving average, 0 to 1 (exclusive).
        logarithmic: for losses, whose last gains are otherwise hard to see.
        only: of the panels that are `shown`, these.
    """
    panels = [metric for metric in shown(tables) if only is None or metric in only]
    rows = -(-len(panels) // COLUMNS)
    figure = make_subplots(
        rows=rows,
        cols=COLUMNS,
        shared_xaxes="all",
        subplot_titles=[quantity(metric).title for metric in panels],
        vertical_spacing=0.26 / rows,
        horizontal_spacing=0.09,
    )
    for number, (name, table) in enumerate(tables.items()):
        for panel, metric in enumerate(panels):
            if metric not in table:
                continue
            line = table[["step", "epoch", metric]].dropna(subset=metric)
            raw = smoothing > 0 and len(line) > FEW and metric not in EXACT  # a handful of points hides nothing
            line = line.assign(smooth=smoothed(line[metric], smoothing if raw else 0.0))
            place = {"row": panel // COLUMNS + 1, "col": panel % COLUMNS + 1}
            _add_line(figure, thinned(line), metric, x, name, number, place, raw=raw, legend=panel == 0)
            if metric == LARGEST and SMALLEST in table:
                low = table[["step", "epoch", SMALLEST]].dropna(subset=SMALLEST)
                _add_smallest(figure, thinned(low), x, name, number, place)
    theme.style(
        figure,
        height=rows * ROW_HEIGHT + 40,
        hovermode="x unified",
        uirevision=f"{x} {logarithmic}",  # new records leave the reader's zoom alone
        showlegend=len(tables) > 1,
        legend_y=1 + 40 / (rows * ROW_HEIGHT),
        margin_t=72 if len(tables) > 1 else 36,
    )
    figure.update_annotations(font_size=14, xanchor="left", yshift=6)
    for panel, (metric, annotation) in enumerate(zip(panels, figure.layout.annotations, strict=True)):
        place = {"row": panel // COLUMNS + 1, "col": panel % COLUMNS + 1}
        figure.update_yaxes(
            title_text=quantity(metric).unit, tickformat=".0%" if quantity(metric).percent else None, **place
        )
        if logarithmic and metric.endswith("loss"):
            figure.update_yaxes(type="log", dtick="D1", **place)
        annotation.x = next(figure.select_xaxes(**place)).domain[0]
        last_of_column = panel + COLUMNS >= len(panels)
        figure.update_xaxes(
            title_text={"step": "Optimiser steps", "epoch": "Epochs"}[x] if last_of_column else None,
            showticklabels=last_of_column,
            **place,
        )
    return figure


def _add_line(
    figure: go.Figure,
    line: pd.DataFrame,
    metric: str,
    x: str,
    name: str,
    number: int,
    place: dict[str, int],
    *,
    raw: bool,
    legend: bool,
) -> None:
    """One run's curve in one panel, and the raw values behind it if it is smoothed."""
    color = theme.color(number)
    if raw:
        figure.add_scatter(
            x=line[x],
            y=line[metric],
            mode="lines",
            line={"color": color, "width": 1},
            opacity=0.35,
            hoverinfo="skip",
            showlegend=False,
            legendgroup=name,
            **place,
        )
    figure.add_scatter(
        x=line[x],
        y=line["smooth"],
        mode="lines" if len(line) > FEW else "lines+markers",
        line={"color": color, "width": 2, "dash": theme.dash(number)},
        marker={"size": 4},
        name=name,
        legendgroup=name,
        showlegend=legend,
        hovertemplate="%{y:.1%}" if quantity(metric).percent else "%{y:.4g}",
        **place,
    )


def _add_smallest(figure: go.Figure, line: pd.DataFrame, x: str, name: str, number: int, place: dict[str, int]) -> None:
    """The other end of the space, in the same colour."""
    figure.add_scatter(
        x=line[x],
        y=line[SMALLEST],
        mode="lines" if len(line) > FEW else "lines+markers",
        line={"color": theme.color(number), "width": 2, "dash": "dot"},
        marker={"size": 4, "symbol": "circle-open"},
        name=f"{name}, smallest",
        legendgroup=name,
        showlegend=False,
        hovertemplate="%{y:.1%}",
        **place,
    )
