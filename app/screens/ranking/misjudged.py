"""View: who is under-estimated, by size and by choice."""

import streamlit as st

from app.chart import chart
from app.derived import derive
from app.figures.ranking import groups as figures
from app.screens.ranking.choose import Found
from app.views.ranking import misjudged as views


@st.fragment
def show(found: Found) -> None:
    """Fifths by every size, then every option of every decision."""
    subject = found.subject
    if subject.space is None:
        st.info(
            "The networks' space is not known, so neither are their sizes. If it is one of this toolkit's, name it "
            "above.",
            icon=":material/help:",
        )
        return
    fifths = derive(views.quintiles, subject)
    st.header("By size", anchor=False)
    if fifths.empty:
        st.caption("All networks are equally large and deep.")
    else:
        chart(figures.quintiles(fifths), "quintiles", "Shift of rank by size", fifths, f"{found.name}-quintiles")
        st.caption(
            "Networks sorted by size and cut into fifths. A bar shows how far their true rank is above the predicted, "
            "as a share of all ranks: those in blue, above 0, are under-estimated; those in orange, below 0, are "
            "over-estimated. Whiskers are 95 % intervals. Width: the mean of their channels against the largest's."
        )
    table = derive(views.branches, subject)
    st.header("By choice", anchor=False)
    chart(figures.branches(table), "branches", "Shift of rank by choice", table, f"{found.name}-choices")
    st.caption(
        "The same for all networks that share one choice, whatever their others. A blue field is a choice that is "
        "better than the score believes; an orange one is flattered, as operations without weights often are. Columns "
        "without colour are judged evenly. Fields of fewer than ten networks are empty."
    )
