"""The newest run made ready in the background, while the first visitor looks at the page of runs.

What pages of a run need first is imported, read and computed through the same caches, so that they find it there. It
begins on that page alone, when it has had time to be drawn: whoever follows a link to another page would share the
processor with it.
"""

import logging
import threading
from contextlib import suppress
from pathlib import Path

import streamlit as st
from streamlit import runtime

from app.cache import glance, load
from app.derived import derive
from app.views import candidates, submission
from app.views.folder import Scan
from toolkit.runs.folder import RunFolder

DELAY = 2.0
"""Seconds."""

NAME = "warm"
"""Of the thread. It belongs to no visitor, which Streamlit would warn of at every turn."""


def begin(folder: Path, found: Scan) -> None:
    """Once for each server, in a thread of its own; not in tests, which have no server."""
    if runtime.exists() and found.runs:
        _once(folder, next(iter(found.runs.values())))


@st.cache_resource(show_spinner=False)
def _once(_folder: Path, _run: RunFolder) -> threading.Timer:
    logging.getLogger("streamlit.runtime.scriptrunner_utils.script_run_context").addFilter(
        lambda _: threading.current_thread().name != NAME
    )
    timer = threading.Timer(DELAY, warm, (_folder, _run))
    timer.daemon, timer.name = True, NAME
    timer.start()
    return timer


def warm(folder: Path, run: RunFolder) -> None:
    """Candidates, then the ranking, then the submission; whatever fails is told by its own page."""
    with suppress(Exception):
        _candidates(run)
    with suppress(Exception):
        _ranking(folder, run)
    with suppress(Exception):
        _submission(run)


def _candidates(run: RunFolder) -> None:
    import plotly.io  # noqa: F401 - pages load it when they draw

    ledger, checkpoints = candidates.ledger_files(run), run.path / "checkpoints"
    load(candidates.architectures, run, run.recipe, run.candidates, checkpoints)
    holdings = glance(candidates.settings, run, *ledger)
    labels = candidates.labels(holdings, glance(candidates.checkpoint_steps, run, checkpoints))
    load(candidates.results, run, *ledger, setting=next(iter(labels.values())).setting)


def _ranking(folder: Path, run: RunFolder) -> None:
    from app.screens.ranking.choose import first_subject
    from app.views.ranking import estimates, noise

    subject = first_subject(folder, run)
    if subject is not None:
        derive(estimates.judge, subject)
        derive(noise.ceiling, subject, images=subject.images, correlation=0.0)


def _submission(run: RunFolder) -> None:
    for view in (submission.check_own, submission.tied):
        load(view, run, run.recipe, run.candidates, run.submission)
