"""View: every measure along the network, features and parameters among them."""

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from app import text
from app.chart import chart
from app.derived import derive
from app.figures.interference.lines import profile as draw
from app.screens.interference.choose import Found
from app.views.interference import readings
from app.views.interference.lines import profile
from toolkit.interference.table import MEASURES


@st.fragment
def show(found: Found) -> None:
    """Small panels, and what each is."""
    measures = readings.of_blocks(found.own.now)
    profiles = derive(_profiles, found)
    table = pd.concat([each.assign(run=name) for name, each in profiles.items()], ignore_index=True)
    name = found.network[found.block].name
    st.header(f"Every measure along the network, block {text.plain(name)} in orange", anchor=False)
    chart(
        derive(_drawn, found),
        "profile",
        "All measures along the network",
        table,
        found.file("profile"),
    )
    st.caption(
        "The bands are 95 % intervals. Where the inputs of a block differ from path to "
        "path (features), or its weights are pulled to and fro (updates), its numbers are a compromise, and so is what "
        "the supernet says of the networks that use them. Peaks in several panels at one block are worth a split."
    )
    with st.expander("What each measure is", icon=":material/help:"):
        for measure in measures:
            known = MEASURES[measure]
            st.markdown(
                f"**{text.sentence(known.label)}.** {text.plain(known.definition)} *{text.plain(known.source)}*"
            )


def _profiles(found: Found) -> dict[str, pd.DataFrame]:
    """All measures along the network, by name of the run."""
    return {each.name: profile(each.now, readings.of_blocks(each.now)) for each in found.runs}


def _drawn(found: Found) -> go.Figure:
    return draw(_profiles(found), found.network, found.block)
