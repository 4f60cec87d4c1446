"""The Rank correlation page without a browser: every view, every link, and files alone."""

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.app import example_ranking, example_run
from tests.app.texts import texts, verbatim
from toolkit.candidates import read_table
from toolkit.runs.folder import RunFolder

VIEWS = {
    "Trust it": "Given MACs",
    "Who is misjudged": "Each point is one of",
    "What would I get": "worse than picking blindly",
    "Plan": "The ceiling is what a perfect score would reach",
}
FOLDED = {
    "cut": ("Trust it", "ever fewer networks are kept"),
    "sides": ("Trust it", "have all these scores and a truth"),
    "groups": ("Who is misjudged", "Networks sorted by size"),
    "checkpoints": ("Plan", "Each point is a checkpoint"),
}
"""Parts that a link opens: their view, and what they say."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs of one space, and one of another that has a rank report."""
    folder = tmp_path_factory.mktemp("ranking-page")
    example_ranking.cells(folder / "cells", 80)
    example_ranking.cells(folder / "other", 80, seed=1)
    example_run.full(folder / "older", 60)
    return folder


@pytest.fixture
def open_view(open_page: Callable[..., AppTest], folder: Path) -> Callable[..., AppTest]:
    """Open the page by a link."""

    def open_view(where: Path = folder, **query: str | list[str]) -> AppTest:
        return open_page(where, "ranking", **query)

    return open_view


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_opens_by_its_link(view: str, open_view) -> None:
    app = open_view(run="cells", view=view)
    assert VIEWS[view] in texts(app)
    assert "Kendall tau" in texts(app)
    assert not app.error
    others = [words for name, words in VIEWS.items() if name != view] + [words for _, words in FOLDED.values()]
    assert not any(words in texts(app) for words in others)  # nothing is computed that nobody looks at


@pytest.mark.parametrize("part", FOLDED)
def test_every_folded_part_opens_by_its_link(part: str, open_view) -> None:
    view, words = FOLDED[part]
    app = open_view(run="cells", view=view, **{part: "true"})
    assert words in texts(app)
    assert not app.error


def test_a_link_restores_a_view(open_view) -> None:
    app = open_view(run="cells", cut="true", share="20", best="the score")
    assert app.slider(key="share").value == 20
    assert app.segmented_control(key="best").value == "the score"
    judged = example_ranking.SCORE_FILE
    app = open_view(run="cells", view="Who is misjudged", judged=judged, show="Values", hue="MACs", network="arch3")
    assert app.selectbox(key="judged").value == example_ranking.SCORE_FILE
    assert app.selectbox(key="hue").value == "MACs"
    assert app.text_input(key="network").value == "arch3"


def test_a_network_is_opened_by_its_id(open_view, folder: Path) -> None:
    app = open_view(run="cells", view="Who is misjudged", network="arch1")
    code = read_table(RunFolder(folder / "cells").submission).codes["arch1"]
    assert code in verbatim(app)
    assert "networks that differ from it in one choice" in texts(app)
    app.text_input(key="network").set_value("nobody").run()
    assert not app.exception
    assert "No network here has the id or code nobody" in texts(app)


def test_every_cut_reacts(open_view) -> None:
    app = open_view(run="cells", cut="true")
    app.slider(key="share").set_value(1).run()
    assert not app.exception
    assert "too few to say anything" in texts(app)


def test_runs_of_the_same_space_are_offered_and_others_are_not(open_view) -> None:
    app = open_view(run="cells", sides="true")
    offered = app.multiselect(key="beside").options
    assert "other: submission" in offered
    assert not any(name.startswith("older") for name in offered)
    assert app.multiselect(key="beside").value == ["other: submission"]


def test_the_last_report_is_quoted_and_a_damaged_one_named(open_view, tmp_path: Path) -> None:
    run = example_run.full(tmp_path / "run", 60)
    assert "The last `supernet rank`" in texts(open_view(tmp_path))
    run.rank.write_text("{}")
    assert "rank.json" in texts(open_view(tmp_path))


def test_a_file_is_never_held_against_itself(open_view) -> None:
    app = open_view(run="cells", judged=example_ranking.SCORE_FILE, truth=example_ranking.SCORE_FILE)
    assert app.selectbox(key="judged").value == example_ranking.SCORE_FILE
    assert example_ranking.SCORE_FILE not in app.selectbox(key="truth").options


def test_scores_without_a_truth_say_how_to_get_one(open_view, tmp_path: Path) -> None:
    run = example_run.full(tmp_path / "run", 30)
    run.standalone.unlink()
    app = open_view(tmp_path)
    assert "No truth yet" in texts(app)
    assert f"supernet standalone {run.path}" in texts(app)


def test_files_are_asked_for_without_runs_too(open_view, tmp_path: Path) -> None:
    for where, query in ((tmp_path, {}), (None, {"source": "Files"})):
        app = open_view(where, **query) if where else open_view(**query)
        assert [uploader.label for uploader in app.file_uploader] == ["Scores", "Truth"]
        assert "Any two files about the same networks" in texts(app)


def test_uploaded_files_are_compared(open_view, folder: Path) -> None:
    run = RunFolder(folder / "older")
    app = open_view(source="Files")
    app.file_uploader[0].upload("mine.json", run.submission.read_bytes(), "application/json")
    app.file_uploader[1].upload("alone.json", run.standalone.read_bytes(), "application/json")
    app.run()
    assert not app.exception
    assert not app.error
    assert "Kendall tau" in texts(app)


def test_columns_of_a_table_are_chosen(open_view) -> None:
    rows = "\n".join(f"n{i},{i * 7 % 40},{i},{i % 3}" for i in range(40))
    app = open_view(source="Files", scores=["mine"], truths=["alone"])
    app.file_uploader[0].upload("table.csv", f"name,mine,alone,depth\n{rows}\n".encode(), "text/csv")
    app.run()
    assert not app.exception
    assert app.multiselect(key="scores").value == ["mine"]
    assert "on 40 networks" in texts(app)
    assert "No search space of this toolkit accepts the codes" in texts(app)


@pytest.mark.parametrize("view", ["Trust it", "Who is misjudged", "What would I get"])
def test_names_from_files_are_shown_as_they_are(view: str, open_view) -> None:
    hostile = "![x](http://example.org/x.png)"
    rows = "\n".join(f"n{i},{i * 7 % 40},{i},{i % 3}" for i in range(40))
    app = open_view(
        source="Files", scores=["mine"], truths=["alone"], priors=[hostile], view=view, cut="true", sides="true"
    )
    app.file_uploader[0].upload("table.csv", f"name,mine,alone,{hostile}\n{rows}\n".encode(), "text/csv")
    app.run()
    assert not app.exception
    assert app.multiselect(key="priors").value == [hostile]
    said = [element.value for kind in (app.markdown, app.caption, app.header, app.subheader) for element in kind]
    assert not any(hostile in str(words) for words in (*said, *(metric.label for metric in app.metric)))


def test_a_broken_upload_is_explained(open_view) -> None:
    app = open_view(source="Files")
    app.file_uploader[0].upload("cut.json", b'{"arch1": {"acc": 0.5,', "application/json")
    app.run()
    assert not app.exception
    assert "cut.json: is not a table in JSON" in texts(app)
