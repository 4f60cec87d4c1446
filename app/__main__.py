"""`python app [STREAMLIT_OPTIONS] [-- RUNS_FOLDER]`: `streamlit run app/main.py`, but ready for its first visitor.

Streamlit imports what pages need while the first visitor waits; here it is imported before the server starts. And it
collects garbage after every run of a page; what was imported never becomes any, so it is frozen: not looked at again.
"""

import gc
import sys
from pathlib import Path

# Not this folder, whose modules are no packages, nor the one somebody works in, which may hold an app.py of its own.
sys.path[0] = str(Path(__file__).resolve().parents[1])

import plotly.io  # noqa: F401
import scipy.stats  # noqa: F401 - elsewhere by its first use, for it takes a third of all imports
from streamlit.web.cli import main

from app.screens.interference import block, error, network, paths, split, whole  # noqa: F401
from app.screens.ranking import beside, choose, epochs, measured, misjudged, noisy, picked, predicted, top  # noqa: F401
from app.views import runs, submission  # noqa: F401

if __name__ == "__main__":
    gc.freeze()
    main(["run", str(Path(__file__).with_name("main.py")), *sys.argv[1:]], prog_name="streamlit")
