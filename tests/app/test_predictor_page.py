"""The Predictor page on every kind of run, without a browser."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from app.views import predictor as views
from tests.app import example_run
from tests.app.texts import texts
from toolkit.candidates import read_candidates, write_entries
from toolkit.runs.folder import RunFolder


@pytest.fixture
def open_predictor(open_page: Callable[..., AppTest]) -> Callable[..., AppTest]:
    """Open the page on a folder of runs."""
    return partial(open_page, page="predictor")


def train_alone(run: RunFolder, count: int) -> None:
    """Accuracies that only the first width of the space decides: the supernet of the example knows of none such."""
    space = example_run.space_of(run)
    few = dict(list(read_candidates(run.candidates, space).items())[:count])
    rng = np.random.default_rng(0)
    truth = {key: 0.9 - 0.05 * space.parse(code)[4] + rng.normal() / 500 for key, code in few.items()}
    write_entries(run.standalone, few, truth)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with results of every candidate, 40 of them trained alone; one with nothing; one with too little."""
    folder = tmp_path_factory.mktemp("predictor")
    train_alone(example_run.full(folder / "whole", 300), 40)
    example_run.begin(folder / "empty")
    train_alone(example_run.full(folder / "few", 100), 4)
    return folder


def test_results_and_truths_side_by_side(folder: Path, open_predictor) -> None:
    app = open_predictor(folder, run="whole")
    facts = {metric.label: metric.value for metric in app.metric}
    assert facts["Labelled"] == "300"
    assert facts["Only predicted"] == "0 of 300"
    assert not app.error
    for heading in ("Predicted and labelled", "Agreement against labels", "Which decisions matter", "Train these next"):
        assert heading in texts(app)
    assert "supernet standalone" in texts(app)
    app = open_predictor(folder, run="whole", labels=views.ALONE)
    facts = {metric.label: metric.value for metric in app.metric}
    assert facts["Labelled"] == "40"
    assert facts["Only predicted"] == "260 of 300"
    table = next(frame.value for frame in app.dataframe if "labelled" in frame.value)
    trained = set(views.labels(RunFolder.open(folder / "whole"), None))
    assert dict(zip(table["code"], table["labelled"], strict=True)) == {c: c in trained for c in table["code"]}
    assert table["predicted"].is_monotonic_decreasing
    assert float(facts["Kendall τ, each left out"]) > 0.5


def test_what_decides_is_seen(folder: Path) -> None:
    """The width that decides the truth has the widest curve, and the supernet's own does not show it."""
    run = RunFolder(folder / "whole")
    own, alone = (views.study(run, setting) for setting in views.sources(run).values())
    spread = alone.effects.groupby("decision")["effect"].agg(np.ptp)
    assert spread.idxmax() == "width1"
    assert alone.effects[alone.effects["decision"] == "width1"]["effect"].is_monotonic_decreasing
    assert views.by_reach([alone.effects])[0] == views.by_reach([own.effects.head(0), alone.effects])[0] == "width1"
    assert own.points["code"].is_unique
    assert own.curve["labels"].is_monotonic_increasing
    assert ((own.curve["low"] <= own.curve["tau"]) & (own.curve["tau"] <= own.curve["high"])).all()
    np.testing.assert_allclose(own.points["residual"], own.points["label"] - own.points["predicted"])
    assert own.explained.between(0, 1).all()


def test_the_queue_is_of_networks_not_trained(folder: Path) -> None:
    run = RunFolder(folder / "whole")
    waiting, content = views.queue(run)
    entries = {key: entry["arch"] for key, entry in json.loads(content).items()}
    trained = read_candidates(run.standalone, example_run.space_of(run))
    assert len(waiting) == views.QUEUE
    assert not set(waiting["code"]) & set(trained.values())
    assert list(entries)[:40] == list(trained)
    assert set(waiting["id"]) == set(list(entries)[40:])


def test_what_cannot_be_learned_from_is_said(folder: Path, open_predictor) -> None:
    app = open_predictor(folder, run="few", labels=views.ALONE)
    assert "there are 4 labelled networks; a predictor needs at least 10" in texts(app)
    assert "Train these next" in texts(app)


def test_nothing_yet(folder: Path, open_predictor) -> None:
    assert "No results yet" in texts(open_predictor(folder, run="empty"))
