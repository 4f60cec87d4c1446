"""Other runs beside this one: how well their labels are predicted."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import streamlit as st

from app import text, ui
from app.cache import load
from app.views import candidates
from app.views import predictor as views
from app.views.predictor import Study
from toolkit.runs.folder import RunFolder


def files(run: RunFolder) -> tuple[Path, ...]:
    """What `views.study` reads."""
    return *candidates.ledger_files(run), run.candidates, run.standalone, run.recipe


def compare(others: Mapping[str, RunFolder], title: str) -> dict[str, Study]:
    """The studies of other runs by name: of labels with this title, or else of their first."""
    found = {}
    for name, run in others.items():
        with ui.problems_in_place(f"{text.plain(name)} cannot be shown beside it"):
            sources = load(views.sources, run, *files(run), run.path / "checkpoints")
            if sources:
                chosen = sources.get(title, next(iter(sources.values())))
                found[name] = load(views.study, run, *files(run), setting=chosen)
            else:
                st.info(f"{text.plain(name)} has no labels yet.", icon=":material/info:")
    return found


def show(name: str, own: Study, others: Mapping[str, Study]) -> None:
    """What is known of each run's predictor, a row a run."""
    if not others:
        return
    rows = [
        (each, study.labelled, str(study.agreement), study.model, study.features)
        for each, study in {name: own, **others}.items()
    ]
    st.dataframe(
        pd.DataFrame(rows, columns=["run", "labelled", "tau", "model", "features"]),
        hide_index=True,
        height="content",
        column_config={
            "run": st.column_config.TextColumn("Run"),
            "labelled": st.column_config.NumberColumn("Labelled", format="localized"),
            "tau": st.column_config.TextColumn("Kendall τ, each left out, and 95 % interval"),
            "model": st.column_config.TextColumn("Model"),
            "features": st.column_config.NumberColumn("Features"),
        },
        alt="Predictors of the runs",
    )


def curves(name: str, own: Study, others: Mapping[str, Study]) -> pd.DataFrame:
    """Every learning curve, with a column `run`."""
    return pd.concat([study.curve.assign(run=each) for each, study in {name: own, **others}.items()])
