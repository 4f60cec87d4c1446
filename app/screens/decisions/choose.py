"""The score that is looked at, and its truth."""

from dataclasses import dataclass

import streamlit as st

from app import links, ui
from app.cache import glance, load
from app.screens.ranking.choose import read_ledger
from app.views import candidates
from app.views.decisions.scored import Scored, read_scored
from app.views.ranking import sources
from app.views.ranking.sources import Source
from toolkit.runs.folder import RunFolder

NO_TRUTH = "none"


@dataclass(frozen=True)
class Found:
    """The networks with their scores, and what the score is called."""

    scored: Scored
    judged: str


def choose(run: RunFolder) -> Found | None:
    """The widgets that choose, and what they choose; None, and what to do next, while nothing has a score."""
    shared = sources.shared_files(links.folder(), glance(candidates.space_of, run, run.recipe))
    scores = offered(run)
    if not scores:
        ui.no_results(run)
        return None
    with st.container(horizontal=True, vertical_alignment="bottom"):
        judged = st.selectbox("Score", list(scores), key="judged", bind="query-params")
        truths = sources.others(sources.truths(run, shared), scores[judged])
        named = st.selectbox("Truth", [*truths, NO_TRUTH], key="truth", bind="query-params")
    return Found(read(run, scores[judged], truths.get(named)), judged)


def offered(run: RunFolder) -> dict[str, Source]:
    """Every score of a run, by name; raises InputError."""
    shared = sources.shared_files(links.folder(), glance(candidates.space_of, run, run.recipe))
    return sources.scores(run, *read_ledger(run), shared)


def read(run: RunFolder, score: Source, truth: Source | None = None) -> Scored:
    """Remembered until a file changes; raises InputError."""
    files = sources.sources_files(run, score, *([truth] if truth else []))
    return load(read_scored, run, *files, score=score, truth=truth)
