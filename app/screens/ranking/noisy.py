"""View: the ceiling that noise sets, and what it takes to know tau surely."""

import pandas as pd
import streamlit as st

from app import ui
from app.chart import chart
from app.derived import derive
from app.figures.ranking import noise as figures
from app.screens.ranking.choose import Found
from app.views.ranking import estimates
from app.views.ranking import noise as views
from toolkit.ranking.planning import plan


@st.fragment
def show(found: Found) -> None:
    """What is known of noise, two curves, and a planner."""
    subject = found.subject
    with st.container(horizontal=True, vertical_alignment="bottom"):
        images = st.number_input(
            "Images for each score", 0, 10_000_000, subject.images or 0, 100, key="images", bind="query-params",
            width=190, help="Validation images that each accuracy was measured on; 0: not known",
        )  # fmt: skip
        alike = st.slider(
            "How alike networks err", 0.0, 0.95, 0.0, 0.05, key="alike", bind="query-params", width=220,
            help="Correlation of right and wrong of two networks on the same image. 0: each saw other images. On "
            "shared images the hard ones shift all alike, which does no harm to their order",
        )  # fmt: skip
        within = st.select_slider(
            "Tau wanted to ±", [0.005, 0.01, 0.02, 0.03, 0.05, 0.1], 0.01, key="within", bind="query-params", width=220
        )
    tau = derive(estimates.judge, subject).tau
    ceiling = derive(views.ceiling, subject, images=images or None, correlation=alike)
    lie = views.accuracies(subject, images or None, alike)
    ui.facts(
        {
            "Kendall tau": tau.show(),
            "Ceiling, truth's seeds": _two_digits(ceiling.seeds),
            "Ceiling, images": _two_digits(ceiling.images),
            "Ceiling, both": _two_digits(ceiling.both),
        }
    )
    st.caption(_explain(ceiling, images_count=bool(images and lie)))
    left, right = st.columns(2, gap="medium")
    with left:
        st.header("How many networks to train alone?", anchor=False)
        table = views.certainty(min(max(tau.value or 0.0, -0.99), 0.99), len(subject))
        drawing = figures.certainty(table, len(subject), within)
        chart(drawing, "certainty", "Half-width of the interval of tau", table, f"{found.name}-certainty")
    with right:
        st.header("How many validation images?", anchor=False)
        if lie and lie.spread:
            table = views.reach(lie, alike)
            drawing = figures.reach(table, images or None)
            chart(drawing, "reach", "Tau of a perfect score", table, f"{found.name}-ceiling")
        else:
            st.info(
                "These scores are no accuracies, or differ no more than chance would have it; so the number of images "
                "says nothing about their noise.",
                icon=":material/help:",
            )
    budget = plan(
        len(subject), within, *((lie.typical, lie.spread) if lie and lie.spread else (0.7, 0.012)), correlation=alike
    )
    st.header(f"What it takes to know tau to ±{within:g}", anchor=False)
    needs = pd.DataFrame([need.model_dump() for need in budget.needs])
    st.dataframe(
        needs[["tau", "half_width", "networks", "images"]],
        hide_index=True,
        height="content",
        column_config={
            "tau": st.column_config.NumberColumn("If the true tau is", format="%.2f"),
            "half_width": st.column_config.NumberColumn(f"Known with {len(subject):,} networks to ±", format="%.3f"),
            "networks": st.column_config.NumberColumn("Networks to train alone", format="localized"),
            "images": st.column_config.NumberColumn("Images for each score", format="localized"),
        },
        alt="Planner",
    )
    st.caption(
        "Networks: so that the 95 % interval is as narrow as wanted. Images: so that their choice takes no more from "
        "tau, for accuracies that lie "
        + (
            f"as these scores do, about {lie.typical:.2f} with a standard deviation of {lie.spread:.3f}."
            if lie and lie.spread
            else "about 0.7 with a standard deviation of 0.012, as in the challenge of 2022."
        )
        + " Both as for Gaussian pairs. Comparing two scores on the same networks is usually much surer: see Side by "
        "side, under Trust it."
    )
    ui.download("Planner as CSV", needs, f"{found.name}-planner")


def _two_digits(tau: float | None) -> str | None:
    return None if tau is None else f"{tau:.2f}"


def _explain(ceiling: views.Ceiling, *, images_count: bool) -> str:
    parts = ["The ceiling is what a perfect score would reach, since truths and scores are measured with noise."]
    if ceiling.again is not None and ceiling.trainings is not None:
        parts.append(
            f"One training orders these networks as another does with a tau of {ceiling.again:.2f}; the truth is the "
            f"mean of {ceiling.trainings:.1f} trainings."
        )
    else:
        parts.append(
            "How much the seed of a training matters is known once the truth has several (columns of a table)."
        )
    if not images_count:
        parts.append("Say on how many images a score was measured, and its share of the noise is known too.")
    return " ".join(parts)
