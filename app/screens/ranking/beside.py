"""View: several runs, or several scores of one, side by side on the same networks."""

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from app import links, text, ui
from app.cache import load
from app.chart import chart
from app.derived import derive
from app.figures.ranking.forest import forest
from app.figures.ranking.matrix import matrix
from app.screens.ranking.choose import Found, read_ledger
from app.views.ranking import estimates, together
from app.views.ranking.sources import Source, Values, read_values, scores
from toolkit.errors import InputError
from toolkit.ranking.priors import MACS
from toolkit.runs.folder import RunFolder

_VERDICTS = {"better": "first is better", "worse": "second is better", "undecided": "cannot be told"}
PRIORS = (MACS, "parameters", "depth")


@st.fragment
def show(found: Found) -> None:
    """Choose scores, then: their correlations, how alike they are, and which is really better."""
    everything = {_own_name(found): found.subject.every_score}
    options = _options(found)
    if options:
        ticked = [next((name for name in options if name.startswith(f"{run}: ")), None) for run in links.compared()]
        default = [name for name in ticked if name] or [name for name in options if name.endswith(" submission")][:4]
        chosen = st.multiselect(
            "Beside it", list(options), default=default, key="beside", bind="query-params", placeholder="other scores"
        )
        for name in chosen:
            with ui.problems_in_place(f"{text.plain(name)} cannot be read"):
                everything[name] = _read(*options[name]).by_code
    columns = {name: column for name, column in found.subject.beside.items() if name not in PRIORS}
    for name, column in columns.items():
        everything[name] = dict(zip(found.subject.pairs.networks, column.tolist(), strict=True))
    if len(everything) < 2:
        ui.empty(
            "Nothing to set beside it yet",
            "Another run of the same space, other results of this one, or a file of scores in its folder would do; "
            "with files, a second column of scores.",
            ("supernet", "train", "RECIPE", "--out", links.folder() / "another"),
        )
        return
    with ui.problems_in_place("These cannot be compared"):
        _compare(found, everything)


def _compare(found: Found, everything: Mapping[str, Mapping[str, float]]) -> None:
    side_by_side = derive(together.together, together.Scores(everything, found.subject.every_truth))
    st.caption(
        f"On the {side_by_side.networks:,} networks that have all these scores and a truth "
        f"({text.plain(found.subject.truth)})."
    )
    table = estimates.table(side_by_side.estimators)
    chart(
        forest(table, "correlation with the truth", set(everything)),
        "together",
        "Correlations of all scores",
        table,
        f"{found.name}-side-by-side",
    )
    left, right = st.columns([44, 56], gap="medium")
    with left:
        st.header("How alike are they? Kendall tau of every two", anchor=False)
        taus = side_by_side.taus
        chart(matrix(taus), "matrix", "Pairwise Kendall tau", taus.reset_index(), f"{found.name}-matrix")
    with right:
        st.header("Which is really better? Paired tests", anchor=False)
        tests = pd.DataFrame(
            [(t.first, t.second, t.difference.show("+"), _VERDICTS[t.verdict]) for t in side_by_side.tests],
            columns=["first", "second", "ahead", "verdict"],
        )
        st.dataframe(
            tests,
            hide_index=True,
            height="content",
            column_config={
                "first": st.column_config.TextColumn("First"),
                "second": st.column_config.TextColumn("Second"),
                "ahead": st.column_config.TextColumn("Tau ahead by", width=150),
                "verdict": st.column_config.TextColumn("Verdict", width=140),
            },
            alt="Paired tests",
        )
        numbers = pd.DataFrame(
            [(t.first, t.second, *t.difference.model_dump().values(), t.verdict) for t in side_by_side.tests],
            columns=["first", "second", "difference", "low", "high", "first_is"],
        )
        ui.download("Tests as CSV", numbers, f"{found.name}-tests")
        st.caption(
            "The first's Kendall tau less the second's, with the 95 % interval from the same networks on both sides. "
            "Verdicts on several pairs hold together with 95 % confidence (Holm), intervals each by itself."
        )


def _own_name(found: Found) -> str:
    return found.subject.score if found.run is None else f"{found.name}: {found.subject.score}"


def _options(found: Found) -> dict[str, tuple[RunFolder, Source]]:
    """Every other score: of this run, and of all others."""
    options: dict[str, tuple[RunFolder, Source]] = {}
    if found.run is None:
        return options
    runs = {found.name: found.run} | {name: run for name, run in links.runs().items() if name != found.name}
    for name, run in runs.items():
        try:
            if ui.space_of(run) != ui.space_of(found.run):
                continue
            offered = scores(run, *read_ledger(run))
        except InputError:  # its own page says why
            continue
        options |= {f"{name}: {label}": (run, source) for label, source in offered.items()}
    options.pop(_own_name(found), None)
    return options


def _read(run: RunFolder, source: Source) -> Values:
    files = [source.path, source.path.with_name(f"{source.path.name}-wal"), run.candidates]
    return load(read_values, run, *files, source=source)
