"""View: the whole network in a strip, and that of another run below it."""

import pandas as pd
import streamlit as st

from app import text, ui
from app.chart import chart
from app.derived import derive
from app.figures.interference.cells import Look
from app.figures.interference.strip import network
from app.screens.interference.choose import Found
from app.views.interference.chance import is_known, words
from app.views.interference.sentence import answer, with_interval
from app.views.interference.strip import Strip, difference
from app.views.interference.worst import worst_rows


def show(found: Found) -> None:
    """The strips, one below the other; a click on a block chooses it."""
    strips = {measured.name: found.strip(measured) for measured in found.runs}
    own = strips[found.own.name]
    with st.container(border=True):
        ui.answer(answer(own, found.cells(found.own)))
        _named(found, own)
        st.caption(
            f"{text.plain(found.measure.definition)} *Source: {text.plain(found.measure.source)}.* {_when(found)}"
        )
    ends = min(strip.ends[0] for strip in strips.values()), max(strip.ends[1] for strip in strips.values())
    for number, (name, strip) in enumerate(strips.items()):
        if found.other:
            st.header(f"{text.plain(name)}", anchor=False)
        _one(found, strip, found.look(ends), f"strip{number}")
    if found.other:
        st.header(f"{text.plain(found.other.name)} less {text.plain(found.own.name)}", anchor=False)
        less = difference(own, strips[found.other.name])
        _one(found, less, found.look(less.ends, difference=True), "difference")
    st.caption(
        f"{_places(own)} {_colours(found)} {text.plain(words(found.measure, known=is_known(found.cells(found.own))))} "
        "Empty places have no number. Click on a block to see it below."
    )


def _named(found: Found, own: Strip) -> None:
    """The worst places by name."""
    rows = worst_rows(own, found.cells(found.own))
    if rows.empty:
        return
    lines = ["| Worst | Block | Value, 95 % | Told from chance |", "|---|---|--:|---|"]
    for what, block, value, half, sure in rows.itertuples(index=False):
        said = with_interval(value, half, found.measure)
        lines.append(f"| {text.plain(what)} | {text.plain(block)} | {said} | {'yes' if sure else 'no'} |")
    st.markdown("\n".join(lines))  # drawn in no time, unlike Streamlit's tables


def _places(strip: Strip) -> str:
    """What stands where."""
    if strip.branches.empty:
        return "Every block from input to output, as tall as it has channels."
    return (
        "**Above**, every block from input to output, as tall as it has channels. **Below**, its branches: a cell for "
        "each option of a decision, those of decisions that shape several blocks underneath. A branch shows the mean "
        "of its pairs with others; a block, unless it has a number of its own, that of all its pairs."
    )


def _colours(found: Found) -> str:
    """What orange and blue mean."""
    if not found.measure.bad:
        return "The bluer, the larger; neither side is bad by itself."
    if found.stretched:
        return "The fullest orange is the worst value here, the fullest blue the best; the scale says how bad they are."
    return "Orange hurts, blue does not; the fuller, the further from 0."


def _when(found: Found) -> str:
    """At which steps it was measured, and what that cost."""
    own, *other = [_steps(found.cells(each)["step"]) for each in found.runs]
    if not all([own, *other]):
        return "It was not measured yet at this moment."
    said = f"Measured after step {own}{''.join(f'; the run beside it, after step {each}' for each in other)}."
    cost = found.own.now.loc[found.own.now["measure"] == "probe_cost", "value"]
    return said + (f" Probing took {cost.iloc[-1]:.1%} of the time of training." if len(cost) else "")


def _steps(steps: "pd.Series[int]") -> str:
    """`300`, or `60 to 300` where not everything was measured each time."""
    if steps.empty:
        return ""
    first, last = int(steps.min()), int(steps.max())
    return f"{last:,}" if first == last else f"{first:,} to {last:,}, each decision as it was measured last"


def _one(found: Found, strip: Strip, look: Look, key: str) -> None:
    def clicked() -> None:
        points = st.session_state[key].selection.points
        if points and "customdata" in points[0]:
            st.session_state["block"] = found.network[int(points[0]["customdata"][0])].name

    if strip.blocks.empty:
        st.info("No block has a number here.", icon=":material/info:")
        return
    chart(
        derive(network, strip, look=look, chosen=found.block, low=found.other is not None),
        key,
        f"{look.measure.label} of every block",
        strip.table,
        found.file(f"{found.key}-{key}"),
        on_select=clicked,
        selection_mode="points",
    )
