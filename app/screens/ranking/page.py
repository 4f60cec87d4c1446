"""How far a ranking can be believed."""

import streamlit as st

from app import text, ui
from app.derived import derive
from app.screens.ranking import beside, choose, epochs, measured, misjudged, noisy, picked, predicted, top
from app.screens.ranking.choose import Found
from app.views.ranking import estimates, noise
from app.views.ranking.sentence import answer, notes


def trust(found: Found) -> None:
    """View: correlations with intervals; folded, what is left among the best, and other scores beside this one."""
    measured.show(found)
    ui.fold("From the top: what is left among the best", "cut", lambda: top.show(found))
    ui.fold("Side by side: other runs and other scores", "sides", lambda: beside.show(found))


def who(found: Found) -> None:
    """View: every network as a point; folded, the misjudged by size and by choice."""
    predicted.show(found)
    ui.fold("By size and by choice", "groups", lambda: misjudged.show(found))


def plan(found: Found) -> None:
    """View: ceilings, and what it takes to know more; folded, whether longer training helped."""
    noisy.show(found)
    ui.fold("Over training: tau after each checkpoint", "checkpoints", lambda: epochs.show(found))


VIEWS = {"Trust it": trust, "Who is misjudged": who, "What would I get": picked.show, "Plan": plan}

ui.header(
    "Rank correlation",
    "Does the score put networks in the order that training each alone would? And do MACs, for nothing, do it as well?",
)
found = choose.choose()
if found is None:
    st.stop()
subject = found.subject
with st.container(border=True):
    judgement = derive(estimates.judge, subject)
    ceiling = derive(noise.ceiling, subject, images=subject.images, correlation=0.0).both
    ui.answer(answer(subject, judgement, ceiling))
    for note in notes(subject, judgement):
        st.caption(f":material/info: {text.plain(note)}")
for tab, show in zip(st.tabs(list(VIEWS), key="view", bind="query-params"), VIEWS.values(), strict=True):
    if tab.open:
        with tab:
            show(found)
