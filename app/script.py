"""What every visit runs: what all pages share, then the page that is open. It changes nothing in run folders."""

import os
import sys
from pathlib import Path

import streamlit as st

from app import links, text, theme
from app.pages import pages
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
    page = st.navigation(pages())
    folder, found = find()
    links.share(folder, found)
    with st.sidebar:
        if links.runs():
            links.choose_run()
            links.choose_compared()
        if folder == SHIPPED:
            st.caption("No runs of yours yet: these come with the toolkit. `supernet demo` makes a first one.")
        else:
            st.caption(f"{text.count(len(links.runs()), 'run')} in {text.plain(str(folder))}")
    page.run()


main()
