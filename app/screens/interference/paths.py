"""View: whole paths. Whether those that differ more disturb each other more, and what they forget."""

import numpy as np
import pandas as pd
import streamlit as st

from app import text
from app.chart import chart
from app.derived import derive
from app.figures.interference import lines as line_figures
from app.figures.interference.matrix import matrix as draw_matrix
from app.figures.interference.scatter import distance
from app.screens.interference.choose import Found, Measured
from app.views.interference import lines, readings
from app.views.interference.chance import LEVEL, words
from app.views.interference.paths import Paths, by_distance, falls, paths
from toolkit.interference.table import MEASURES

CURVES = ("path_loss", "forgetting", "lookahead", "path_cosine")
"""Measures that are shown over training."""


@st.fragment
def show(found: Found) -> None:
    """The matrix of paths, values against distance, and curves over training."""
    measures = readings.of_paths(found.own.now)
    if measures:
        _against(found, measures)
    else:
        st.info("The last probe compared no whole paths.", icon=":material/info:")
    _over_time(found)


def _against(found: Found, measures: list[str]) -> None:
    key = measures[0]
    if len(measures) > 1:
        key = st.segmented_control(
            "Of two paths", measures, default=measures[0], key="paths", bind="query-params", required=True,
            format_func=lambda measure: text.sentence(MEASURES[measure].label),
        )  # fmt: skip
    measure = MEASURES[key]
    compared = derive(_compared, found.own, key=key)
    if compared is None:
        st.info("No pair of paths has a number.", icon=":material/info:")
        return
    both, (tau, chance) = compared
    left, right = st.columns([52, 48], gap="large")
    with left:
        st.header("Path against path", anchor=False)
        ticks = [f"P{number}" for number, _ in enumerate(both.matrix.labels, start=1)]
        said = [f"{tick} {code}" for tick, code in zip(ticks, both.matrix.labels, strict=True)]
        axis = "paths, the like beside the like" + ("" if measure.symmetric else "; row trains, column pays")
        figure = draw_matrix(both.matrix, found.look(both.matrix.ends, key=key), axis, ticks=ticks, hover=said)
        chart(figure, "pathmatrix", "Path against path", both.pairs, found.file(f"{key}-paths"))
        st.caption(
            f"{text.plain(measure.definition)} Paths are whole networks, drawn at random, ordered so that neighbours "
            f"have a small Hamming distance. {text.plain(words(measure))}"
        )
    with right:
        st.header("Against their distance", anchor=False)
        means = by_distance(both.pairs)
        chart(
            distance(both.pairs, means, measure),
            "distance",
            "Against Hamming distance",
            means,
            found.file(f"{key}-distance"),
        )
        if np.isfinite(tau):
            verdict = "a relation" if chance < 1 - LEVEL else "no relation shown"
            often = "under 0.1 %" if chance < 0.001 else f"{100 * chance:.1f} %"
            st.markdown(
                f"Kendall tau {tau:.2f} between distance and value; chance goes as far in {often} of cases: "
                f"{verdict} (Mantel test, {len(both.matrix.labels)} paths)."
            )
        st.caption(
            "The Hamming distance of two paths counts the decisions that they answer differently. If the line falls, "
            "networks that differ more agree less on how the shared weights should change (the finding of MAGIC, "
            "ICML 2022). The grey pairs share paths, so they are fewer independent facts than points."
        )


def _over_time(found: Found) -> None:
    """Losses, forgetting and look-ahead of every path over training."""
    curves = derive(_curves, found.own)
    known = list(curves)
    if not known:
        return
    st.header("Paths over training", anchor=False)
    key = st.segmented_control(
        "Over training", known, default=known[0], key="curves", bind="query-params", required=True,
        label_visibility="collapsed", format_func=lambda measure: text.sentence(MEASURES[measure].label),
    )  # fmt: skip
    chart(
        line_figures.paths(curves[key], MEASURES[key]),
        "pathcurves",
        "Paths over training",
        curves[key],
        found.file(f"{key}-curves"),
    )
    st.caption(f"{text.plain(MEASURES[key].definition)} Thin: each path; thick: their mean.")


def _compared(measured: Measured, key: str) -> tuple[Paths, tuple[float, float]] | None:
    """Every pair of paths, and whether values fall with distance."""
    both = paths(measured.now, key, symmetric=MEASURES[key].symmetric)
    return None if both is None else (both, falls(both))


def _curves(measured: Measured) -> dict[str, pd.DataFrame]:
    """By measure, those that have numbers only."""
    tables = {name: lines.paths_over_time(measured.table, name) for name in CURVES}
    return {name: table for name, table in tables.items() if len(table)}
