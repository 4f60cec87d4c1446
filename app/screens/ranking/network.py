"""One network in full: how it was judged, how it looks, and what a single other choice would do."""

import streamlit as st

from app import inspector, text, ui
from app.chart import chart
from app.derived import derive
from app.figures.ranking import neighbours as figures
from app.screens.ranking.choose import Found
from app.verbatim import verbatim
from app.views.ranking import neighbours as views
from app.views.ranking.subject import Subject


def show(found: Found, code: str) -> None:
    """Lay out the network with this code."""
    subject = found.subject
    st.header(text.plain(subject.ids.get(code, "The network")), anchor=False)
    ui.facts(_facts(subject, code))
    verbatim(code, "code", wrap=True)
    if subject.space is None:
        st.info(
            "Its space is not known, so it cannot be drawn, and nobody can say which networks are like it.",
            icon=":material/help:",
        )
        return
    inspector.draw(subject.space, code, f"{found.name}-{subject.ids.get(code, 'network')}")
    st.subheader("One other choice", anchor=False)
    known = derive(views.scored, subject)
    near = views.neighbours(subject, known, code)
    if near.empty:
        st.caption("No other network has a score.")
        return
    with_truth = int(near["true"].notna().sum()) if code in subject.every_truth else 0
    st.caption(_explain(subject, code, near["apart"].min(), len(near), with_truth))
    left, right = st.columns([42, 58]) if with_truth else (None, st.container())
    if left:
        with left:
            chart(figures.moves(near), "moves", "How prediction and truth move", near, f"{found.name}-neighbours")
    with right:
        apart = ["apart"] if near["apart"].max() > 1 else []
        moves = [
            name for side in ("predicted", "true") if near[side].notna().any() for name in (side, f"{side}_change")
        ]
        st.dataframe(
            near[["change", *apart, *moves]],
            key="neighbours",
            hide_index=True,
            height=430 if with_truth else "auto",
            column_config={
                "change": st.column_config.TextColumn(
                    "What is chosen otherwise", width="medium" if with_truth else "large"
                ),
                "apart": st.column_config.NumberColumn("Choices", width=62),
                "predicted": st.column_config.NumberColumn("Predicted", format="%.5g", width=76),
                "predicted_change": st.column_config.NumberColumn("moves", format="%+.3g", width=64),
                "true": st.column_config.NumberColumn("True", format="%.5g", width=70),
                "true_change": st.column_config.NumberColumn("moves", format="%+.3g", width=64),
            },
            alt="Neighbours of the network",
        )
    if not left:
        ui.download("Neighbours as CSV", near, f"{found.name}-neighbours")


def _facts(subject: Subject, code: str) -> dict[str, str | int | None]:
    """The row of key figures."""
    rows = subject.table.index[subject.table["code"] == code]
    score, truth = subject.every_score.get(code), subject.every_truth.get(code)
    facts: dict[str, str | int | None] = {
        "Predicted": None if score is None else f"{score:.5g}",
        "True": None if truth is None else f"{truth:.5g}",
    }
    if len(rows):
        row, total = subject.table.loc[rows[0]], len(subject)
        facts["Predicted rank"] = f"{row['predicted_rank']:,.0f} of {total:,}"
        facts["True rank"] = f"{row['true_rank']:,.0f}"
        facts["Shift of rank"] = f"{100 * row['shift']:+.1f} %"
    if subject.space:
        cost = subject.space.cost(subject.space.parse(code))
        facts["MACs"], facts["Parameters"] = text.si(cost.macs), text.si(cost.params)
    return facts


def _explain(subject: Subject, code: str, nearest: int, found: int, with_truth: int) -> str:
    assert subject.space is not None  # noqa: S101
    if nearest > 1:
        return (
            f"No scored network is one choice away (there are {views.possible(subject.space, code):,} such networks); "
            f"these {found} are the nearest, {nearest} choices or more from it."
        )
    agree = ""
    if with_truth:
        agree = " In the shaded quarters prediction and truth move the same way; outside them the score errs."
    return (
        f"Of the {views.possible(subject.space, code):,} networks that differ from it in one choice, {found:,} have a "
        f"score and {with_truth:,} a truth.{agree}"
    )
