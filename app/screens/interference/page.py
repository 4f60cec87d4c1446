"""Where sharing weights hurts, block by block and branch by branch."""

import streamlit as st

from app import ui
from app.cache import glance, stamp
from app.screens.interference import block, error, network, paths, shifts, split, whole
from app.screens.interference.choose import choose
from app.views import training

VIEWS = {
    "Block": block.show,
    "Along the network": network.show,
    "Paths": paths.show,
    "Ranking error": error.show,
    "Split": split.show,
    "Compare runs": shifts.show,
}

ui.header(
    "Interference",
    "All networks share these weights. Where do they pull them in opposite directions, and does it spoil the ranking?",
)
name, run = ui.open_run()
recipe = None
with ui.problems_in_place("The recipe cannot be read"):
    recipe = glance(training.recipe, run, run.recipe)
live = training.is_live(run, training.progress(ui.curves(run), recipe))
seen = stamp(run.interference)


@st.fragment(run_every=3 if live else None)
def follow() -> None:
    """Show the page anew when a probe has added to the table, or training has ended."""
    if stamp(run.interference) != seen or live != training.is_live(run, training.progress(ui.curves(run), recipe)):
        st.rerun()


found = choose()
if found is not None:
    whole.show(found)
    for tab, show in zip(st.tabs(list(VIEWS), key="part", bind="query-params"), VIEWS.values(), strict=True):
        if tab.open:
            with tab:
                show(found)
follow()
