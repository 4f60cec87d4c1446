"""How far a ranking can be believed."""

import streamlit as st

from app import text, ui
from app.derived import derive
from app.screens.ranking import beside, choose, epochs, measured, misjudged, noisy, picked, predicted, top
from app.views.ranking import estimates, noise
from app.views.ranking.sentence import answer, notes

VIEWS = {
    "Predicted and true": predicted.show,
    "Metrics": measured.show,
    "From the top": top.show,
    "Who is misjudged": misjudged.show,
    "Top K": picked.show,
    "Noise": noisy.show,
    "Side by side": beside.show,
    "Over training": epochs.show,
}

ui.header(
    "Rank correlation",
    "Does the score put networks in the order that training each alone would? And do MACs, for nothing, do it as well?",
)
found = choose.choose()
if found is None:
    st.stop()
subject = found.subject
summary = st.container(border=True)
for tab, show in zip(st.tabs(list(VIEWS), key="view", bind="query-params"), VIEWS.values(), strict=True):
    if tab.open:
        with tab:
            show(found)
with summary:  # computed while the browser draws what has been sent
    judgement = derive(estimates.judge, subject)
    ceiling = derive(noise.ceiling, subject, images=subject.images, correlation=0.0).both
    st.markdown(f"##### {text.plain(answer(subject, judgement, ceiling))}")
    for note in notes(subject, judgement):
        st.caption(f":material/info: {text.plain(note)}")
