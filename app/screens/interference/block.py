"""View: one block. What its branches do to each other, and how that came about."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from app import text, ui
from app.chart import chart
from app.figures.interference import lines as line_figures
from app.figures.interference.cells import number
from app.figures.interference.matrix import matrix as draw_matrix
from app.figures.interference.parts import bars
from app.screens.interference.choose import Found, Measured
from app.views.interference import lines, readings
from app.views.interference.chance import is_known, is_sure, words
from app.views.interference.matrix import matrix
from toolkit.interference.table import MEASURES


@st.fragment
def show(found: Found) -> None:
    """The matrix of each run, and the course over training."""
    decisions = _decisions(found)
    left, right = st.columns([54, 46], gap="large")
    with left:
        if decisions:
            _branches(found, decisions)
        else:
            st.header("Branch against branch", anchor=False)
            st.info(
                f"{text.sentence(found.measure.label)} has no number for branches of this block: it says something of "
                "the block as a whole, beside and above. Gradient cosines have.",
                icon=":material/info:",
            )
    with right:
        _course(found)
    _everything(found)
    _parts(found)


def _everything(found: Found) -> None:
    """Every measure of the block in one table: features, weights, gradients."""
    st.header("Everything measured of this block", anchor=False)
    table = lines.at_block(lines.profile(found.own.now, readings.of_blocks(found.own.now)), found.block)
    rows = []
    for name, value, error, worse in table.itertuples(index=False):
        shown = number(value, error, measure=MEASURES[name]).replace("-", "−")
        place = "" if np.isnan(worse) else f"{100 * worse:.0f} %"
        rows.append(f"| {text.sentence(MEASURES[name].label)} | {shown} | {place} |")
    half = -(-len(rows) // 2)
    for column, part in zip(st.columns(2, gap="large"), (rows[:half], rows[half:]), strict=True):
        head = "| Measure | Value, ± 95 % | Worse&nbsp;than |", "|---|--:|--:|"
        column.markdown("\n".join([*head, *part]))  # drawn in no time, unlike Streamlit's tables
    st.caption(
        "Gradients, features, then updates of the weights. The last column: how many of the other blocks fare better. "
        "*Along the network* says what each measure is."
    )
    ui.download("Table as CSV", table, found.file("block"))


def _parts(found: Found) -> None:
    """Slices of channels, and whatever else of the block has numbers of its own."""
    for index, measured in enumerate(found.runs):
        table = lines.parts(found.cells(measured), found.block)
        if table.empty:
            continue
        st.header(f"Parts of the block{f' in {text.plain(measured.name)}' if found.other else ''}", anchor=False)
        chart(
            bars(table, found.measure), f"parts{index}", "Parts of the block", table, found.file(f"{found.key}-parts")
        )
        st.caption(
            "Slices of channels, such as `conv1[0:6]`, and other parts that have numbers of their own. Narrow options "
            "use the first channels of a layer, so these are trained most: that is what sharing by width means."
        )


def _decisions(found: Found) -> list[str]:
    """Whose options are compared in this block; those that shape the fewest blocks first."""
    named = {name for measured in found.runs for name in _rows(found, measured)["decision"]}
    order = sorted(found.own.space.decisions, key=lambda decision: len(decision.blocks))
    return [decision.name for decision in order if decision.name in named]


def _rows(found: Found, measured: Measured) -> pd.DataFrame:
    """About branches of the chosen block; `sure` with all cells of the network considered."""
    cells = found.cells(measured)
    cells = cells.assign(sure=is_sure(cells))
    return cells[(cells["block"] == found.block) & (cells["first"] != "") & (cells["decision"] != "")]


def _branches(found: Found, decisions: list[str]) -> None:
    st.header(f"Branch against branch in block {text.plain(found.network[found.block].name)}", anchor=False)
    chosen = decisions[0]
    if len(decisions) > 1:
        chosen = st.segmented_control(
            "Options of", decisions, default=decisions[0], key="decision", bind="query-params", required=True
        )
    for index, measured in enumerate(found.runs):
        rows = _rows(found, measured)
        rows = rows[rows["decision"] == chosen]
        if found.other:
            st.markdown(text.plain(measured.name))
        if rows.empty:
            st.caption("Not measured here.")
        else:
            chart(
                _of_options(found, chosen, rows),
                f"branches{index}",
                f"{found.measure.label} of the options of {chosen}",
                rows,
                found.file(f"{found.key}-{chosen}"),
            )
    st.caption(
        "A cell is about two options of the decision: networks that differ in nothing else, on several batches, with "
        "all other decisions drawn anew; ± is half of the 95 % interval. "
        + text.plain(words(found.measure, known=is_known(found.cells(found.own))))
        + " An empty one has no number: the two share nothing that could be compared. Colours are the same for all "
        "blocks."
        if (_rows(found, found.own)["second"] != "").any()
        else "One bar for each option of the decision."
    )


def _of_options(found: Found, decision: str, rows: pd.DataFrame) -> go.Figure:
    """A matrix where options are compared, else bars."""
    order = [str(option) for each in found.own.space.decisions if each.name == decision for option in each.options]
    if (rows["second"] == "").all():
        return bars(lines.branches(rows, order), found.measure)
    pairs = matrix(rows, order, symmetric=found.measure.symmetric)
    direction = "" if found.measure.symmetric else ": row trains, column pays"
    return draw_matrix(pairs, found.look(found.ends), f"option of {decision}{direction}")


def _course(found: Found) -> None:
    st.header("Over training", anchor=False)
    courses = {m.name: lines.course(m.table, found.key, found.block) for m in found.runs}
    courses = {name: course for name, course in courses.items() if len(course)}
    if not courses:
        st.caption("This block has no number for this measure.")
        return
    axis = st.segmented_control(
        "Against", ["Steps", "Epochs"], default="Steps", key="against", bind="query-params", required=True,
        label_visibility="collapsed",
    )  # fmt: skip
    table = pd.concat([course.assign(run=name) for name, course in courses.items()], ignore_index=True)
    figure = line_figures.course(courses, found.measure, {"Steps": "step", "Epochs": "epoch"}[axis])
    chart(figure, "course", "The block over training", table, found.file(f"{found.key}-course"))
    if max(map(len, courses.values())) == 1:
        st.caption(
            "One probe so far. To see how it came about, probe older checkpoints too (`supernet probe RUN "
            "--checkpoint ...`), or let training probe every few epochs."
        )
    else:
        st.caption("The block's number, as in the strip, after so many steps; the band is its 95 % interval.")
