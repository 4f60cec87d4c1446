"""Predictions: how well a few labels tell all networks apart, what they miss, and which to train next."""

import shlex

import pandas as pd
import streamlit as st

from app import text, ui
from app.cache import load
from app.chart import chart
from app.figures import predictor as figures
from app.screens.predictor import beside
from app.verbatim import verbatim
from app.views import predictor as views

MOST = 12
"""Decisions that are drawn at first."""

BEST = 100  # rows of the table of candidates; the download has all

ui.header(
    "Predictor",
    "What the labels of a few networks say about all: how well they are predicted when left out, which decisions "
    "matter, and which networks it would be most useful to train alone next.",
)
name, run = ui.open_run()
FILES = beside.files(run)

with ui.problems_in_place("There is nothing to predict from"):
    sources = load(views.sources, run, *FILES, run.path / "checkpoints")
    if not sources:
        ui.no_results(run)
        st.stop()
    title = st.selectbox("Labels", list(sources), key="labels", bind="query-params", width=560)

with ui.problems_in_place("These labels cannot be learned from"):
    study = load(views.study, run, *FILES, setting=sources[title])
    total = len(study.everyone)
    ui.facts(
        {
            "Labelled": f"{study.labelled:,}",
            "Only predicted": f"{study.predicted:,} of {total:,}",
            "Kendall τ, each left out": f"{study.agreement.tau:.3f}",
            "95 % interval": f"{study.agreement.low:.3f} to {study.agreement.high:.3f}",
            "Model": f"{study.model}, {study.features} features",
        }
    )
    others = beside.compare(ui.compared(run), title)
    beside.show(name, study, others)
    some = f" Learned from {len(study.points):,} labels, drawn at random." if len(study.points) < study.labelled else ""
    st.caption(f"Features: {', '.join(study.kinds)}; `supernet features` lists them.{some}")

    left, right = st.columns(2, gap="large")
    with left:
        st.header("Predicted and labelled", anchor=False)
        ids = dict(zip(study.everyone["code"], study.everyone["id"], strict=True))
        chart(
            figures.scatter(study.points, ids),
            "scatter",
            "Labels against predictions without themselves",
            study.points,
            f"{name}-left-out",
        )
        st.caption("Each point is a labelled network, predicted from all others; on the dashed line both agree.")
    with right:
        st.header("Agreement against labels", anchor=False)
        if study.curve.empty:
            st.caption("Too few labels to hold some out; the left-out tau above is all there is.")
        else:
            chart(
                figures.curve({name: study.curve} | {other: each.curve for other, each in others.items()}),
                "curve",
                "Kendall tau against the number of labels",
                beside.curves(name, study, others),
                f"{name}-learning-curve",
            )
            st.caption(
                "Fitted to so many labels drawn at random, judged on the labelled networks left over; bars are 95 % "
                "intervals over these. Where the curve is flat, more labels buy nothing."
            )

    st.header("Which decisions matter", anchor=False)
    tables = {title: study.effects}
    tables |= {f"{other}: {title}": each.effects for other, each in others.items()}
    across = next((each for each in sources if (each == views.ALONE) != (title == views.ALONE)), None)
    if across is not None:
        with ui.problems_in_place(f"No effects of {text.plain(across)}"):
            tables[across] = load(views.study, run, *FILES, setting=sources[across]).effects
    order = views.by_reach(tables.values())
    everything = len(order) > MOST and st.toggle(f"All {len(order)} decisions", key="all", bind="query-params")
    decisions = order if everything else order[:MOST]
    combined = pd.concat(table.assign(source=source) for source, table in tables.items())
    chart(figures.effects(tables, decisions), "effects", "Effect of every option", combined, f"{name}-effects")
    st.caption(
        "How far the mean prediction of networks with an option lies above that of all, in standard deviations. "
        "Where the curves of supernet and trained-alone networks part, the supernet ranks wrongly: a flat curve is a "
        "decision to which it is blind." + ("" if across else " Train some networks alone to see the truth beside it.")
    )

    st.header("What is left unexplained", anchor=False)
    ordered = study.explained.sort_values(ascending=False)
    decision = st.selectbox("Decision", list(ordered.index), key="decision", bind="query-params", width=420)
    own = study.residuals[study.residuals["decision"] == decision]
    chart(figures.residuals(own), "residuals", f"Residuals by {decision}", study.residuals, f"{name}-residuals")
    st.caption(
        f"Mean of label − prediction by option, with two standard errors; {100 * ordered[decision]:.1f} % of the "
        "residuals' variance lies between the options of this decision. Listed first is the decision with the most."
    )

    st.header("Every candidate", anchor=False)
    st.caption(
        f"The best {BEST} by fitted value; a tick says that the network really was evaluated (or trained alone), the "
        "others are predicted only. The download has all."
    )
    st.dataframe(
        study.everyone.head(BEST),
        hide_index=True,
        alt="Candidates by fitted value",
        column_config={
            "predicted": st.column_config.NumberColumn("Fitted", format="%.4f"),
            "sd": st.column_config.NumberColumn("± (sd)", format="%.4f"),
            "labelled": st.column_config.CheckboxColumn("Evaluated"),
        },
    )
    ui.download("Every candidate as CSV", study.everyone, f"{name}-predicted")

with ui.problems_in_place("No queue of networks to train"):
    if run.candidates.is_file():
        waiting, content = load(views.queue, run, run.candidates, run.standalone, run.recipe)
        st.header("Train these next", anchor=False)
        st.caption(
            "Their labels would settle the predictor's weights most (D-optimal, after those already trained). The file "
            "holds these too, so that all stay in the table of truths; what is finished is not done again."
        )
        st.dataframe(waiting, hide_index=True, height="content", alt="The next networks to train alone")
        st.download_button("next.json", content, "next.json", "application/json", icon=":material/download:")
        verbatim(
            shlex.join(["supernet", "standalone", str(run.path), "--candidates", "next.json"])
            + "\n"
            + shlex.join(["supernet", "predict", str(run.path), "--out", "predicted.json"]),
            "next",
        )
