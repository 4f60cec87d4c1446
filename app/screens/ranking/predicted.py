"""View: every network as a point, and the one that was clicked in full."""

import numpy as np
import pandas as pd
import streamlit as st

from app import text, theme
from app.chart import chart
from app.derived import derive
from app.figures.ranking import points
from app.screens.ranking import network
from app.screens.ranking.choose import Found
from app.views.ranking.neighbours import find
from app.views.ranking.subject import Subject

MISJUDGED = 100
"""Rows of the table beside the cloud; the download has them all."""

OVER, UNDER = "over-estimated", "under-estimated"


@st.fragment
def show(found: Found) -> None:
    """The cloud, the networks that are misjudged most, and an inspector."""
    subject = found.subject
    table = derive(_table, subject)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        values = st.segmented_control(
            "Show", ["Ranks", "Values"], default="Ranks", key="show", bind="query-params", required=True
        )
        hue = st.selectbox("Colour", points.hues(table), key="hue", bind="query-params", width=240)
        side = st.segmented_control(
            "List the most", [UNDER, OVER], default=OVER, key="misjudged", bind="query-params", required=True
        )
        wanted = st.text_input(
            "Find by id or code", key="network", bind="query-params", icon=":material/search:", width=260
        )
    code = find(subject, wanted) if wanted else None
    networks = subject.pairs.networks
    row = networks.index(code) if code in networks else None

    # The browser has marked a clicked point by itself; as long as the figure stays the same, it need not be sent again.
    view = (subject.digest, values, hue)
    if wanted != st.session_state.get("point clicked") or view != st.session_state.get("point view"):
        st.session_state["point view"], st.session_state["point marked"] = view, row
    axes = points.Axes(values == "Ranks", hue, subject.score, subject.truth)
    figure = derive(_scatter, subject, axes=axes, chosen=st.session_state["point marked"])
    cloud, beside = st.columns([70, 30])
    with cloud:
        chart(
            figure,
            "points",
            f"Predicted against true {values.lower()} of {len(subject):,} networks",
            table,
            f"{found.name}-predicted-and-true",
            points.CONFIG_OF_MANY if len(subject) > points.MANY else theme.CONFIG,
            on_select=lambda: _clicked(table),
            selection_mode="points",
        )
    with beside:
        worst = table.sort_values("shift", ascending=side == OVER, kind="stable").head(MISJUDGED)
        st.dataframe(
            worst[["id", "predicted_rank", "true_rank", "shift"]],
            key="worst",
            on_select=lambda: _picked(worst),
            selection_mode="single-cell",
            hide_index=True,
            height=points.HEIGHT,
            column_config={
                "id": st.column_config.TextColumn("Network", width=84),
                "predicted_rank": st.column_config.NumberColumn("Pred.", format="localized", width=58),
                "true_rank": st.column_config.NumberColumn("True", format="localized", width=58),
                "shift": st.column_config.NumberColumn("Shift", format="percent", width=62),
            },
            alt=f"The networks that are {side} most",
        )
    st.caption(
        f"Each point is one of {len(subject):,} networks with a score and a truth; click one to see it below. "
        + (
            "On the dotted line it is ranked exactly right. Above it the score under-estimates a network (blue), below "
            "it over-estimates it (orange). Shift: how far the true rank is above the predicted, as a share of all."
            if values == "Ranks"
            else "The grey hills show how the networks are spread along each axis: where they are dense, small errors "
            "of the score change many ranks."
        )
    )
    if code is not None:
        network.show(found, code)
    elif wanted:
        st.info(f"No network here has the id or code {text.plain(wanted)}.", icon=":material/search_off:")
    else:
        st.caption(":material/ads_click: Click a point or a row to open the network: its blocks, and its neighbours.")


def _table(subject: Subject) -> pd.DataFrame:
    return subject.table


def _scatter(subject: Subject, axes: points.Axes, chosen: int | None) -> object:
    return points.scatter(subject.table, axes, chosen)


def _clicked(table: pd.DataFrame) -> None:
    """A point was clicked: it is selected, and the address says so."""
    selected = st.session_state["points"].selection.points
    if selected and "customdata" in selected[0]:  # the diagonal has none
        row = int(np.ravel(selected[0]["customdata"])[0])
        st.session_state["network"] = st.session_state["point clicked"] = table["id"].iloc[row]


def _picked(worst: pd.DataFrame) -> None:
    """A row of the table was clicked."""
    cells = st.session_state["worst"].selection.cells
    if cells:
        st.session_state["network"] = worst["id"].iloc[cells[0][0]]
