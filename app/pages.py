"""The pages of the dashboard, in their order. A new page is a file in `screens/` and a line here; one that has parts is
a folder there, whose `page.py` lays them out.

Those of other packages come in by the entry points `supernet_toolkit.pages` (`toolkit/plugins.py`): functions without
arguments that lay out the page, titled by the first line of their docstring. `app.links` tells them the chosen run.
"""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import cast

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from toolkit.plugins import load

PAGES = (
    ("overview", "Runs", "list"),
    ("verdict", "Verdict", "gavel"),
    ("training", "Training", "show_chart"),
    ("candidates", "Candidates", "scatter_plot"),
    ("decisions", "What decides it", "tune"),
    ("ranking", "Rank correlation", "leaderboard"),
    ("predictor", "Predictor", "insights"),
    ("search", "Search", "travel_explore"),
    ("interference", "Interference", "call_split"),
    ("sweeps", "Sweeps", "experiment"),
    ("submission", "Submission", "upload_file"),
    ("weights", "Weights", "swap_horiz"),
)
"""File or folder in `screens/`, title, Material icon. The first is where visitors begin."""

HERE = Path(__file__).parent


def page_file(name: str) -> str:
    """The file of a page, as Streamlit takes it: from the folder of `script.py`."""
    return f"screens/{name}/page.py" if (HERE / "screens" / name).is_dir() else f"screens/{name}.py"


def pages() -> list[StreamlitPage]:
    """All of them, for `st.navigation`."""
    own = [
        st.Page(page_file(name), title=title, icon=f":material/{icon}:", default=name == PAGES[0][0], url_path=name)
        for name, title, icon in PAGES
    ]
    others = [
        st.Page(run, title=_title(name, run), icon=":material/extension:", url_path=name)
        for name, run in plugged().items()
    ]
    return own + others


@st.cache_resource(show_spinner=False)
def plugged() -> dict[str, Callable[[], None]]:
    """Pages of other packages, by name."""
    found = load("pages", _wrong, taken=[name for name, _, _ in PAGES])
    return cast(dict[str, Callable[[], None]], found)


def _title(name: str, run: Callable[[], None]) -> str:
    return (inspect.getdoc(run) or name).splitlines()[0].rstrip(".")


def _wrong(name: str, found: object) -> str:
    if not name.isidentifier():
        return "the name of a page is an identifier"
    if not callable(found) or inspect.signature(found).parameters:
        return f"it is {found!r:.80}, and not a function without arguments"
    return ""
