"""The dashboard: `streamlit run app/main.py [-- RUNS_FOLDER]`. It shows run folders and changes nothing in them."""

import os
import sys
from pathlib import Path

import streamlit as st

from app import links, text, theme
from app.views.folder import Scan, scan

LOGO = str(Path(__file__).with_name("logo.svg"))


DEFAULT = "runs"
SHIPPED = Path(__file__).parent.parent / "results"
"""Results that come with the repository: what a newcomer sees first."""


def runs_folder() -> Path:
    """The folder named on the command line, else by SUPERNET_RUNS, else `runs` here."""
    return Path(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("SUPERNET_RUNS", DEFAULT))


def find() -> tuple[Path, Scan]:
    """The folder that is shown, and what is in it; the shipped results as long as there are no runs yet."""
    folder = runs_folder()
    found = scan(folder)
    if folder == Path(DEFAULT) and not found.runs and not found.refused and SHIPPED.is_dir():
        return SHIPPED, scan(SHIPPED)
    return folder, found


def main() -> None:
    """Lay out what all pages share, then run the one that is open."""
    st.set_page_config("Supernet toolkit", LOGO, layout="wide", initial_sidebar_state=240)
    st.logo(LOGO, size="large")
    st.html(theme.STYLE)
    page = st.navigation(
        [
            st.Page("screens/overview.py", title="Runs", icon=":material/list:", default=True),
            st.Page("screens/verdict.py", title="Verdict", icon=":material/gavel:"),
            st.Page("screens/training.py", title="Training", icon=":material/show_chart:"),
            st.Page("screens/candidates.py", title="Candidates", icon=":material/scatter_plot:"),
            st.Page("screens/decisions.py", title="What decides it", icon=":material/tune:"),
            st.Page("screens/ranking.py", title="Rank correlation", icon=":material/leaderboard:"),
            st.Page("screens/predictor.py", title="Predictor", icon=":material/insights:"),
            st.Page("screens/interference.py", title="Interference", icon=":material/call_split:"),
            st.Page("screens/sweeps.py", title="Sweeps", icon=":material/experiment:"),
            st.Page("screens/submission.py", title="Submission", icon=":material/upload_file:"),
            st.Page("screens/weights.py", title="Weights", icon=":material/swap_horiz:"),
        ]
    )
    folder, found = find()
    links.share(folder, found)
    with st.sidebar:
        if links.runs():
            links.choose_run()
        if folder == SHIPPED:
            st.caption("No runs of yours yet: these come with the toolkit. `supernet demo` makes a first one.")
        else:
            st.caption(f"{text.count(len(links.runs()), 'run')} in {text.plain(str(folder))}")
    page.run()


main()
