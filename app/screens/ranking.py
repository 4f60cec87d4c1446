"""How far the supernet's ranking can be believed."""

import streamlit as st

from app import text, ui
from app.cache import load
from app.figures import ranking as figures
from app.views import ranking as views

ui.header(
    "Ranking",
    "Does the supernet put the candidates in the order that training each alone would? And do MACs do it as well?",
)
name, run = ui.open_run()
rank = ("supernet", "rank", run.submission, "--truth", run.standalone, "--out", run.rank)

with ui.problems_in_place("The rank report cannot be read"):
    report = load(views.read_report, run, run.rank)
    if report is None:
        ui.empty("No rank report yet", "It compares a submission with candidates that were trained alone.", rank)
    else:
        with st.container(border=True):
            st.markdown(f"##### {text.plain(report.summary)}")
            for note in report.notes:
                st.caption(f":material/info: {text.plain(note)}")
        st.subheader("Agreement with the truth", anchor=False)
        estimates = views.estimates(report)
        ui.chart(figures.forest(estimates, "correlation"), "estimates", "Correlations with intervals")
        st.caption(
            f"1: same order; 0: no relation; −1: the reverse. Bars are 95 % intervals from {report.resamples:,} draws "
            f"of the {text.count(report.networks, 'network')}: with others the number could have come out anywhere in "
            "them. A supernet has learned something only where it beats the grey priors, which cost nothing."
        )
        if report.priors:
            st.subheader("Difference to the priors", anchor=False)
            differences = views.differences(report)
            ui.chart(figures.forest(differences, "difference of correlations"), "differences", "Differences to priors")
            st.caption("The same draws for both sides. An interval that holds 0 says: these networks cannot tell.")
        ui.download("Correlations as CSV", estimates, f"{name}-correlations")

st.subheader("Predicted and true", anchor=False)
with ui.problems_in_place("The two cannot be compared"):
    if not (run.standalone.is_file() and run.submission.is_file()):
        ui.empty(
            "Nothing to compare yet",
            "It takes a submission, and stand-alone accuracies of some of its candidates.",
            ("supernet", "standalone", run.path),
        )
    else:
        table = load(views.predictions, run, run.standalone, run.submission, run.recipe)
        values = st.segmented_control(
            "Show", ["Ranks", "Values"], default="Ranks", key="show", bind="query-params", required=True
        )
        ui.chart(figures.scatter(table, ranks=values == "Ranks"), "scatter", "Predicted against true accuracy")
        st.caption(
            "Each point is a candidate that was also trained alone. On the dotted line the supernet ranks it exactly "
            "right; the colour shows whether small or large networks are misjudged."
        )
        ui.download("Points as CSV", table, f"{name}-predictions")
