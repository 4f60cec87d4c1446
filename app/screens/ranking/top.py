"""View: what is left of the ranking as the range is cut from the top."""

import streamlit as st

from app import text, ui
from app.chart import chart
from app.derived import derive
from app.figures.ranking.cuts import curve as draw
from app.screens.ranking.choose import Found
from app.views.ranking import cuts
from toolkit.ranking.metrics import FEW

SIDES: dict[str, cuts.By] = {"the truth": "truth", "the score": "score"}


@st.fragment
def show(found: Found) -> None:
    """A slider, what it leaves, and the curve over all of its places."""
    subject = found.subject
    with st.container(horizontal=True, vertical_alignment="bottom"):
        percent = st.slider("Keep the best", 1, 100, 50, key="share", bind="query-params", format="%d %%", width=420)
        side = st.segmented_control(
            "Best by", list(SIDES), default="the truth", key="best", bind="query-params", required=True
        )
    by = SIDES[side]
    curve = derive(cuts.curve, subject, by=by)
    at = derive(cuts.cut, subject, share=percent / 100, by=by)
    ui.facts(
        {
            "Networks kept": f"{at.networks:,}",
            "Kendall tau among them": at.tau.show() if at.tau else None,
            "Among all": curve[0].tau.show() if curve[0].tau else None,
            **{f"{text.plain(name)} alone": f"{tau:.2f}" for name, tau in list(at.others.items())[:2]},
        }
    )
    if at.tau is None:
        st.info(f"Fewer than {FEW} networks are left: too few to say anything.", icon=":material/filter_alt_off:")
    table = cuts.table(curve)
    chart(draw(table, by, at), "cuts", "Kendall tau as the range is cut", table, f"{found.name}-cuts")
    st.caption(
        "From left to right ever fewer networks are kept, the best. A score that only tells broken networks from sound "
        "ones falls to 0 here, whatever its tau among all; and whoever searches lives on the right. "
        + (
            "The best by the truth: can the score order what is really good?"
            if by == "truth"
            else "The best by the score: can it be trusted among its own favourites?"
        )
        + " The band is the 95 % interval of the score."
    )
