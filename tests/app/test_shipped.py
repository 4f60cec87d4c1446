"""What a newcomer sees: the results that come with the toolkit, with a real truth beside them."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from app.pages import page_file
from app.views.folder import scan
from app.views.ranking import sources
from tests.app import example_run
from tests.app.test_pages import texts
from toolkit.spaces import get_space


@pytest.fixture
def newcomer(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """`streamlit run app/main.py` in a folder without runs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SUPERNET_RUNS", raising=False)
    monkeypatch.setattr("sys.argv", ["main.py"])
    return AppTest.from_file(str(root / "app" / "script.py"), default_timeout=120)


def test_a_fresh_clone_opens_on_the_shipped_results(newcomer: AppTest) -> None:
    app = newcomer.run()
    assert not app.error
    assert not app.exception
    assert "steps, without a log" in texts(app)
    assert "0 of 20 epochs" not in texts(app)
    assert "predictions" in texts(app)
    assert "0.76 [0.7" in texts(app)  # docs/results.md, `resnet20-guided` on all 500
    app.switch_page(page_file("ranking")).run()
    assert not app.exception
    assert not app.error
    assert app.selectbox(key="judged").value == "predictions"
    assert app.selectbox(key="truth").value == "truth/resnet20_cifar100_first500"
    assert "on 500 networks" in texts(app)
    assert "ranks better than MACs" in texts(app).replace("\\", "")


def test_with_a_run_of_ones_own_it_opens_on_that(newcomer: AppTest) -> None:
    example_run.begin(Path("runs") / "mine")
    app = newcomer.run()
    assert app.sidebar.selectbox[0].options == ["mine"]


def test_the_truth_may_be_shipped(root: Path) -> None:
    notice = (root / "results" / "truth" / "NOTICE").read_text()
    for path in (root / "results" / "truth").glob("*.json"):
        assert path.name in notice
    assert "Apache License, Version 2.0" in notice
    assert "Version 2.0" in (root / "LICENSE").read_text()


def test_files_beside_the_runs_are_offered_where_they_fit(root: Path) -> None:
    folder = root / "results"
    found = sources.shared_files(folder, get_space("resnet20"))
    scores = {"blend/predictions", "blend/zen", "resnet20-labels/predictions"}
    assert scores | {"truth/resnet20_cifar100_first500"} == set(found)
    assert sources.shared_files(folder, get_space("resnet48")) == {}
    run = scan(folder).runs["resnet20-fast"]
    truths = sources.truths(run, found)
    assert next(iter(truths)).startswith("truth/")
    assert list(sources.scores(run, [], {}, found))[-1].startswith("truth/")
    for judged in truths.values():
        assert judged not in sources.others(truths, judged).values()
