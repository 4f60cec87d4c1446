"""Recipes compared on equal terms: which variant is ahead, by how much, and whether that is decided."""

from pathlib import Path

import streamlit as st

from app import links, text, theme, ui
from app.cache import glance, stamp
from app.chart import chart
from app.figures import sweeps as figures
from app.pages import page_file
from app.ui import Color
from app.verbatim import verbatim
from app.views import runs
from app.views import sweeps as views
from toolkit.sweeps.report import REPORT, SweepReport, read_report
from toolkit.sweeps.words import lines, notes

PER_PAGE = 20
FEW = 4
"""Up to so many variants two figures stand side by side."""

OTHERS = {"candidates": "Candidates", "ranking": "Ranking", "interference": "Interference"}
"""Pages that a run is opened on, besides that of its training."""

_STATES: dict[str, tuple[Color, str]] = {
    "waiting": ("gray", ":material/hourglass_empty:"),
    "begun": ("gray", ":material/hourglass_empty:"),
    "training": ("blue", ":material/play_arrow:"),
    "evaluating": ("blue", ":material/play_arrow:"),
    "stopped": ("orange", ":material/pause:"),
    "trained": ("green", ":material/check:"),
    "finished": ("green", ":material/check:"),
    "failed": ("red", ":material/error:"),
    "damaged": ("red", ":material/error:"),
}

_SWEEP, _CHOICE = "sweep", "sweep choice"


def choose(sweeps: dict[str, Path]) -> tuple[str, Path]:
    """The sweep of the link, else the one looked at last, else the newest; the address always names it."""
    linked, names = st.query_params.get(_SWEEP), list(sweeps)
    name = next((name for name in (linked, st.session_state.get(_SWEEP)) if name in sweeps), names[0])
    if linked not in (None, name):
        st.warning(
            f"The link asks for a sweep that is not here. This is {text.plain(name)}.", icon=":material/link_off:"
        )
    open_sweep(name)
    st.session_state[_CHOICE] = name
    st.selectbox("Sweep", names, key=_CHOICE, on_change=lambda: open_sweep(st.session_state[_CHOICE]), width=420)
    return name, sweeps[name]


def open_sweep(name: str) -> None:
    """Remember it, here and in the address."""
    st.session_state[_SWEEP] = name
    if st.query_params.get(_SWEEP) != name:
        st.query_params[_SWEEP] = name


def compared(report: SweepReport, order: str, name: str) -> None:
    """The three figures."""
    names = views.ordered(report, order)
    colors = {variant: theme.color(number) for number, variant in enumerate(views.ordered(report, "As planned"))}
    taus, less, cost = views.taus(report), views.differences(report), views.costs(report)
    st.header("Agreement with the truth", anchor=False)
    chart(
        figures.forest(taus, names, colors, report.baseline),
        "forest",
        "Kendall tau of every variant with interval and seeds",
        taus,
        f"{name}-tau",
    )
    st.caption(
        "1: same order; 0: no relation. A diamond is the mean over the seeds, its bar the 95 % interval: with other "
        "networks it could have come out anywhere in it. Each ring is one seed: how far they lie apart, the bar does "
        "not say. Dotted: what costs nothing; a recipe has achieved something only to the right of it."
    )
    left, right = st.columns(2, gap="large") if len(names) <= FEW else (st.container(), st.container())
    with left:
        st.header(f"Ahead of {text.plain(report.baseline)}, the baseline", anchor=False)
        if less.empty:
            st.caption("No other variant has finished the same seeds yet.")
        else:
            chart(
                figures.differences(less, names, colors),
                "differences",
                f"How far variants are ahead of {report.baseline}",
                less,
                f"{name}-differences",
            )
            st.caption(
                "Both sides are measured on the same networks, so what they share drops out. Filled: decided with 95 % "
                "confidence; hollow: the interval holds 0, so these networks cannot tell. Rings: the difference with "
                "each seed; where they lie on both sides of 0, the seed matters more than the recipe."
            )
    with right:
        st.header("What it costs", anchor=False)
        if cost.empty:
            st.caption("No run is finished yet.")
        else:
            chart(
                figures.costs(cost, taus[taus["kind"] == views.PRIOR], names, colors),
                "costs",
                "Kendall tau against training time",
                cost,
                f"{name}-costs",
            )
            st.caption(
                "Training by its own clock, interruptions left out. Runs that went on side by side shared the machine, "
                "so compare times only within a sweep."
            )


def tabulated(report: SweepReport, order: str, name: str) -> None:
    """The table as the command prints it, with all numbers to take away."""
    table = views.table(report)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.header("Table", anchor=False)
        ui.download("Table as CSV", table, f"{name}-sweep")
    st.dataframe(
        views.printed(report, views.ordered(report, order)),
        hide_index=True,
        height="content",
        column_config={"by seed": st.column_config.TextColumn(width=110)},
        alt="Every variant and prior with its correlations",
    )


def row(trial: views.Trial, *, live: bool) -> None:
    """One run: how far it is, what came of it, and where to look closer."""
    summary = None
    if trial.folder.exists():
        summary = glance(runs.summary, trial.folder, *runs.summarised(trial.folder))
    state = views.state(trial, summary, live=live)
    what, trained, evaluated, tau, took, others = st.columns([25, 16, 17, 10, 16, 16], gap="medium")
    with what, st.container(gap="xsmall"):
        label = f"**{text.plain(trial.run.variant)}** · seed {trial.run.seed}"
        query = {"run": trial.name} if trial.name else None
        st.page_link("screens/training.py", label=label, query_params=query, disabled=query is None)
        color, icon = _STATES[state]
        st.badge(state, color=color, icon=icon)
    with ui.cell(trained, "Trained"):
        progress = summary.progress if summary else None
        epochs = f"{progress.epoch:.4g} of {progress.epochs} epochs" if progress and progress.epochs else "not begun"
        st.progress((progress.share if progress else None) or 0.0, epochs)
    with ui.cell(evaluated, "Evaluated"):
        known = summary and summary.evaluated is not None and summary.candidates
        done = summary.evaluated or 0 if summary and known else 0
        total = summary.candidates or 1 if summary and known else 1
        st.progress(min(done / total, 1.0), f"{done:,} of {total:,}" if known else "nothing yet")
    with ui.cell(tau, "Kendall τ"):
        st.markdown("—" if trial.run.tau is None else f"{trial.run.tau:.3f}")
    with ui.cell(took, "Time"):
        st.markdown(
            "—"
            if trial.run.training is None
            else f"{views.duration(trial.run.training)} + {views.duration(trial.run.evaluation)}"
        )
    if trial.name is not None:
        with others, st.container(gap=None):
            for page, title in OTHERS.items():
                st.page_link(page_file(page), label=title, query_params={"run": trial.name})
    if trial.run.problems:
        ui.problems("This run failed", trial.run.problems)


ui.header(
    "Sweeps",
    "Recipes compared on equal terms: each trained with several seeds, all judged on the same candidates. Which is "
    "ahead, by how much, and is that decided?",
)
sweeps = views.named_sweeps(links.folder())
if not sweeps:
    ui.empty(
        "No sweep yet",
        f"There is none in {text.plain(str(links.folder()))}. SWEEP.toml names a recipe, its variants and seeds, and "
        "what all of them are judged by; docs/sweeps.md has an example.",
        ("supernet", "sweep", "SWEEP.toml", "--out", links.folder() / "sweep"),
    )
    st.stop()
with st.container(horizontal=True, vertical_alignment="bottom"):
    name, sweep = choose(sweeps)
    order = st.segmented_control(
        "Order", list(views.ORDERS), default="Best first", key="order", bind="query-params", required=True
    )

seen, begun, live, report = stamp(sweep / REPORT), 0, False, None
with ui.problems_in_place("This sweep cannot be shown"):
    read = read_report(sweep / REPORT)
    trials = views.trials(read, sweep, links.runs())
    report = read
    begun, live = sum(trial.folder.exists() for trial in trials), views.is_live(sweep, trials)
    with st.container(border=True):
        ui.answer(*lines(report))
        for note in notes(report):
            st.caption(f":material/info: {text.plain(note)}")
    ui.facts(
        {
            "State": views.progress(report, live=live),
            "Runs finished": f"{len(report.finished())} of {len(report.runs)}",
            "Space": report.space,
            "Networks": f"{report.networks:,}",
            "Time in finished runs": views.duration(views.spent(report)),
        }
    )
    file = name.replace("/", "-")
    compared(report, order, file)
    tabulated(report, order, file)


@st.fragment(run_every=3 if live else None)
def follow(trials: list[views.Trial]) -> None:
    """The runs, which may be going on; the whole page anew when one has begun or finished."""
    now_begun, now_live = sum(trial.folder.exists() for trial in trials), views.is_live(sweep, trials)
    if (stamp(sweep / REPORT), now_begun, now_live) != (seen, begun, live):
        st.rerun()
    pages = max(1, -(-len(trials) // PER_PAGE))
    page = st.pagination(pages, key="runs-page") if pages > 1 else 1
    for trial in trials[PER_PAGE * (page - 1) : PER_PAGE * page]:
        with st.container(border=True):
            row(trial, live=live)
    if any(trial.name is None and trial.folder.exists() for trial in trials):
        st.caption(f"Runs without a link lie deeper than the dashboard looks; `supernet app {text.plain(str(sweep))}`")


if report is not None:
    st.header("Runs", anchor=False)
    st.caption(
        "In the order in which they are done, seed by seed; click one to see its training. Time: training + evaluation."
    )
    follow(trials)
with ui.problems_in_place("The sweep's file cannot be read"):
    plan = views.plan(sweep)
    if plan is not None:
        st.header("Plan", anchor=False)
        st.caption("The file that the sweep was started with; the same command goes on where it was stopped.")
        verbatim(plan, "plan", height=520)
