"""All runs at a glance; a click opens one."""

import shlex
import time
from dataclasses import replace
from typing import Any

import streamlit as st

from app import links, text, ui, warm
from app.cache import Stamp, glance, stamp
from app.pages import page_file
from app.runs_table import runs_table
from app.views import candidates, notes, ranking, submission, training, verdict
from app.views import runs as views
from app.views.folder import scan
from app.views.ranking import sources

ui.header(
    "Runs", "Each run is a folder: a supernet, the candidates it judged, and what came of it. Click one to open it."
)
runs, refused = links.runs(), links.found().refused
if (linked := links.missing()) is not None:
    ui.not_there(linked)
if not runs and not refused:
    ui.no_runs(links.folder())
    st.stop()
summaries = {name: glance(views.summary, run, *views.summarised(run)) for name, run in runs.items()}
submissions = {
    name: glance(submission.count_problems, run, run.recipe, run.candidates, run.submission)
    for name, run in runs.items()
}
for name, run in runs.items():  # of files that nobody has ranked yet, what a glance tells
    if summaries[name].tau is None and not summaries[name].problems:
        shared = sources.shared_files(links.folder(), glance(candidates.space_of, run, run.recipe))
        scores = sources.scores(run, [], {}, shared if sources.score_files(run) else {})
        score = next(iter(scores.values()), None)
        truth = score and next(iter(sources.others(sources.truths(run, shared), score).values()), None)
        if score and truth:
            tau = glance(ranking.tau_now, run, score.path, truth.path, score=score, truth=truth)
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
    ui.download("Table as CSV", views.table(summaries, submissions), "runs")


def state_of_things() -> dict[str, list[Stamp]]:
    """What tells whether anything on this page is out of date."""
    now = scan(links.folder())
    files = {
        name: [*map(stamp, [*views.summarised(run), run.submission, run.path / "notes.md"])]
        for name, run in now.runs.items()
    }
    return files | {name: [] for name in now.refused}


seen = state_of_things()


@st.fragment(run_every=5 if live else 20)
def follow() -> None:
    """Show the page anew when a run has begun or gone on, or its training has ended."""
    if state_of_things() != seen or any(not training.is_live(runs[name], summaries[name].progress) for name in live):
        st.rerun()


COLUMNS = ("Run", "State", "Loss", "Trained", "Evaluated", "Submission", "Kendall τ", "Next", "Changed")


def row(name: str, s: views.Summary) -> dict[str, Any]:
    """One run as the table takes it: what it is, and how far it has come on the way to the leaderboard."""
    state, problems, done = views.state(s, live=name in live), submissions[name], s.progress
    step = None if s.problems or name in live else verdict.next_step(runs[name], s, problems)
    command = step.command if step and step.command else ()
    following = " ".join(command[:2]) or ("see below" if s.problems else "–")
    share = min(s.evaluated / s.candidates, 1.0) if s.evaluated is not None and s.candidates else None
    trained = f"{done.epoch:.4g} of {done.epochs} epochs" if done.epochs else "unknown"
    if not done.step and s.weights is not None:
        trained = f"{s.weights:,} steps, without a log"
    evaluated = f"{s.evaluated:,} of {s.candidates:,}" if share is not None else "–"
    if share is None and s.scores:
        evaluated = f"scores: {', '.join(s.scores)}"
    note = notes.first_line(glance(notes.read_notes, runs[name], notes.notes_file(runs[name])))
    cells = {
        "Run": (name, name, f"{views.setup(s)}{f' · {note}' if note else ''}"),
        "State": (state, state, ""),
        "Loss": (f"{s.losses[-1]:.3f}" if s.losses else "–", s.losses[-1] if s.losses else None, ""),
        "Trained": (trained, done.share if done.share is not None else -1.0, ""),
        "Evaluated": (evaluated, -1.0 if share is None else share, ""),
        "Submission": (
            "–" if problems is None else text.count(problems, "problem") if problems else "valid",
            -problems if problems is not None else None,
            "",
        ),
        "Kendall τ": (s.tau.show() if s.tau else "–", s.tau.value if s.tau else None, ""),
        "Next": (following, following, ""),
        "Changed": (text.ago(time.time() - s.changed), -s.changed, ""),
    }
    shown, order, below = zip(*(cells[column] for column in COLUMNS), strict=True)
    return {
        "name": name,
        "next": shlex.join(command),
        "cells": shown,
        "sort": order,
        "below": below,
        "losses": [round(loss, 4) for loss in s.losses],
    }


found = views.matching(summaries, words or "")
if found:
    opened = runs_table(COLUMNS, [row(name, summaries[name]) for name in found], links.COMPARED)
    if opened is not None:
        st.switch_page(page_file("verdict"), query_params={"run": opened})
for name in found:
    if summaries[name].problems:
        ui.problems(f"What cannot be read of {text.plain(name)}", summaries[name].problems)
for name, problem in refused.items():
    ui.problems(f"{text.plain(name)} is not opened", [problem])
if not found and runs:
    st.info("No run matches.", icon=":material/search_off:")
st.caption(
    "Click a heading to sort, a name to open its verdict, which has the next command in full. What is ticked is "
    "compared on other pages. Kendall τ says how well a ranking agrees with the truth, from −1 to 1, with the 95 % "
    "interval in brackets. The first line of `notes.md` in a run stands below its name."
)
follow()
warm.begin(links.folder(), links.found())
