"""Every candidate: how accurate the supernet says it is, what it costs, and how it looks inside."""

import numpy as np
import streamlit as st

from app import inspector, text, theme, ui
from app.cache import load
from app.figures import candidates as figures
from app.views import candidates as views
from app.views.candidates_words import answer

BEST = 200  # rows of the table beside the cloud; the download has them all

COLUMNS = {
    "rank": st.column_config.NumberColumn("Rank", width=50),
    "id": st.column_config.TextColumn("Candidate", width=84),
    "top1": st.column_config.NumberColumn("Top-1 (%)", format="%.2f"),
    "top5": st.column_config.NumberColumn("Top-5 (%)", format="%.2f"),
    "loss": st.column_config.NumberColumn("Loss (nats)", format="%.4f"),
    "macs": st.column_config.NumberColumn("MACs", format="compact"),
    "params": st.column_config.NumberColumn("Parameters", format="compact"),
}

ui.header("Candidates", "What the supernet says of every network it contains, against what that network costs.")
name, run = ui.open_run()


def clicked() -> None:
    """A point of the cloud was clicked: it is selected, and the address says so."""
    points = st.session_state["cloud"].selection.points
    if points and "text" in points[0]:
        st.session_state["candidate"] = st.session_state["clicked"] = points[0]["text"]


def picked() -> None:
    """A row of the table was clicked."""
    cells = st.session_state["best"].selection.cells
    if cells:
        st.session_state["candidate"] = best["id"].iloc[cells[0][0]]


with ui.problems_in_place("The candidates cannot be shown"):
    ledger, checkpoints = views.ledger_files(run), run.path / "checkpoints"
    holdings = load(views.settings, run, *ledger)
    if not holdings:
        ui.no_results(run)
        st.stop()
    labels = views.labels(holdings, load(views.checkpoint_steps, run, checkpoints))
    known = load(views.architectures, run, run.recipe, run.candidates, checkpoints)

    with st.container(horizontal=True, vertical_alignment="bottom"):
        label = st.selectbox("Results of", list(labels), key="results", bind="query-params")
        title = st.segmented_control(
            "Score", list(views.SCORES), default="Top-1", key="score", bind="query-params", required=True
        )
        cost = st.segmented_control(
            "Against", list(figures.COSTS), default="MACs", key="cost", bind="query-params", required=True
        )
        color = st.selectbox("Colour", figures.colorings(known), key="colour", bind="query-params", width=180)
    options = views.branches(known)
    only = st.multiselect(
        "Only those with",
        list(options),
        key="only",
        bind="query-params",
        placeholder="options of decisions; of several of one decision, any",
    )
    score, column = views.SCORES[title], figures.COSTS[cost]
    frame = views.joined(known, load(views.results, run, *ledger, setting=labels[label].setting))
    if frame.empty:
        st.info(
            "None of the run's present candidates has such a result; choose others.", icon=":material/filter_alt_off:"
        )
        st.stop()
    everything = len(frame)
    if everything < len(known.table):
        st.caption(
            f"{everything:,} of the run's {len(known.table):,} candidates were really evaluated and stand here; what "
            "is predicted of the others is on the Predictor page."
        )
    frame = frame[views.having(known, [options[each] for each in only])[frame.index.to_numpy()]]
    if frame.empty:
        st.info("No candidate has all of these.", icon=":material/filter_alt_off:")
        st.stop()
    with st.container(border=True):
        st.markdown(f"##### {text.plain(answer(views.noise(frame, score), score, everything))}")
    ranked = views.ranked(frame, score)
    best = ranked.head(BEST)

    cloud, table = st.columns([71, 29])
    what = f"Each point is one of {len(frame):,} networks, tested with the supernet's weights."
    if len(frame) > figures.MANY:
        what = f"{len(frame):,} networks, tested with the supernet's weights; points are the best {figures.BEST}."
    st.caption(
        f"{what} Click one to see it below. The line joins those that no cheaper one beats, the band around it is what "
        "other test images might have made of them (95 %); the grey hills count candidates along each axis."
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.subheader("Selected candidate", anchor=False)
        wanted = st.text_input(
            "Find by id or code",
            key="candidate",
            bind="query-params",
            placeholder=best["id"].iloc[0],
            icon=":material/search:",
            width=420,
        )
    chosen = views.find(frame, wanted or best["id"].iloc[0])

    # The browser has marked a clicked point by itself; as long as the figure stays the same, it need not be sent again.
    view, before = (name, label, title, cost, color, tuple(only)), st.session_state.get("view")
    if wanted != st.session_state.get("clicked") or view != before:
        st.session_state["view"], st.session_state["marked"] = view, chosen
    cloud.plotly_chart(
        figures.cloud(
            frame,
            column,
            score,
            figures.coloring(known, frame.index.to_numpy(np.int64), color),
            views.frontier(frame, column, score),
            st.session_state["marked"],
        ),
        key="cloud",
        on_select=clicked,
        selection_mode="points",
        config=theme.CONFIG,
        alt=f"{score.title} against {cost} of all candidates",
    )
    table.dataframe(
        best[["rank", "id", score.column, column]],
        key="best",
        on_select=picked,
        selection_mode="single-cell",
        hide_index=True,
        height=figures.HEIGHT,
        column_config=COLUMNS,
        alt="The best candidates",
    )
    if chosen is None:
        st.info("No candidate with a result has this id or code.", icon=":material/search_off:")
    else:
        inspector.show(known.space, views.candidate(ranked, chosen), len(ranked))
    ui.download("All results as CSV", ranked, f"{name}-candidates")
