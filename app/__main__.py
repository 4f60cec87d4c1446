"""`python app [STREAMLIT_OPTIONS] [-- RUNS_FOLDER]`: `streamlit run app/main.py`, wherever somebody works."""

import sys
from pathlib import Path

# Not this folder, whose modules are no packages, nor the one somebody works in, which may hold an app.py of its own.
sys.path[0] = str(Path(__file__).resolve().parents[1])

from streamlit.web.cli import main

if __name__ == "__main__":
    main(["run", str(Path(__file__).with_name("main.py")), *sys.argv[1:]], prog_name="streamlit")
