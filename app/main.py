"""The dashboard: `streamlit run app/main.py [-- RUNS_FOLDER]`. It shows run folders and changes nothing in them."""

import os
import sys
from pathlib import Path

import streamlit as st

from app import links, text, theme
from app.pages import pages
from app.views.runs import named_runs

LOGO = str(Path(__file__).with_name("logo.svg"))


def runs_folder() -> Path:
    """The folder named on the command line, else by SUPERNET_RUNS, else `runs` here."""
    return Path(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("SUPERNET_RUNS", "runs"))


def main() -> None:
    """Lay out what all pages share, then run the one that is open."""
    st.set_page_config("Supernet toolkit", LOGO, layout="wide", initial_sidebar_state=240)
    st.logo(LOGO, size="large")
    st.html(theme.STYLE)
    page = st.navigation(pages())
    folder = runs_folder()
    links.share(folder, named_runs(folder))
    with st.sidebar:
        if links.runs():
            links.choose_run()
        st.caption(f"{text.count(len(links.runs()), 'run')} in {text.plain(str(folder))}")
    page.run()


main()
