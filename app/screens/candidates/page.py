"""Every candidate: how accurate the supernet says it is, what it costs, and how it looks inside."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st

from app import inspector, links, text, theme, ui
from app.cache import glance, load
from app.figures import candidates as figures
from app.screens.candidates import beside
from app.views import agreement
from app.views import candidates as views
from app.views.candidates_words import answer
from app.views.latency import latencies, latency_files

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


@dataclass(frozen=True)
class Shown:
    """What is looked at.

    Attributes:
        frame: results and costs, one row a candidate.
        view: changes with what the figure shows, so that it is sent anew.
    """

    known: views.Architectures
    frame: pd.DataFrame
    score: views.Score
    cost: figures.Cost
    latencies: tuple[figures.Cost, ...]
    color: str
    view: tuple[object, ...]


@st.fragment
def explore(shown: Shown) -> None:
    """The cloud, the best beside it, and one candidate in full; a click computes no more than this anew."""
    frame, score, cost = shown.frame, shown.score, shown.cost
    ranked = views.ranked(frame, score)
    best = ranked.head(BEST)

    def clicked() -> None:
        points = st.session_state["cloud"].selection.points
        if points and "text" in points[0]:
            st.session_state["candidate"] = st.session_state["clicked"] = points[0]["text"]

    def picked() -> None:
        cells = st.session_state["best"].selection.cells
        if cells:
            st.session_state["candidate"] = best["id"].iloc[cells[0][0]]

    cloud, table = st.columns([71, 29])
    what = f"Each point is one of {len(frame):,} networks, tested with the supernet's weights."
    if len(frame) > figures.MANY:
        what = f"{len(frame):,} networks, tested with the supernet's weights; points are the best {figures.BEST}."
    st.caption(
        f"{what} Click one to see it below. The line joins those that no cheaper one beats, the band around it is what "
        "other test images might have made of them (95 %); the grey hills count candidates along each axis."
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.header("Selected candidate", anchor=False)
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
    if wanted != st.session_state.get("clicked") or shown.view != st.session_state.get("view"):
        st.session_state["view"], st.session_state["marked"] = shown.view, chosen
    cloud.plotly_chart(
        figures.cloud(
            frame,
            cost,
            score,
            figures.coloring(shown.known, frame.index.to_numpy(np.int64), shown.color),
            views.frontier(frame, cost.column, score),
            st.session_state["marked"],
        ),
        key="cloud",
        on_select=clicked,
        selection_mode="points",
        config=theme.CONFIG,
        alt=f"{score.title} against {cost.title} of all candidates",
    )
    milliseconds = st.column_config.NumberColumn(f"{figures.device(cost)} (ms)", format="%.3g")
    table.dataframe(
        best[["rank", "id", score.column, cost.column]],
        key="best",
        on_select=picked,
        selection_mode="single-cell",
        hide_index=True,
        height=figures.HEIGHT,
        column_config=COLUMNS | ({cost.column: milliseconds} if cost.unit else {}),
        alt="The best candidates",
    )
    if chosen is None:
        st.info("No candidate with a result has this id or code.", icon=":material/search_off:")
    else:
        took = {figures.device(each): float(frame[each.column].loc[chosen]) for each in shown.latencies}
        inspector.show(shown.known.space, views.candidate(ranked, chosen), len(ranked), took)
    ui.download("All results as CSV", ranked, f"{name}-candidates")


ui.header("Candidates", "What the supernet says of every network it contains, against what that network costs.")
name, run = ui.open_run()

with ui.problems_in_place("The candidates cannot be shown"):
    ledger, checkpoints = views.ledger_files(run), run.path / "checkpoints"
    holdings = glance(views.settings, run, *ledger)
    if not holdings:
        ui.no_results(run)
        st.stop()
    labels = views.labels(holdings, glance(views.checkpoint_steps, run, checkpoints))
    known = load(views.architectures, run, run.recipe, run.candidates, checkpoints)
    took = pd.DataFrame(index=known.table.index)
    with ui.problems_in_place("The latencies cannot be read"):
        tables = latency_files(run, links.folder())
        if tables:
            took = load(latencies, run, run.recipe, run.candidates, *tables, files=tuple(tables))
    latency = tuple(figures.latency(str(column)) for column in took.columns)
    costs = figures.COSTS | {f"Latency: {text.printable(figures.device(each))}": each for each in latency}

    with st.container(horizontal=True, vertical_alignment="bottom"):
        label = st.selectbox("Results of", list(labels), key="results", bind="query-params")
        title = st.segmented_control(
            "Score", list(views.SCORES), default="Top-1", key="score", bind="query-params", required=True
        )
        against = st.selectbox(
            "Against",
            list(costs),
            key="cost",
            bind="query-params",
            width=180,
            help="Latencies come from tables latency*.csv in the run, or in a folder beside the runs",
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
    score, cost = views.SCORES[title], costs[against]
    frame = views.joined(known, load(views.results, run, *ledger, setting=labels[label].setting)).join(took)
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
    if (without := int(frame[cost.column].isna().sum())) < len(frame):
        frame = frame.dropna(subset=cost.column)
    if frame.empty or without == everything:
        st.info("No candidate has all of these.", icon=":material/filter_alt_off:")
        st.stop()
    found = beside.compare(ui.compared(run), frame, score, label)
    with st.container(border=True):
        said = [agreement.words(both, name, other) for other, both in found.items()]
        ui.answer(answer(views.noise(frame, score), score, everything), *said)
        if without:
            st.caption(f"{text.count(without, 'candidate')} without a latency there left out.")
    view = (name, label, title, against, color, tuple(only))
    explore(Shown(known, frame, score, cost, latency, color, view))
    beside.show(name, found, score)
