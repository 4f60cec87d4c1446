"""The leaderboard file: check it, make it, take it away."""

from typing import get_args

import streamlit as st

from app import text, ui
from app.cache import load
from app.views import candidates as candidate_views
from app.views import submission as views
from converters.submission import MEANING, Score

ui.header(
    "Submission",
    "The file that goes to the leaderboard: every candidate with its score. Its problems are found before it leaves.",
)
name, run = ui.open_run()
read = (run.recipe, run.candidates)

st.subheader("This run's file", anchor=False)
with ui.problems_in_place("The file cannot be checked"):
    if run.submission.is_file():
        ui.report(load(views.check_own, run, *read, run.submission))
    else:
        command = ("supernet", "submit", run.path)
        ui.empty("No submission yet", "It is written once every candidate has a result.", command)

build, check = st.columns(2, gap="large")
with build:
    st.subheader("Make one from the results", anchor=False)
    with ui.problems_in_place("The results do not make a submission yet"):
        holdings = load(candidate_views.settings, run, *candidate_views.ledger_files(run))
        if not holdings:
            ui.no_results(run)
        else:
            labels = candidate_views.labels(
                holdings, load(candidate_views.checkpoint_steps, run, run.path / "checkpoints")
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
            st.download_button(
                "Download submission.json",
                built.content,
                "submission.json",
                "application/json",
                icon=":material/download:",
                type="primary",
                on_click="ignore",
            )
with check:
    st.subheader("Check any file", anchor=False)
    upload = st.file_uploader(
        "A leaderboard file",
        type="json",
        max_upload_size=views.UPLOAD_MB,
        help="Held against this run's candidates. Nothing is stored, nothing in it is executed.",
    )
    if upload is not None:
        with ui.problems_in_place("The file cannot be checked"):
            ui.report(load(views.check_upload, run, *read, name=upload.name, content=upload.getvalue()))
    else:
        st.caption(
            "Duplicate keys, missing and unknown ids, altered codes, NaN, mixed scales, placeholders left over, "
            "a constant column: all are listed, not only the first."
        )
