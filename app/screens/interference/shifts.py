"""View: how far features and parameters shift during training, several runs side by side."""

import pandas as pd
import streamlit as st

from app import links, text, ui
from app.cache import load
from app.figures.interference.shifts import shifts as draw
from app.screens.interference.choose import Found
from app.views.interference.readings import readings
from app.views.interference.shifts import MEANINGS, shifts


@st.fragment
def show(found: Found) -> None:
    """Runs to choose, panels over steps, and what each is."""
    known = links.runs()
    probed = [name for name, run in known.items() if run.interference.is_file()]
    chosen = st.multiselect(
        "Runs", probed, default=[found.own.name], key="shifts", placeholder="runs that were probed while they trained"
    )
    tables: dict[str, pd.DataFrame] = {}
    for name in chosen:
        with ui.problems_in_place(f"{name} cannot be read"):
            if (table := load(readings, known[name], known[name].interference)) is not None:
                tables[name] = table
    table = shifts(tables)
    if table.empty:
        st.info("Nothing to show: train with `probe.every_epochs` set, and choose runs above.")
        return
    ui.chart(draw(table), "shift-panels", "Shifts of features and parameters during training")
    st.caption(
        "Means over all blocks and pairs of paths. Pi-NAS (arXiv 2108.09671) says that less of both goes with a better "
        "ranking; whether it does here, the Ranking page of each run tells."
    )
    st.markdown("\n".join(f"- **{text.sentence(kind)}**: {text.plain(MEANINGS[kind])}" for kind in MEANINGS))
    ui.download("Shifts as CSV", table, "shifts")
