"""The leaderboard file: check it, make it from results or from other people's files, take it away."""

from typing import get_args

import streamlit as st

from app import text, ui
from app.cache import glance, load
from app.views import candidates as candidate_views
from app.views import submission as views
from converters.submission import MEANING, Conflicts, Options, Score
from converters.tables import WORDS, Column, Unit

CONFLICTS: dict[str, Conflicts] = {
    "are refused": "error",
    "suspects are set aside": "window",
    "the first file counts": "first",
    "the last file counts": "last",
}
"""What to do about suspects and contradictions, in words."""

REPAIR = "Results that count equally many images, but were rounded differently, become equal numbers."
AS_IT_IS = "as it is"
UNITS: dict[str, Unit | None] = {AS_IT_IS: None} | {WORDS[unit]: unit for unit in WORDS}

ui.header(
    "Submission",
    "The file that goes to the leaderboard: every candidate with its score. Its problems are found before it leaves.",
)


def tied(found: views.Tied | None) -> None:
    """In amber: results that hardly order the networks, and what to do about it."""
    if found is not None and found.mostly:
        st.warning(
            f"Mostly ties: {found.results:,} results take {found.distinct:,} different values, so that "
            f"{found.share:.0%} of all pairs of networks are in no order. Evaluate on more images, hand in the score "
            "`loss` instead of the accuracy, or blend it with a score that has no ties, such as a prior: "
            "`supernet blend`.",
            icon=":material/warning:",
        )


name, run = ui.open_run()
read = (run.recipe, run.candidates)

own, build = st.columns(2, gap="large")
with own:
    st.header("This run's file", anchor=False)
    with ui.problems_in_place("The file cannot be checked"):
        if run.submission.is_file():
            ui.report(load(views.check_own, run, *read, run.submission))
            tied(load(views.tied, run, *read, run.submission))
        else:
            command = ("supernet", "submit", run.path)
            ui.empty("No submission yet", "It is written once every candidate has a result.", command)

with build:
    st.header("Make one from the results", anchor=False)
    with ui.problems_in_place("The results do not make a submission yet"):
        holdings = glance(candidate_views.settings, run, *candidate_views.ledger_files(run))
        if not holdings:
            ui.no_results(run)
        else:
            labels = candidate_views.labels(
                holdings, glance(candidate_views.checkpoint_steps, run, run.path / "checkpoints")
            )
            chosen = st.selectbox("Results", list(labels), key="results", bind="query-params")
            score = st.segmented_control(
                "Score", get_args(Score), default="top1", key="acc", bind="query-params", required=True
            )
            st.caption(f"acc will be {MEANING[score]}.")
            built = load(
                views.build_submission,
                run,
                *read,
                *candidate_views.ledger_files(run),
                setting=labels[chosen].setting,
                score=score,
            )
            st.success(text.sentence(built.report.verdict), icon=":material/verified:")
            tied(views.Tied.of(built.content))
            st.download_button(
                "Download submission.json",
                built.content,
                "submission.json",
                "application/json",
                icon=":material/download:",
                type="primary",
                on_click="ignore",
            )

st.header("Check, repair and put together any files", anchor=False)
uploads = st.file_uploader(
    "Leaderboard files, part files, tables of other teams",
    accept_multiple_files=True,
    max_upload_size=views.UPLOAD_MB,
    help="Held against this run's candidates. Nothing is stored, nothing in them is executed.",
)
if not uploads:
    st.caption(
        "Recognised by their content: the official JSON, dictionaries by code, lines of codes and accuracies, logs. "
        "Listed are duplicate keys, missing and unknown ids, altered codes, NaN, mixed scales, stale rows, edited and "
        "leftover placeholders, contradictions between parts: all of them, not only the first."
    )
else:
    recognised = st.container()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        conflicts = st.selectbox("Suspects and contradictions", CONFLICTS, key="conflicts", width=250)
        unit = st.segmented_control("Unit", list(UNITS), default=AS_IT_IS, key="unit", required=True)
        column = st.segmented_control("Column", get_args(Column), default="top1", key="column", required=True)
        gaps = st.toggle("Allow gaps", key="gaps", help="Candidates without a result keep the placeholder.")
        repair = st.toggle("Repair counts", key="repair", help=REPAIR)
    with ui.problems_in_place("The files cannot be checked"):
        found = load(
            views.read_uploads,
            run,
            *read,
            uploads=tuple((upload.name, upload.getvalue()) for upload in uploads),
            conflicts=CONFLICTS[conflicts],
            allow_gaps=gaps,
            options=Options(UNITS[unit], column, repair),
        )
        numbers = dict.fromkeys(("Entries", "Results", "Suspect"), st.column_config.NumberColumn(format="localized"))
        if not found.files.empty:
            recognised.dataframe(found.files, hide_index=True, column_config=numbers)
        if found.problems:
            ui.problems(text.plain(text.sentence(found.verdict)), found.problems)
        else:
            st.success(text.plain(text.sentence(found.verdict)), icon=":material/verified:")
        for note in found.notes:
            st.caption(f":material/info: {text.plain(note)}")
        if found.content is not None:
            file = "repaired.json" if found.complete else "part.json"
            st.download_button(
                f"Download {file}",
                found.content,
                file,
                "application/json",
                icon=":material/download:",
                on_click="ignore",
            )
