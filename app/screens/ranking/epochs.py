"""View: how the ranking grew while the supernet trained."""

import streamlit as st

from app import text, ui
from app.cache import load
from app.chart import chart
from app.derived import derive
from app.figures.ranking.history import history as draw
from app.screens.ranking.choose import Found
from app.views.candidates import SCORES, ledger_files
from app.views.ranking import estimates
from app.views.ranking import history as views
from toolkit.ranking.metrics import MAIN
from toolkit.ranking.priors import MACS


@st.fragment
def show(found: Found) -> None:
    """Tau after every checkpoint that was evaluated and is still there."""
    run = found.run
    if run is None:
        st.info("Files say nothing about training; a run does.", icon=":material/info:")
        return
    series, lost = views.series(list(found.holdings), dict(found.steps))
    if not series:
        ui.empty(
            "No checkpoint was evaluated yet",
            "The ledger knows no result of a checkpoint that is still there.",
            ("supernet", "evaluate", run.path, "--candidates", run.candidates),
        )
        return
    labels = {each.label: each for each in series}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        score = st.segmented_control(
            "Ranked by", list(SCORES), default="Top-1", key="ranked", bind="query-params", required=True
        )
        label = st.selectbox("Evaluated with", list(labels), key="evaluated", bind="query-params")
    chosen = labels[label]
    table = load(
        views.history,
        run,
        *ledger_files(run),
        run.metrics,
        subject=found.subject,
        column=SCORES[score].column,
        chosen=chosen,
    )
    if table.empty:
        st.info(
            "None of these checkpoints has ten networks in common with the truth.", icon=":material/filter_alt_off:"
        )
        return
    macs = derive(estimates.judge, found.subject).estimators.get(MACS)
    tau = macs[MAIN].value if macs else None
    prior = None if tau is None else (MACS, tau)
    chart(draw(table, prior), "history", "Kendall tau over training", table, f"{found.name}-tau-over-training")
    st.caption(
        "Each point is a checkpoint whose results are in the run's ledger, held against the truth; bands are 95 % "
        "intervals (jackknife). Training that lowers the loss but not this curve teaches the weights, not the ranking."
    )
    if len(chosen.settings) < 2:
        ui.empty(
            "One checkpoint makes no curve",
            "Keep more of them while training (`checkpoints` in the recipe), and evaluate each.",
            ("supernet", "evaluate", run.path, "--checkpoint", run.checkpoint(min(chosen.settings))),
        )
    if lost:
        st.caption(
            f":material/info: {text.count(lost, 'more result')} of the ledger belong to checkpoints that are gone; "
            "their step is not known."
        )
