"""Which decisions make a network good, which of them the supernet misjudges, and what the good ones have in common."""

import streamlit as st

from app import text, ui
from app.chart import chart
from app.derived import derive
from app.figures import decisions as figures
from app.parallel import brush, parallel
from app.screens.decisions import beside
from app.screens.decisions.choose import choose
from app.views.decisions import additive, flows
from app.views.decisions.scored import Scored
from app.views.decisions.words import answer

MOST = 16
"""Decisions that are drawn at first."""

AXES = 8
BEST = 200


def importance(name: str, fits: dict[str, additive.Fit]) -> str:
    """Bars by decision, then the options of one of them, which is returned."""
    titled = figures.titled(fits)
    first = next(iter(fits.values()))
    order = list(first.importance["decision"])
    everything = len(order) > MOST and st.toggle(f"All {len(order)} decisions", key="all", bind="query-params")
    shown = order if everything else order[:MOST]
    chart(
        figures.importance(titled, shown),
        "importance",
        "Share of the variance that each decision explains",
        first.importance.drop(columns="p"),
        f"{name}-importance",
    )
    st.caption(
        "How much of the differences between networks follows from each decision alone, with 95 % intervals; grey: "
        "cannot be told from nothing, all decisions considered together. Score less truth: where the two, each in its "
        "standard deviations, disagree."
    )
    decision = st.selectbox("Options of", order, key="decision", bind="query-params", width=240)
    chart(
        figures.effects(titled, decision),
        "effects",
        f"Effects of the options of {decision}",
        figures.table(titled),
        f"{name}-effects",
    )
    st.caption(
        "What an option adds beyond the mean of all networks that make this decision, other decisions being equal. "
        "Score less truth above 0: the supernet over-estimates networks with it."
    )
    if any(fit.trends for fit in fits.values()):
        said = " and ".join(figures.TITLES[key] for key, fit in fits.items() if fit.trends)
        st.caption(f":material/info: Too few networks for every option: {said} has a straight line for each decision.")
    pairs = first.interactions
    if len(pairs):
        with st.expander(f"{text.count(len(pairs), 'pair')} of decisions that depend on one another"):
            st.dataframe(
                pairs.assign(share=100 * pairs["share"], sign=pairs["sign"].map({1: "amplify", -1: "dampen"})),
                hide_index=True,
                column_config={"share": st.column_config.NumberColumn("share of variance", format="%.2f %%")},
            )
    return str(decision)


@st.fragment
def together(name: str, scored: Scored, order: list[str]) -> None:
    """Parallel coordinates, and the table that they filter."""
    st.header("All networks at once", anchor=False)
    st.caption(
        "Ribbons are as wide as there are networks that go that way; the lighter, the better they score. Press "
        "options, also of the score, to keep only the networks that have one of them on each axis; press again to let "
        "go."
    )
    chosen = st.multiselect("Axes", order, default=order[:AXES], key="axes")
    drawn = flows.axes(scored, chosen)
    mask = flows.kept(drawn, brush())
    parallel(drawn, flows.flows(drawn, scored, mask))
    table = flows.best(scored, mask, BEST)
    kept, total = int(mask.sum()), len(mask)
    st.markdown(f"**{kept:,} of {total:,} networks**" + (f", the best {BEST} of them:" if kept > BEST else ""))
    st.dataframe(
        table.dropna(axis="columns", how="all"),
        hide_index=True,
        height=320,
        column_config={
            "rank": st.column_config.NumberColumn("Rank", width=60),
            "id": st.column_config.TextColumn("Network"),
            "score": st.column_config.NumberColumn("Score", format="%.4f"),
            "truth": st.column_config.NumberColumn("Truth", format="%.4f"),
            "code": st.column_config.TextColumn("Code"),
        },
        alt="The networks that are kept",
    )
    ui.download("These as CSV", flows.best(scored, mask, total), f"{name}-kept")


ui.header(
    "What decides it",
    "Which decisions make a network good, which of them does the supernet misjudge, and what do the good ones have in "
    "common?",
)
name, run = ui.open_run()
with ui.problems_in_place("The decisions cannot be shown"):
    found = choose(run)
    if found is not None:
        scored = found.scored
        everything = derive(additive.fits, scored)
        fits = {key: fit for key, fit in everything.items() if fit is not None}
        others = beside.compare(ui.compared(run), found)
        with st.container(border=True):
            ui.answer(answer(everything), *beside.answers(name, others))
        if additive.PREDICTED in fits:
            decision = importance(name, fits)
            beside.show(name, fits[additive.PREDICTED], others, decision)
        order = fits[additive.PREDICTED].importance["decision"].tolist() if additive.PREDICTED in fits else []
        together(name, scored, order or [decision.name for decision in scored.space.decisions])
