"""View: every correlation with its interval, beside what costs nothing."""

import streamlit as st

from app import text, ui
from app.cache import load
from app.chart import chart
from app.derived import derive
from app.figures.ranking.forest import forest
from app.screens.ranking.choose import Found
from app.views import ranking
from app.views.ranking import estimates
from app.views.ranking.subject import SCORE
from toolkit.ranking.metrics import MAIN, METRICS
from toolkit.ranking.verdicts import together

_VERDICTS = {"better": "the score is better", "worse": "the score is worse", "undecided": "cannot be told"}


@st.fragment
def show(found: Found) -> None:
    """Two forests of intervals, then every metric as a table."""
    subject = found.subject
    judgement = derive(estimates.judge, subject)
    table = estimates.table(judgement.estimators)
    st.header("Agreement with the truth", anchor=False)
    chart(forest(table, "correlation"), "estimates", "Correlations with intervals", table, f"{found.name}-correlations")
    how = f"{estimates.RESAMPLES:,} draws of the networks" if judgement.drawn else "leaving each network out once"
    st.caption(
        f"1: same order; 0: no relation; −1: the reverse. Bars are 95 % intervals from {how}: with other networks the "
        "number could have come out anywhere in them. *In the true top* is Kendall's tau among the truly best half or "
        "tenth, where these are enough networks. A supernet has learned something only where it beats the grey priors, "
        "which cost nothing."
    )
    if judgement.differences:
        st.header("How far the score is ahead", anchor=False)
        ahead = estimates.table({f"{SCORE} − {name}": each for name, each in judgement.differences.items()})
        chart(
            forest(ahead, "difference of correlations", set(ahead["estimator"])),
            "differences",
            "Differences to what stands beside",
            ahead,
            f"{found.name}-differences",
        )
        held_together = together([each[MAIN] for each in judgement.differences.values()])
        words = "; ".join(
            f"against {text.plain(name)} {_VERDICTS[verdict]}" for name, verdict in judgement.verdicts.items()
        )
        st.caption(
            f"Both sides are measured on the same networks, so what they share drops out: {words}. An interval that "
            f"holds 0 says that these networks cannot tell. {held_together}"
        )
    held = ", ".join(f"{METRICS[name].label} {each.show()}" for name, each in judgement.given_macs.items())
    if held:
        st.caption(f"**Given MACs**, that is among networks of equal size, the score keeps {held}.")
    st.header("Every metric", anchor=False)
    beside = st.toggle("Of all that stands beside the score too", key="beside_too", bind="query-params")
    every = derive(estimates.every_metric, subject, beside=beside)
    number = st.column_config.NumberColumn(format="%.3f")
    st.dataframe(
        every,
        hide_index=True,
        height="content",
        placeholder="too few",
        column_config={"metric": "Metric"} | {str(name): number for name in every.columns[1:]},
        alt="Every metric of every estimator",
    )
    ui.download("Every metric as CSV", every, f"{found.name}-metrics")
    if found.run is not None:
        with ui.problems_in_place("The rank report cannot be read"):
            report = load(ranking.read_report, found.run, found.run.rank)
            if report is not None:
                st.caption(
                    f":material/history: The last `supernet rank` in this run said: {text.plain(report.summary)}"
                )
