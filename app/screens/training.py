"""A run's training curves, live while it trains, alone or beside other runs."""

import streamlit as st

from app import links, ui
from app.cache import glance
from app.figures import training as figures
from app.verbatim import verbatim
from app.views import training as views

ui.header(
    "Training",
    "How the supernet learned. All its candidates share these weights, so this is where every ranking begins.",
)
name, run = ui.open_run()
compared = links.compared()

with st.container(horizontal=True, vertical_alignment="bottom"):
    smoothing = st.slider(
        "Smoothing",
        0.0,
        0.99,
        0.6,
        0.01,
        key="smoothing",
        bind="query-params",
        width=200,
        help="Weight of the past in the moving average; the raw values stay visible behind it",
    )
    axis = st.segmented_control(
        "Against", ["Steps", "Epochs"], default="Steps", key="against", bind="query-params", required=True
    )
    logarithmic = st.toggle("Logarithmic loss", key="log", bind="query-params")
    everything = st.toggle("Rates and norms", key="rates", bind="query-params")

recipe = None
with ui.problems_in_place("The recipe cannot be read"):
    recipe = glance(views.recipe, run, run.recipe)
live = views.is_live(run, views.progress(ui.curves(run), recipe))


@st.fragment(run_every=3 if live else None)
def follow() -> None:
    """The part that follows a training: where it stands, and its curves."""
    tables = {n: ui.curves(links.runs()[n]) for n in (name, *compared)}
    own = tables[name]
    so_far = views.progress(own, recipe)
    if live and not views.is_live(run, so_far):
        st.rerun()  # without the timer
    if own.empty:
        ui.empty(
            "Nothing trained yet",
            "Curves appear here with the first step.",
            ("supernet", "train", "--resume", "--out", run.path),
        )
    else:
        ui.facts(
            {
                "State": "training" if live else "finished" if so_far.share == 1 else "stopped",
                "Epochs": f"{so_far.epoch:.4g}" + (f" of {so_far.epochs}" if so_far.epochs else ""),
                "Steps": f"{so_far.step:,}",
                "Loss": views.latest(own, "loss", ".4f"),
                "Largest": views.latest(own, "largest_top1", ".1%"),
                "Gap to the smallest": None if (gap := views.gap(own)) is None else f"{gap:.1f} points",
                "Throughput": views.latest(own, "images_per_second", ",.0f", " images/s"),
            }
        )
    tables = {n: table for n, table in tables.items() if not table.empty}
    if tables:
        x = {"Steps": "step", "Epochs": "epoch"}[axis]
        panels = figures.shown(tables)
        main = [metric for metric in panels if figures.is_main(metric)]
        panels = panels if everything else main or panels
        ui.chart(
            figures.curves(tables, x, smoothing, logarithmic=logarithmic, only=panels), "curves", "Training curves"
        )
        ui.captions({figures.quantity(m).title: figures.quantity(m).note for m in panels})
        ui.download("Curves as CSV", own, f"{name}-metrics")


follow()

if compared:
    st.header("What differs between the recipes", anchor=False)
    with ui.problems_in_place("A recipe cannot be read"):
        runs = {each: links.runs()[each] for each in (name, *compared)}
        table = views.differing({each: glance(views.recipe, run, run.recipe) for each, run in runs.items()})
        if table.empty:
            st.caption("Nothing: they are equal.")
        else:
            st.dataframe(table, hide_index=True, alt="Keys of the recipes that differ")

left, right = st.columns(2, gap="large")
with left:
    st.header("Recipe", anchor=False)
    st.caption("Everything that determines this run; every default is written out.")
    with ui.problems_in_place("The recipe cannot be read"):
        verbatim(views.recipe_text(run), "recipe", height=360)
with right:
    st.header("Checkpoints", anchor=False)
    st.caption("Weights that can be evaluated. Older ones are deleted as the recipe says.")
    checkpoints = views.checkpoints(run)
    if checkpoints.empty:
        ui.empty(
            "No checkpoint yet",
            "The first is written after an epoch.",
            ("supernet", "train", "--resume", "--out", run.path),
        )
    else:
        st.dataframe(
            checkpoints,
            hide_index=True,
            column_config={
                "step": st.column_config.NumberColumn("Step", format="localized"),
                "megabytes": st.column_config.NumberColumn("Size", format="%.2f MB"),
                "written": st.column_config.DatetimeColumn("Written", format="distance"),
            },
            alt="Table of checkpoints",
        )
