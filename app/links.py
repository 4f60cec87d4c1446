"""What a link to a view holds, so that opening it shows the same view again.

Widgets bind themselves to the address (`bind="query-params"`) and thereby keep their value from page to page. The run
is kept here, because the address must always name it: tomorrow's default may be another one.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import cast

import streamlit as st

from app.views.folder import Scan
from toolkit.runs.folder import RunFolder

_RUN = "run"  # in the address, and in the session for pages opened without it
_CHOICE = "run choice"  # the sidebar's widget
COMPARED = "compare"
"""In the address and the session: names of the runs that are compared."""

_FOLDER, _SCAN = "runs folder", "runs found"


def share(folder: Path, found: Scan) -> None:
    """Tell the pages what there is, at the beginning of every script run."""
    st.session_state[_FOLDER], st.session_state[_SCAN] = folder, found


def folder() -> Path:
    """Where the runs lie."""
    return cast(Path, st.session_state[_FOLDER])


def found() -> Scan:
    """Every run by name, and what is not opened."""
    return cast(Scan, st.session_state[_SCAN])


def runs() -> Mapping[str, RunFolder]:
    """Every run by name."""
    return found().runs


def missing() -> str | None:
    """The run that the link asks for, if it is not there: no other one is shown in its place."""
    linked = st.query_params.get(_RUN)
    return linked if linked is not None and linked not in runs() else None


def choose_run() -> None:
    """The choice of a run: that of the link, else the one looked at last, else the newest."""
    names = list(runs())
    linked = st.query_params.get(_RUN)
    run = linked or next((name for name in (st.session_state.get(_RUN),) if name in names), next(iter(names), None))
    if missing() is None and run is not None:
        _open(run)
    st.session_state[_CHOICE] = None if missing() is not None else run
    st.selectbox(
        "Run",
        names,
        key=_CHOICE,
        on_change=lambda: _open(st.session_state[_CHOICE]),
        placeholder="that of the link is not here",
    )


def choose_compared() -> None:
    """Other runs that pages show beside the chosen one; the table of runs ticks them too."""
    if len(runs()) > 1:
        st.multiselect("Compare with", list(runs()), key=COMPARED, bind="query-params", placeholder="other runs")


def compared() -> list[str]:
    """Those that are there, without the chosen one."""
    current = current_run()
    return [
        name for name in st.session_state.get(COMPARED, []) if name in runs() and (not current or name != current[0])
    ]


def current_run() -> tuple[str, RunFolder] | None:
    """The chosen run and its name, if there are runs at all, and the one of the link among them."""
    name = cast(str, st.session_state.get(_RUN, ""))
    return (name, runs()[name]) if name in runs() and missing() is None else None


def _open(run: str) -> None:
    st.session_state[_RUN] = run
    if st.query_params.get(_RUN) != run:
        st.query_params[_RUN] = run
