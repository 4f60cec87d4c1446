import pytest

from app.views.decisions import flows
from tests.app.test_pages import texts
from toolkit.runs.folder import RunFolder


def test_the_page_says_what_decides_the_score(full_run: RunFolder, open_page) -> None:
    app = open_page(full_run.path.parent, "decisions")
    assert not app.error
    assert "of the score" in texts(app)
    assert "300 of 300 networks" in texts(app)


def test_a_decision_is_chosen_by_link_and_a_truth_is_no_must(full_run: RunFolder, open_page) -> None:
    app = open_page(full_run.path.parent, "decisions", truth="none", decision="depth4")
    assert not app.exception
    assert app.selectbox(key="truth").value == "none"


@pytest.mark.parametrize("said", [None, 7, {"x": 3}, {flows.SCORE: ["highest"]}])
def test_whatever_the_browser_says_is_brushed(said: object, monkeypatch: pytest.MonkeyPatch) -> None:
    from app import parallel

    monkeypatch.setattr(parallel.st, "session_state", {parallel.KEY: {"brush": said}})
    assert parallel.brush() in ({}, {flows.SCORE: ["highest"]})


def test_a_run_just_begun_says_what_comes_next(begun_run: RunFolder, open_page) -> None:
    assert "supernet evaluate" in texts(open_page(begun_run.path.parent, "decisions"))
