"""What is to be compared: something in the chosen run, or files from anywhere."""

from dataclasses import dataclass
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import links, text, ui
from app.cache import glance, load
from app.views import candidates
from app.views.ranking import sources, uploads
from app.views.ranking.sources import Source
from app.views.ranking.subject import Subject
from toolkit.errors import InputError
from toolkit.evaluation.ledger import Holding
from toolkit.ranking.files import Columns
from toolkit.runs.folder import RunFolder
from toolkit.spaces import SPACES

RUN, FILES = "This run", "Files"
AUTOMATIC = "found out by the codes"


@dataclass(frozen=True)
class Found:
    """What is compared, and where it came from; without a run it came from files.

    Attributes:
        name: for files that are downloaded.
        holdings, steps: what the run's ledger holds, and the steps of its checkpoints.
    """

    name: str
    subject: Subject
    run: RunFolder | None = None
    holdings: tuple[Holding, ...] = ()
    steps: tuple[tuple[str, int], ...] = ()


def choose() -> Found | None:
    """The widgets that choose, and what they choose; None, and what to do next, while there is nothing to compare."""
    current = links.current_run()
    if (linked := links.missing()) is not None:
        ui.not_there(linked)
        return None
    if current is None:
        ui.no_runs(links.folder())
        st.header("Without a run: compare files", anchor=False)
        return _from_files()
    row = st.container(horizontal=True, vertical_alignment="bottom")
    where = row.segmented_control(
        "Compare", [RUN, FILES], default=RUN, key="source", bind="query-params", required=True, width="content"
    )
    return _from_run(*current, row) if where == RUN else _from_files()


def read_ledger(run: RunFolder) -> tuple[list[Holding], dict[str, int]]:
    """What the run's ledger holds, and the steps of its checkpoints; raises InputError."""
    holdings = glance(candidates.settings, run, *candidates.ledger_files(run))
    return holdings, glance(candidates.checkpoint_steps, run, run.path / "checkpoints")


def read(run: RunFolder, names: tuple[str, str], score: Source, truth: Source) -> Subject:
    """Remembered until a file changes; raises InputError."""
    files = sources.sources_files(run, score, truth)
    return load(sources.read_subject, run, *files, names=names, score=score, truth=truth)


def first_subject(folder: Path, run: RunFolder) -> Subject | None:
    """The run's first score against its first truth, as the page shows it first; None without either."""
    holdings, steps = read_ledger(run)
    shared = sources.shared_files(folder, glance(candidates.space_of, run, run.recipe))
    scores = sources.scores(run, holdings, steps, shared)
    score = next(iter(scores), None)
    truths = sources.others(sources.truths(run, shared), scores[score]) if score else {}
    truth = next(iter(truths), None)
    return read(run, (score, truth), scores[score], truths[truth]) if score and truth else None


def _from_run(name: str, run: RunFolder, row: DeltaGenerator) -> Found | None:
    holdings: list[Holding] = []
    steps: dict[str, int] = {}
    with ui.problems_in_place("The results cannot be read"):
        holdings, steps = read_ledger(run)
    shared = {}
    with ui.problems_in_place("The recipe cannot be read"):
        shared = sources.shared_files(links.folder(), glance(candidates.space_of, run, run.recipe))
    scores, truths = sources.scores(run, holdings, steps, shared), sources.truths(run, shared)
    judged = row.selectbox("Score", list(scores), key="judged", bind="query-params", width=430) if scores else None
    truths = sources.others(truths, scores[judged]) if judged else {}
    if judged is None or not truths:
        with ui.problems_in_place("The recipe cannot be read"):
            _begin(run, scores=bool(scores))
        return None
    truth = row.selectbox("Truth", list(truths), key="truth", bind="query-params", width=260)
    with ui.problems_in_place("The two cannot be compared"):
        subject = read(run, (judged, truth), scores[judged], truths[truth])
        return Found(name, subject, run, tuple(holdings), tuple(steps.items()))
    return None


def _begin(run: RunFolder, *, scores: bool) -> None:
    """What is missing in a run, and how to get it."""
    if not scores:
        ui.no_results(run)
    ui.empty(
        "No truth yet",
        "How good some of the candidates are when each is trained alone: 12 show that something is there, some hundred "
        "tell one method from another. Known accuracies will do as well: put a file of them into "
        f"{text.plain(str(run.path))}, in the format of submissions.",
        ("supernet", "standalone", run.path),
    )


def _from_files() -> Found | None:
    left, right = st.columns(2)
    scores = left.file_uploader(
        "Scores",
        uploads.TYPES,
        key="scores file",
        max_upload_size=uploads.UPLOAD_MB,
        help="A submission, or a table (CSV, TSV, Parquet, JSON). Not kept.",
    )
    truth = right.file_uploader(
        "Truth",
        uploads.TYPES,
        key="truth file",
        max_upload_size=uploads.UPLOAD_MB,
        help="Likewise; not needed if it is a column in the table of scores.",
    )
    if scores is None:
        st.caption(
            "Any two files about the same networks: submissions or other files of that format, or tables whose columns "
            "you name. A link restores the choices made here; the files must be chosen again, for they are not kept."
        )
        return None
    first = uploads.Upload(scores.name, scores.getvalue())
    second = uploads.Upload(truth.name, truth.getvalue()) if truth else None
    with ui.problems_in_place("The files cannot be compared"):
        choice = _choose_columns(first, second)
        if choice is not None:
            return Found(first.safe_name.rpartition(".")[0], _compare(first, second, choice))
    return None


def _choose_columns(scores: uploads.Upload, truth: uploads.Upload | None) -> uploads.Choice | None:
    """Which columns hold what; None while that is not said."""
    left, right = _shape(scores), _shape(truth or scores)
    formatted = left.candidates and right.candidates
    columns = Columns() if formatted else _columns(left, right)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        space = st.selectbox("Space", [AUTOMATIC, *SPACES], key="space", bind="query-params", width=240)
        losses = st.toggle("Scores are losses", key="losses", bind="query-params", help="Less is better")
    if not (columns.code and columns.score and columns.truth):
        st.info("Say which columns name the networks, score them, and hold the truth.", icon=":material/arrow_upward:")
        return None
    if truth is None and columns.truth == columns.score:
        st.info("Now the truth: a second file, or another column of the first.", icon=":material/arrow_upward:")
        return None
    return uploads.Choice(columns, None if space == AUTOMATIC else SPACES[space], losses)


def _columns(left: uploads.Shape, right: uploads.Shape) -> Columns:
    """Widgets for the columns of tables."""
    both = [column for column in left.columns if column in right.columns]
    if not both:
        raise InputError("the two tables have no column in common that could name the networks; rename one")
    codes = [column for column in left.codes if column in both]
    scores, truths = ([column for column in shape.numbers if column not in codes] for shape in (left, right))
    chosen = [
        place.multiselect(label, options, default=default, key=key, bind="query-params", help=explanation)
        for place, (label, options, default, key, explanation) in zip(
            st.columns(4),
            (
                ("Network", both, codes, "code", "The column with the code; several are joined by colons"),
                ("Score", scores, _only(scores), "scores", "The first is judged, others stand beside it"),
                (
                    "Truth",
                    truths,
                    _only(truths),
                    "truths",
                    "Several are trainings with other seeds: the truth is their mean, and how they differ is its noise",
                ),
                ("Beside", truths, [], "priors", "Columns of the truth's file that cost nothing"),
            ),
            strict=True,
        )
    ]
    return Columns(*map(tuple, chosen))


def _only(columns: list[str]) -> list[str]:
    return columns if len(columns) == 1 else []


@st.cache_resource(show_spinner="Reading the file", max_entries=8)
def _shape(upload: uploads.Upload) -> uploads.Shape:
    return uploads.shape(upload)


@st.cache_resource(show_spinner="Comparing the files", max_entries=4)
def _compare(scores: uploads.Upload, truth: uploads.Upload | None, choice: uploads.Choice) -> Subject:
    return uploads.compare(scores, truth, choice)
