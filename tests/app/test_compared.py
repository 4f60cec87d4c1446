"""Several runs side by side on the pages that compare them, without a browser."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from app.views import agreement as views
from app.views import candidates
from app.views.decisions import additive
from app.views.decisions.scored import Scored, against
from app.views.decisions.words import beside
from tests.app import example_run
from tests.app.texts import texts
from tests.app.views.decisions.test_additive import scored
from toolkit.runs.folder import RunFolder

PAGES = ("candidates", "decisions", "predictor")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs with results of the same candidates, one of another space, one without results."""
    folder = tmp_path_factory.mktemp("compared")
    example_run.full(folder / "alpha", 300)
    example_run.full(folder / "bravo", 300, "sandwich", luck=1)
    stranger = example_run.begin(folder / "stranger", space="resnet20")
    example_run.train(stranger, epochs=1)
    example_run.evaluate(stranger, 30)
    example_run.begin(folder / "empty")
    return folder


@pytest.mark.parametrize("page", PAGES)
def test_what_is_ticked_stands_beside_the_run(page: str, folder: Path, open_page) -> None:
    def said(**query: str | list[str]) -> str:
        app = open_page(folder, page, run="alpha", **query)
        assert not app.error
        assert not app.info
        return texts(app) + "".join(str(table.value) for table in app.dataframe)

    assert "bravo" not in said()
    assert "bravo" in said(compare=["bravo"])


@pytest.mark.parametrize("page", PAGES)
def test_what_cannot_be_compared_is_said_and_hides_nothing(page: str, folder: Path, open_page) -> None:
    app = open_page(folder, page, run="alpha", compare=["stranger", "empty", "bravo"])
    assert "stranger is a run on resnet20, this one on resnet48-mini" in texts(app)
    assert "empty has no" in texts(app)
    assert not app.error
    assert "bravo" in texts(app) + "".join(str(table.value) for table in app.dataframe)


def test_one_of_several_is_chosen_by_the_link(open_page, tmp_path: Path) -> None:
    for name, luck in (("a", None), ("b", 1), ("c", 2)):
        example_run.full(tmp_path / name, 60, luck=luck)
    app = open_page(tmp_path, "candidates", run="a", compare=["b", "c"], beside_run="c")
    assert app.selectbox(key="beside_run").value == "c"
    for other in ("b", "c"):
        assert f"a and {other} agree with Kendall tau" in texts(app)


def results(run: RunFolder) -> tuple[pd.DataFrame, pd.DataFrame]:
    found = candidates.results(run, candidates.settings(run)[0].setting)
    return candidates.joined(candidates.architectures(run), found), found


def test_agreement_of_a_run_with_itself_and_with_its_reverse(folder: Path) -> None:
    frame, own = results(RunFolder(folder / "alpha"))
    score = candidates.SCORES["Loss"]
    same = views.both(views.Two(frame, own, score))
    assert same is not None
    assert same.tau.tau == 1
    assert same.kept == same.best == 30
    assert (same.table["moved"] == 0).all()
    reverse = views.both(views.Two(frame, own.assign(loss=-own["loss"]), score))
    assert reverse is not None
    assert reverse.tau.tau == -1
    assert reverse.kept == 0
    best = frame["loss"].idxmin()
    assert reverse.table.loc[best, "moved"] == 1 - 300  # the first comes last
    moved = views.movers(reverse, 5)
    assert len(moved) == 10
    assert moved["moved"].abs().is_monotonic_decreasing
    assert set(moved["moved"].abs()) == {291, 293, 295, 297, 299}


def test_too_few_candidates_in_common_are_not_compared(folder: Path) -> None:
    frame, own = results(RunFolder(folder / "alpha"))
    assert views.both(views.Two(frame, own.head(2), candidates.SCORES["Top-1"])) is None


def test_where_two_runs_differ_is_found() -> None:
    """The other run's score is the own one's, but for one decision."""
    rng = np.random.default_rng(0)
    own = scored(2000, lambda answers, _: answers.sum(1) + rng.normal(0, 0.5, len(answers)))
    flattered = own.score + 2.0 * own.answers[:, 5]
    other = Scored(own.space, own.codes[::-1], own.ids[::-1], own.answers[::-1], flattered[::-1], own.truth)
    both = against(own, other)
    np.testing.assert_array_equal(both.truth, flattered)
    fits = additive.fits(both)
    name = own.space.decisions[5].name
    assert fits[additive.MISJUDGED].importance["decision"].iloc[0] == name
    assert beside("own", "other", fits).startswith(f"own and other differ most on {name} (")
    assert "score all networks alike" in beside("own", "other", additive.fits(against(own, own)))
    few = Scored(own.space, own.codes[:20], own.ids[:20], own.answers[:20], own.score[:20], own.truth[:20])
    assert "too few networks in common" in beside("own", "other", additive.fits(against(own, few)))
