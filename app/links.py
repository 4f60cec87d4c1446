"""What a link to a view holds, so that opening it shows the same view again.

Widgets bind themselves to the address (`bind="query-params"`) and thereby keep their value from page to page. The run
is kept here, because the address must always name it: tomorrow's default may be another one.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import cast

import streamlit as st

from app import text
from toolkit.runs.folder import RunFolder

_RUN = "run"  # in the address, and in the session for pages opened without it
_CHOICE = "run choice"  # the sidebar's widget
_FOLDER, _RUNS = "runs folder", "runs found"


def share(folder: Path, runs: Mapping[str, RunFolder]) -> None:
    """Tell the pages what there is, at the beginning of every script run."""
    st.session_state[_FOLDER], st.session_state[_RUNS] = folder, runs


def folder() -> Path:
    """Where the runs lie."""
    return cast(Path, st.session_state[_FOLDER])


def runs() -> Mapping[str, RunFolder]:
    """Every run by name."""
    return cast(Mapping[str, RunFolder], st.session_state[_RUNS])


def choose_run() -> None:
    """The choice of a run: that of the link, else the one looked at last, else the newest."""
    names = list(runs())
    linked = st.query_params.get(_RUN)
    run = next((name for name in (linked, st.session_state.get(_RUN)) if name in names), names[0])
    if linked not in (None, run):
        st.warning(f"The link asks for a run that is not here. This is {text.plain(run)}.", icon=":material/link_off:")
    _open(run)
    st.session_state[_CHOICE] = run
    st.selectbox("Run", names, key=_CHOICE, on_change=lambda: _open(st.session_state[_CHOICE]))


def current_run() -> tuple[str, RunFolder] | None:
    """The chosen run and its name, if there are runs at all."""
    name = cast(str, st.session_state.get(_RUN, ""))
    return (name, runs()[name]) if name in runs() else None


def _open(run: str) -> None:
    st.session_state[_RUN] = run
    if st.query_params.get(_RUN) != run:
        st.query_params[_RUN] = run
