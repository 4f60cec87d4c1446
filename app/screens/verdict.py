"""One run on one page: whether it can be handed in and trusted, and what is to be done next."""

import shlex

import streamlit as st

from app import links, report, text, ui
from app.cache import glance, load
from app.derived import derive
from app.figures.ranking.forest import forest
from app.screens.ranking.choose import first_subject
from app.verbatim import verbatim
from app.views import candidates, notes, runs, submission, verdict
from app.views.interference import readings
from app.views.ranking import estimates, noise
from toolkit.errors import InputError
from toolkit.runs.folder import RunFolder

ICONS: dict[verdict.State, tuple[ui.Color, str]] = {
    "done": ("green", ":material/check:"),
    "part": ("orange", ":material/pending:"),
    "missing": ("gray", ":material/remove:"),
    "bad": ("red", ":material/error:"),
}


def ranking(run: RunFolder) -> verdict.Ranking | None:
    """The run's first score against its first truth; None without either."""
    subject = first_subject(links.folder(), run)
    if subject is None:
        return None
    judgement = derive(estimates.judge, subject)
    ceiling = derive(noise.ceiling, subject, images=subject.images, correlation=0.0).both
    return verdict.Ranking(subject, judgement, ceiling)


def where(run: RunFolder) -> str | None:
    """Where interference sits."""
    table = load(readings.readings, run, run.interference)
    return None if table is None else verdict.where_it_sits(glance(candidates.space_of, run, run.recipe), table)


ui.header("Verdict", "Can this run be handed in, can its ranking be trusted, and what is to be done next?")
name, run = ui.open_run()
summary = glance(runs.summary, run, *runs.summarised(run))
problems = glance(submission.count_problems, run, run.recipe, run.candidates, run.submission)
top = st.container(border=True)
with top:
    headline = ui.answer(verdict.ready(problems))  # at once; whether the ranking can be trusted takes longer
found, place, wrong = None, None, list(summary.problems)
try:
    found = ranking(run)
except InputError as error:
    wrong += error.problems
try:
    place = where(run)
except InputError as error:
    wrong += error.problems
whole = verdict.verdict(name, run, summary, problems, found, place)

headline.markdown(text.plain(whole.headline))
with top:
    if whole.next and whole.next.command:
        st.caption("Next:")
        verbatim(shlex.join(whole.next.command), "next")
if wrong:
    ui.problems("What cannot be read", list(dict.fromkeys(wrong)))
for step in whole.steps:
    color, icon = ICONS[step.state]
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.header(step.title, anchor=False, width="content")
            st.badge(step.state, color=color, icon=icon)
        st.markdown(text.plain(step.said))
        if step.title == "Ranking" and whole.taus is not None:
            ui.chart(
                forest(whole.taus, "correlation with the truth"), "taus", "Kendall tau of the score beside the priors"
            )
        for note in step.notes:
            st.caption(f":material/info: {text.plain(note)}")
        if step.command and step is not whole.next:
            verbatim(shlex.join(step.command), step.title)
noted = glance(notes.read_notes, run, notes.notes_file(run))
if noted:
    st.header("Notes", anchor=False)
    st.caption(text.plain(str(notes.notes_file(run))))
    st.text(noted)
st.download_button(
    "This page as one HTML file",
    lambda: report.to_html(whole),
    f"{name.replace('/', '-')}-verdict.html",
    "text/html",
    icon=":material/download:",
    on_click="ignore",
)
