"""All runs at a glance; a click opens one."""

import shlex
import time
from dataclasses import replace

import streamlit as st

from app import links, text, theme, ui
from app.cache import Stamp, load, stamp
from app.views import candidates, ranking, submission, training, verdict
from app.views import runs as views
from app.views.folder import scan
from app.views.ranking import sources

PER_PAGE = 20

ui.header(
    "Runs", "Each run is a folder: a supernet, the candidates it judged, and what came of it. Click one to open it."
)
runs, refused = links.runs(), links.found().refused
if (linked := links.missing()) is not None:
    ui.not_there(linked)
if not runs and not refused:
    ui.no_runs(links.folder())
    st.stop()
summaries = {name: load(views.summary, run, *views.summarised(run)) for name, run in runs.items()}
submissions = {
    name: load(submission.count_problems, run, run.recipe, run.candidates, run.submission) for name, run in runs.items()
}
for name, run in runs.items():  # of files that nobody has ranked yet, what a glance tells
    if summaries[name].tau is None and not summaries[name].problems:
        shared = sources.shared_files(links.folder(), load(candidates.space_of, run, run.recipe))
        scores = sources.scores(run, [], {}, shared if sources.score_files(run) else {})
        score = next(iter(scores.values()), None)
        truth = score and next(iter(sources.others(sources.truths(run, shared), score).values()), None)
        if score and truth:
            tau = load(ranking.tau_now, run, score.path, truth.path, score=score, truth=truth)
            summaries[name] = replace(summaries[name], tau=tau)
live = {name for name, s in summaries.items() if training.is_live(runs[name], s.progress)}

ui.facts(
    {
        "Runs": len(runs),
        "Training now": len(live),
        "Candidates evaluated": f"{sum(s.evaluated or 0 for s in summaries.values()):,}",
        "Submissions ready": sum(problems == 0 for problems in submissions.values()),
    }
)
with st.container(horizontal=True, vertical_alignment="bottom"):
    words = st.text_input(
        "Find", key="find", bind="query-params", placeholder="name, method, space or data", icon=":material/search:"
    )
    order = st.segmented_control(
        "Sort by", list(views.ORDERS), default="Last change", key="sort", bind="query-params", required=True
    )
    ui.download("Table as CSV", views.table(summaries, submissions), "runs")


def state_of_things() -> dict[str, list[Stamp]]:
    """What tells whether anything on this page is out of date."""
    now = scan(links.folder())
    files = {name: [*map(stamp, [*views.summarised(run), run.submission])] for name, run in now.runs.items()}
    return files | {name: [] for name in now.refused}


seen = state_of_things()


@st.fragment(run_every=5 if live else 20)
def follow() -> None:
    """Show the page anew when a run has begun or gone on, or its training has ended."""
    if state_of_things() != seen or any(not training.is_live(runs[name], summaries[name].progress) for name in live):
        st.rerun()


def row(name: str, s: views.Summary) -> None:
    """One run: what it is, and how far it has come on the way to the leaderboard."""
    what, loss, trained, evaluated, handed_in, tau = st.columns([26, 15, 16, 17, 11, 15], gap="medium")
    with what, st.container(gap="xxsmall"):
        ui.run_link(name, views.state(s, live=name in live))
        st.caption(f"{text.plain(views.setup(s))}  \n{text.ago(time.time() - s.changed)}")
    with ui.cell(loss, "Last loss"), st.container(horizontal=True, vertical_alignment="center", wrap=False):
        st.markdown(f"{s.losses[-1]:.3f}" if s.losses else "—", width="content")
        if s.losses:
            st.html(theme.sparkline(s.losses), width="content")
    with ui.cell(trained, "Trained"):
        done, epochs = s.progress.epoch, s.progress.epochs
        if not s.progress.step and s.weights is not None:
            st.markdown(f"{s.weights:,} steps, without a log")
        else:
            st.progress(s.progress.share or 0.0, f"{done:.4g} of {epochs} epochs" if epochs else "unknown")
    with ui.cell(evaluated, "Evaluated"):
        share = min(s.evaluated / s.candidates, 1.0) if s.evaluated is not None and s.candidates else None
        if share is None and s.scores:
            st.markdown(text.plain(f"scores: {', '.join(s.scores)}"))
        else:
            st.progress(share or 0.0, f"{s.evaluated:,} of {s.candidates:,}" if share is not None else "nothing yet")
    with ui.cell(handed_in, "Submission"):
        problems = submissions[name]
        if problems is None:
            st.markdown("—")
        elif problems == 0:
            st.badge("valid", color="green", icon=":material/check:")
        else:
            st.badge("invalid", color="red", icon=":material/error:", help=text.count(problems, "problem"))
    with ui.cell(tau, "Kendall τ"):
        st.markdown(s.tau.show() if s.tau else "—")
    if s.problems:
        ui.problems("What cannot be read", s.problems)
    elif name not in live and (step := verdict.next_step(runs[name], s, problems)) and step.command:
        st.caption(f"Next: {text.plain(shlex.join(step.command))}")


found = views.matching(summaries, words or "", order)
pages = max(1, -(-len(found) // PER_PAGE))
page = st.pagination(pages, key="page") if pages > 1 else 1
for name in found[PER_PAGE * (page - 1) : PER_PAGE * page]:
    with st.container(border=True):
        row(name, summaries[name])
for name, problem in refused.items():
    ui.problems(f"{text.plain(name)} is not opened", [problem])
if not found and runs:
    st.info("No run matches.", icon=":material/search_off:")
st.caption("Kendall τ says how well a ranking agrees with the truth, from −1 to 1, with the 95 % interval in brackets.")
follow()
