"""View: what the networks are worth that the score puts first."""

import streamlit as st

from app import text
from app.chart import chart
from app.derived import derive
from app.figures.ranking.picks import regret
from app.screens.ranking.choose import Found
from app.views.ranking import picks as views

FIRST = 50


@st.fragment
def show(found: Found) -> None:
    """Regret against the number of networks taken; the numbers behind it; and the first networks themselves."""
    subject = found.subject
    table = derive(views.picks, subject)
    chart(regret(table), "regret", "Regret of the first K", table, f"{found.name}-picks")
    st.caption(
        "Whoever takes the first K networks by a score and trains them all finds one that is this much worse than the "
        "best of all. A curve above the dotted one is worse than picking blindly. The axis is logarithmic: what "
        "tells good choices apart lies near 0."
    )
    names = [name for name in table["estimator"].unique() if name != views.BLIND]
    who = st.selectbox("First by", names, key="by", bind="query-params", width=260)
    rows = table[table["estimator"] == who].drop(columns="estimator")
    percent = st.column_config.NumberColumn(format="percent")
    st.dataframe(
        rows[["size", "share", "top", "bottom", "best_rank", "worst_rank", "best", "regret"]],
        hide_index=True,
        height="content",
        column_config={
            "size": st.column_config.NumberColumn("First K", format="localized"),
            "share": st.column_config.NumberColumn("Of all", format="percent"),
            "top": {**percent, "label": "P@top"},
            "bottom": {**percent, "label": "P@bottom"},
            "best_rank": st.column_config.NumberColumn("Best rank, N@K", format="localized"),
            "worst_rank": st.column_config.NumberColumn("Worst rank", format="localized"),
            "best": st.column_config.NumberColumn("Best truth", format="%.5g"),
            "regret": st.column_config.NumberColumn("Regret", format="%.3g"),
        },
        alt=f"What the first K by {who} are worth",
    )
    st.caption(
        "P@top: the share of the first K that are truly among the first K; P@bottom likewise of the last. Best and "
        "worst rank: the true ranks of the truly best and worst among them (as shares of all: BR@K and WR@K)."
    )
    st.header(f"The first {min(FIRST, len(subject))} by {text.plain(subject.score)}", anchor=False)
    st.dataframe(
        views.first(subject, FIRST)[["id", "predicted", "true", "true_rank", *subject.beside]],
        hide_index=True,
        height=300,
        column_config={
            "id": st.column_config.TextColumn("Network"),
            "predicted": st.column_config.NumberColumn("Predicted", format="%.5g"),
            "true": st.column_config.NumberColumn("True", format="%.5g"),
            "true_rank": st.column_config.NumberColumn("True rank", format="localized"),
            "MACs": st.column_config.NumberColumn("MACs", format="compact"),
            "parameters": st.column_config.NumberColumn("Parameters", format="compact"),
        },
        alt="The networks that the score puts first",
    )
