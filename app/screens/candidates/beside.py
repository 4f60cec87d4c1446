"""Other runs beside this one: how far they rank the same candidates alike, and which not."""

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from app import text, ui
from app.cache import glance, load
from app.chart import chart
from app.derived import derive
from app.figures import agreement as figures
from app.views import agreement as views
from app.views import candidates
from toolkit.runs.folder import RunFolder

MOVERS = 20
"""Each way, in the figure and the table."""


def compare(
    others: Mapping[str, RunFolder],
    frame: pd.DataFrame,
    score: candidates.Score,
    label: str,
) -> dict[str, views.Both]:
    """What other runs say of these candidates, by their names; of those that say nothing, the page says so.

    Args:
        frame: `views.candidates.joined` of the run that is open.
        label: the results that are looked at; of other runs the same if there are such, else the newest.
    """
    found = {}
    for name, run in others.items():
        with ui.problems_in_place(f"{text.plain(name)} cannot be shown beside it"):
            files = candidates.ledger_files(run)
            holdings = glance(candidates.settings, run, *files)
            steps = glance(candidates.checkpoint_steps, run, run.path / "checkpoints")
            labels = candidates.labels(holdings, steps)
            chosen = labels.get(label) or next(iter(labels.values()), None)
            results = load(candidates.results, run, *files, setting=chosen.setting) if chosen else None
            known = None if results is None else derive(views.both, views.Two(frame, results, score))
            if known is None:
                st.info(f"{text.plain(name)} has no results of these candidates.", icon=":material/info:")
            else:
                found[name] = known
    return found


def show(name: str, found: Mapping[str, views.Both], score: candidates.Score) -> None:
    """Ranks here against ranks there, and who moved most; a click on one of these shows it above."""
    if not found:
        return
    st.header("Beside other runs", anchor=False)
    other = ui.one_of("Beside", list(found), "beside_run")
    both = found[other]
    moved = views.movers(both, MOVERS)

    def clicked() -> None:
        points = st.session_state["ranks"].selection.points
        if points and "text" in points[0]:
            st.session_state["candidate"] = points[0]["text"]

    left, right = st.columns([56, 44], gap="medium")
    with left:
        chart(
            figures.ranks(both, moved, name, other),
            "ranks",
            f"Ranks of candidates in {name} and in {other}",
            both.table.rename(columns={score.column: name, "other": other}),
            f"{name}-beside".replace("/", "-"),
            on_select=clicked,
            selection_mode="points",
        )
    with right:
        st.markdown("**Who moved most**")
        st.dataframe(
            moved[["id", "rank", "other_rank", "moved", score.column, "other"]],
            hide_index=True,
            height=380,
            column_config={
                "id": st.column_config.TextColumn("Candidate", width=90),
                "rank": st.column_config.NumberColumn("Rank here", format="%d", width=80),
                "other_rank": st.column_config.NumberColumn("There", format="%d", width=70),
                "moved": st.column_config.NumberColumn("Places up", format="%+d", width=80),
                score.column: st.column_config.NumberColumn("Score here", format="%.4g", width=90),
                "other": st.column_config.NumberColumn("There", format="%.4g", width=70),
            },
            alt="Candidates whose rank differs most",
        )
    st.caption(
        f"The best are at the upper right; on the dashed line both runs agree. Blue: the {MOVERS} that "
        f"{text.plain(other)} ranks furthest above this run; orange: furthest below. Equal scores share the mean of "
        "their ranks. Click one to see it above."
    )
