"""View: the ranking error. Which branches are misjudged, and whether interference is where the error is."""

from typing import get_args

import pandas as pd
import streamlit as st

from app import links, text, ui
from app.chart import chart
from app.derived import derive
from app.figures.interference.scatter import against_error
from app.figures.ranking.forest import forest
from app.figures.ranking.groups import branches as draw_branches
from app.screens.interference.choose import Found
from app.screens.ranking.choose import read, read_ledger
from app.views.interference import ranking_error
from app.views.ranking import misjudged, sources
from app.views.ranking.subject import Subject
from toolkit.ranking.metrics import FEW
from toolkit.ranking.report import Estimate

ERRORS = {
    "branch": "misjudged by (% of all ranks, either way)",
    "decision": "share of the ranking error that it explains (%)",
}


@st.fragment
def show(found: Found) -> None:
    """Branches over- and under-estimated, the clearest of them, and all beside their interference."""
    with ui.problems_in_place("The ranking error cannot be shown"):
        subject = _subject(found)
        if subject is None:
            return
        table = derive(misjudged.branches, subject)
        _misjudged(found, subject, table)
        left, right = st.columns([45, 55], gap="large")
        with left:
            _clearest(found, subject, table)
        with right:
            _beside(found, subject)


def _subject(found: Found) -> Subject | None:
    run = found.own.run
    holdings, steps = read_ledger(run)
    shared = sources.shared_files(links.folder(), found.own.space)
    scores, truths = sources.scores(run, holdings, steps, shared), sources.truths(run, shared)
    if not scores or not sources.others(truths, next(iter(scores.values()))):
        ui.empty(
            "No ranking error to look at yet",
            "It takes scores of candidates from this supernet, and how good some of them are when trained alone.",
            *([] if scores else [("supernet", "evaluate", run.path, "--candidates", run.candidates)]),
            ("supernet", "standalone", run.path),
        )
        return None
    with st.container(horizontal=True):
        judged = st.selectbox("Score", list(scores), key="judged", bind="query-params")
        truths = sources.others(truths, scores[judged])
        truth = st.selectbox("Truth", list(truths), key="truth", bind="query-params") if truths else None
    if truth is None:
        st.info("A file ranks just as itself: choose another score.", icon=":material/info:")
        return None
    return read(run, (judged, truth), scores[judged], truths[truth])


def _misjudged(found: Found, subject: Subject, table: pd.DataFrame) -> None:
    st.header("Which branches are misjudged", anchor=False)
    chart(draw_branches(table), "misjudged", "Shift of rank by branch", table, found.file("misjudged"))
    st.caption(
        f"One column a decision, one row an option. Of the {len(subject):,} networks with a score and a truth, those "
        "that hold a branch: their true rank less the predicted one, mean, in percent of all ranks. Blue: the supernet "
        f"under-estimates what holds this branch; orange: it over-estimates it; pale: neither; empty: fewer than {FEW} "
        "networks hold it."
    )


def _clearest(found: Found, subject: Subject, table: pd.DataFrame) -> None:
    st.header("The clearest of them, with 95 % intervals", anchor=False)
    clearest = derive(ranking_error.clearest, subject)
    known = int((table["networks"] >= FEW).sum())
    sure = clearest.loc[(clearest["low"] > 0) | (clearest["high"] < 0), "estimator"]
    figure = forest(clearest, "under-estimated by (% of all ranks)", set(sure))
    chart(figure, "clearest", "The clearest shifts", clearest, found.file("clearest"))
    st.caption(
        f"In brackets the networks that hold the branch. An interval that holds 0 (grey) says: cannot be told. Out of "
        f"{known:,} branches about {known / 20:.0f} would stand clear of 0 by mere chance."
    )


def _beside(found: Found, subject: Subject) -> None:
    st.header(f"Is {text.plain(found.measure.label)} where the error is?", anchor=False)
    per = st.segmented_control(
        "One point for each", list(get_args(ranking_error.Per)), default="branch", key="per", bind="query-params",
        required=True, format_func=str.capitalize,
    )  # fmt: skip
    points = ranking_error.points(subject, found.cells(found.own), per)
    if len(points) < 3:
        st.info(
            "Too few branches have both a number for this measure and networks that hold them.", icon=":material/info:"
        )
        return
    tau = _correlation(points)
    chart(
        against_error(points, found.measure, ERRORS[per]),
        "against",
        "Interference against ranking error",
        points,
        found.file(f"{found.key}-error"),
    )
    st.markdown(text.plain(_verdict(tau, len(points), bad_is_low=found.measure.bad == "low")))
    st.caption(
        "A decision explains error as far as its options differ in how much they are misjudged, chance taken out: "
        "about 0, or below, means it has no part in it. Interference is one reason for error among several: short "
        "training, noise of the stand-alone runs and of few test images are others."
        if per == "decision"
        else "One point a branch: how much its networks are misjudged, in either direction, against its interference. "
        "Few networks per branch make errors look larger than they are, alike for all branches. Branches of one "
        "decision are not independent: the interval comes from draws of whole decisions, ten at least."
    )


@st.cache_data(show_spinner="Computing", max_entries=64)
def _correlation(points: pd.DataFrame) -> Estimate:
    return ranking_error.correlation(points)


def _verdict(tau: Estimate, count: int, *, bad_is_low: bool) -> str:
    """What the correlation says, also when it is nothing."""
    if tau.value is None:
        return f"Kendall tau cannot be told from {count:,} points."
    if tau.side is None:
        return (
            f"Kendall tau {tau.brief()} over {text.count(count, 'point')}, of too few decisions to tell how sure it is."
        )
    said = f"Kendall tau {tau.show()} over {text.count(count, 'point')}: "
    if tau.side == 0:
        return (
            said
            + f"no relation shown. As far as these {count:,} points can tell, interference is not where the error is."
        )
    if (tau.side > 0) != bad_is_low:
        return said + "where there is more interference, there is more ranking error."
    return said + "the other way round, the ranking errs more where there is less interference."
