"""Pieces of layout that all pages share."""

import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import pandas as pd
import plotly.graph_objects as go
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import links, text, theme
from app.cache import glance, load
from app.spreadsheet import to_csv
from app.verbatim import verbatim
from app.views import training
from app.views.folder import scan
from converters.submission import Report
from toolkit.errors import InputError
from toolkit.runs.folder import RunFolder
from toolkit.runs.recipe import read_recipe
from toolkit.spaces.base import shorten

Color = Literal["red", "orange", "blue", "green", "gray"]

_STATES: dict[str, tuple[Color, str]] = {
    "training": ("blue", ":material/play_arrow:"),
    "trained": ("green", ":material/check:"),
    "kept": ("green", ":material/inventory_2:"),
    "stopped": ("orange", ":material/pause:"),
    "begun": ("gray", ":material/hourglass_empty:"),
    "damaged": ("red", ":material/error:"),
}


def header(title: str, caption: str) -> None:
    """A page's title and, in one or two sentences, what it answers."""
    st.title(title, anchor=False)
    st.caption(caption)


def answer(*lines: str) -> DeltaGenerator:
    """What a page says in words, for somebody who reads nothing else; shown as it is.

    Returns:
        the last line, whose `markdown` says it anew.
    """
    with st.container(key="answer", gap="xsmall"):
        for line in lines:
            place = st.empty()
            place.markdown(text.plain(line))
    return place


def fold(label: str, key: str, show: Callable[[], None]) -> None:
    """A part of a page that a click or a link opens; until then nothing of it is computed."""
    part = st.expander(label, key=key, on_change="rerun", bind="query-params")
    if part.open:
        with part:
            show()


@contextmanager
def problems_in_place(title: str = "This cannot be shown") -> Iterator[None]:
    """Show what is wrong with the user's files where their content would have been."""
    try:
        yield
    except InputError as error:
        problems(title, error.problems)
    except OSError as error:
        problems(title, [f"{error.filename}: cannot be read ({error.strerror}); check its rights"])


def problems(title: str, found: Sequence[str]) -> None:
    """A list of problems, all of them. What they quote comes from files, so it is shown as plain text."""
    lines = [f"**{title}**", "", *(f"- {text.plain(problem)}" for problem in found)]
    st.error("\n".join(lines), icon=":material/error:")


def empty(title: str, explanation: str, *commands: Sequence[object]) -> None:
    """What is missing, and the commands that make it, each as a sequence of words."""
    with st.container(border=True):
        st.markdown(f"**{title}**")
        st.caption(explanation)
        verbatim("\n".join(shlex.join(map(str, command)) for command in commands), title)


def open_run() -> tuple[str, RunFolder]:
    """The chosen run and its name; without it the page ends here, and says what to do."""
    current = links.current_run()
    if current is None:
        if (linked := links.missing()) is not None:
            not_there(linked)
        else:
            no_runs(links.folder())
        st.stop()
    return current


def space_of(run: RunFolder) -> str:
    """The name of the run's space; raises InputError."""
    return glance(training.recipe, run, run.recipe).space


def compared(run: RunFolder) -> dict[str, RunFolder]:
    """The runs to compare this one with, by name; of those of another space the page says that they are left out."""
    found = {}
    for name in links.compared():
        other = links.runs()[name]
        with problems_in_place(f"{text.plain(name)} cannot be shown beside it"):
            if (theirs := space_of(other)) == (own := space_of(run)):
                found[name] = other
            else:
                said = f"{text.plain(name)} is a run on {theirs}, this one on {own}: it is not shown beside it."
                st.info(said, icon=":material/info:")
    return found


def one_of(label: str, names: Sequence[str], key: str) -> str:
    """The choice of one of some names; no widget, if there is only one."""
    if len(names) == 1:
        return names[0]
    return st.selectbox(label, names, key=key, bind="query-params", width=330)


def not_there(name: str) -> None:
    """Say that the run of the link cannot be opened; as soon as it can be, the page shows it by itself."""
    problem = links.found().refused.get(name)
    if problem is not None:
        problems("This run is not opened", [problem])
    else:
        st.warning(
            f"There is no run {text.plain(shorten(name))} in {text.plain(str(links.folder()))}. Should it begin, this "
            "page shows it by itself; else choose another one.",
            icon=":material/link_off:",
        )

    @st.fragment(run_every=3)
    def wait() -> None:
        if name in scan(links.folder()).runs:
            st.rerun()

    wait()


def no_runs(folder: Path) -> None:
    """What to do with an empty or missing folder."""
    missing = "" if folder.is_dir() else " (the folder does not exist yet)"
    empty(
        "No runs yet",
        f"There is no run folder in {text.plain(str(folder))}{missing}. This command makes a first one within minutes: "
        "it trains a small supernet, evaluates 45,000 candidates and writes a submission.",
        ("supernet", "demo", "--out", folder / "demo"),
    )


def no_results(run: RunFolder) -> None:
    """How to evaluate candidates; where there are none yet, how to draw them first."""
    space = read_recipe(run.recipe).space
    draw = ("supernet", "candidates", "--space", space, "--count", 45_000, "--out", run.candidates)
    empty(
        "No results yet",
        "Every candidate takes its weights from the supernet and is tested on validation images.",
        *([] if run.candidates.is_file() else [draw]),
        ("supernet", "evaluate", run.path, "--candidates", run.candidates),
    )


def curves(run: RunFolder) -> pd.DataFrame:
    """The run's training curves; none, and why, if they cannot be read."""
    with problems_in_place("The metrics cannot be read"):
        return load(training.curves, run, run.metrics)
    return training.NO_CURVES


def facts(values: Mapping[str, str | int | None]) -> None:
    """A row of key figures; a dash where there is none."""
    with st.container(horizontal=True):
        for label, value in values.items():
            st.metric(label, value, border=True)


def run_link(name: str, state: str) -> None:
    """A run's name, which opens it, and what it is doing."""
    color, icon = _STATES[state]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.page_link("screens/verdict.py", label=f"**{text.plain(name)}**", query_params={"run": name})
        st.badge(state, color=color, icon=icon)


@contextmanager
def cell(column: DeltaGenerator, label: str) -> Iterator[None]:
    """A value under its small heading, close together."""
    with column, st.container(gap="xsmall"):
        st.caption(label)
        yield


def captions(notes: Mapping[str, str]) -> None:
    """What the panels of a figure show, in one paragraph."""
    st.caption(" ".join(f"**{title}**: {note}." for title, note in notes.items() if note))


def report(found: Report) -> None:
    """What a check found: the verdict, every problem, and the notes."""
    if found.problems:
        problems(text.plain(text.sentence(found.verdict)), found.problems)
    else:
        st.success(text.plain(text.sentence(found.verdict)), icon=":material/verified:")
    for note in found.notes:
        st.caption(f":material/info: {text.plain(note)}")


def chart(figure: go.Figure, key: str, alt: str) -> None:
    """A figure that only shows."""
    st.plotly_chart(figure, key=key, alt=alt, config=theme.CONFIG)


def download(label: str, frame: pd.DataFrame, name: str) -> None:
    """A button for a table as CSV, written only when it is pressed."""
    st.download_button(
        label,
        data=lambda: to_csv(frame),
        file_name=f"{name}.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
        type="tertiary",
    )
