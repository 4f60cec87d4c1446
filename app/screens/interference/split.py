"""View: from seeing to doing. Which decision to split, into which groups, and the recipe that does it."""

import shlex
from pathlib import Path
from typing import Any

import streamlit as st

from app import text, ui
from app.cache import glance, load
from app.chart import chart
from app.figures.interference.parts import bars
from app.screens.interference.choose import Found
from app.verbatim import verbatim
from app.views import training
from app.views.interference import splits
from toolkit.interference.splits import MEASURE, Suggestion, split_recipe
from toolkit.interference.table import MEASURES

SHOWN = 10


@st.fragment
def show(found: Found) -> None:
    """The decisions by what a split of them may bring, and the recipe of the one that is chosen."""
    run = found.own.run
    with ui.problems_in_place("No split can be suggested"):
        recipe = glance(training.recipe, run, run.recipe)
        suggested = load(splits.suggested, run, run.recipe, run.interference, run.path / "checkpoints")
        if not suggested:
            ui.empty(
                "No split to suggest yet",
                f"A suggestion rests on the measure {MEASURE}, of decisions that are not split already. This table has "
                "no such numbers: other measures were asked for, or the probe is older than this one. Probe again.",
                ("supernet", "probe", run.path),
            )
            return
        worth = {each.split.decision: each for each in suggested if each.gain > 0}
        if not worth:
            st.info("No two options of a decision share weights that a split would copy.", icon=":material/info:")
            return
        table = splits.table(suggested)
        left, right = st.columns([50, 50], gap="large")
        with left:
            st.header("What a split may bring", anchor=False)
            best = splits.gains(suggested[:SHOWN])
            chart(bars(best, MEASURES[MEASURE]), "gains", "Gain of splits", table, found.file("splits"))
            st.caption(
                f"The {len(best)} decisions, of {len(suggested)}, whose options gain most if two groups of them get "
                "copies of their own of the blocks that the decision shapes: by how much their gradient cosine would "
                "rise, mean over pairs of options, if gradients agreed there; with its 95 % interval. Conflict in "
                "other blocks, which stay shared, does not count. The groups leave the least conflict inside (after "
                "GM-NAS, ICLR 2022)."
            )
        with right:
            st.header("One of them", anchor=False)
            name = st.selectbox("Decision", list(worth), key="split", bind="query-params")
            _chosen(found, worth[name])
            checkpoint = run.latest_checkpoint()
            content = split_recipe(recipe, checkpoint, [worth[name]]).to_toml()
            file = f"split-{name}.toml"
            st.download_button(
                f"Download {file}",
                content,
                file,
                "application/toml",
                icon=":material/call_split:",
                type="primary",
                on_click="ignore",
            )
            verbatim(shlex.join(("supernet", "train", file, "--out", f"{Path(run.path).name}-split")), "train")
            st.caption(
                "The recipe of this run with the split, going on from its newest checkpoint: every copy begins with "
                "the shared weights, so that at first no candidate changes its accuracy. Then choose the new run "
                "under *Beside*, to see whether the conflict is gone; and under *Rank correlation*, whether it helped. "
                "A split that ends conflict need not mend the ranking."
            )
        with st.expander("All splits", icon=":material/table:"):
            st.dataframe(table, hide_index=True, column_config=_COLUMNS, alt="All suggested splits")


def _chosen(found: Found, suggestion: Suggestion) -> None:
    """Its groups, where it stands, and what it costs."""
    ui.facts(
        {
            "Conflict it ends": f"{suggestion.gain:.2g}",
            "Blocks copied": len(suggestion.blocks),
            "Parameters more": text.si(suggestion.params),
        }
    )
    names = ", ".join(found.network[block].name for block in suggestion.blocks)
    groups = " and ".join(f"**{text.plain(', '.join(group))}**" for group in suggestion.split.groups)
    st.markdown(f"Options {groups} get weights of their own in {text.plain(names)}.")


_COLUMNS: dict[str, Any] = {
    "decision": "Decision",
    "groups": "Into",
    "blocks": st.column_config.NumberColumn("Blocks"),
    "gain": st.column_config.NumberColumn("Conflict it ends", format="%.2g"),
    "error": st.column_config.NumberColumn("± (standard error)", format="%.1g"),
    "params": st.column_config.NumberColumn("Parameters more", format="compact"),
}
