"""Other runs beside this one: the effects of the same options, and where the runs disagree."""

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from app import text, ui
from app.chart import chart
from app.derived import derive
from app.figures import decisions as figures
from app.screens.decisions.choose import Found, offered, read
from app.views.decisions import additive
from app.views.decisions.scored import against
from app.views.decisions.words import beside
from toolkit.runs.folder import RunFolder

MOST = 10
"""Decisions of which it is shown how much of the difference they explain."""

Fits = Mapping[str, additive.Fit | None]


def compare(others: Mapping[str, RunFolder], own: Found) -> dict[str, Fits]:
    """By run, the fits to its score and to what this run's score says more, on the networks that both have.

    A run's score of the same name is taken, or else its first.
    """
    found: dict[str, Fits] = {}
    for name, run in others.items():
        with ui.problems_in_place(f"{text.plain(name)} cannot be shown beside it"):
            scores = offered(run)
            if not scores:
                st.info(f"{text.plain(name)} has no scores yet.", icon=":material/info:")
                continue
            source = scores.get(own.judged) or next(iter(scores.values()))
            found[name] = derive(additive.fits, against(own.scored, read(run, source)))
    return found


def answers(name: str, others: Mapping[str, Fits]) -> list[str]:
    """A sentence for each other run."""
    return [beside(name, other, fits) for other, fits in others.items()]


def show(name: str, own: additive.Fit, others: Mapping[str, Fits], decision: str) -> None:
    """Options of one decision, run by run; then, decision by decision, what explains that two runs differ."""
    scores, less = {name: own}, {}
    for other, fits in others.items():
        theirs, difference = fits.get(additive.TRUE), fits.get(additive.MISJUDGED)
        if theirs is not None and difference is not None:
            scores[other], less[f"{name} less {other}"] = theirs, difference
    if not less:
        return
    st.header("Beside other runs", anchor=False)
    file = f"{name}-beside".replace("/", "-")
    shares = pd.concat(fit.importance for fit in less.values()).groupby("decision")["share"].max()
    most = shares.sort_values(ascending=False).index[:MOST].tolist()
    chart(
        figures.importance(less, most),
        "differences",
        "Share of the difference of two runs that each decision explains",
        figures.table(less),
        f"{file}-differences",
    )
    st.caption(
        "Decisions that explain why two runs score the same networks differently, each score in its standard "
        "deviations, with 95 % intervals; grey: cannot be told from nothing."
    )
    chart(
        figures.effects(scores, decision),
        "runs",
        f"Effects of the options of {decision} in each run",
        figures.table(scores),
        f"{file}-effects",
    )
    st.caption(f"What the options of {text.plain(decision)} add in each run, other decisions being equal.")
