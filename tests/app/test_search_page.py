"""The Search page on every kind of run, without a browser."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from app.figures.training import shown
from app.views import search as views
from app.views.training import curves
from tests import tiny
from tests.app import example_run, example_search
from tests.app.texts import texts
from toolkit.candidates import write_entries
from toolkit.runs.folder import RunFolder
from toolkit.runs.metrics import MetricLog
from toolkit.runs.recipe import parse_recipe
from toolkit.spaces import get_space
from toolkit.spaces.mixtures import Mixable

SPACE = get_space("resnet48-mini")


@pytest.fixture
def open_search(open_page: Callable[..., AppTest]) -> Callable[..., AppTest]:
    return partial(open_page, page="search")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with a learned policy, one with a search by a policy, one with nothing."""
    folder = tmp_path_factory.mktemp("search")
    method = {"name": "wpnas", "samples": 2, "warmup": 0.0, "held_out": 0.3}
    tiny.train_new(folder / "learned", tiny.recipe(method=method, training={"batch_size": 16, "epochs": 1}))
    example_search.searched(example_run.begin(folder / "searched"))
    example_run.begin(folder / "empty")
    return folder


def test_a_learned_policy(folder: Path, open_search) -> None:
    app = open_search(folder, run="learned")
    assert not app.error
    for words in ("Learned in training", "Who is decided", "The last ", "The most probable network", "reconstruction"):
        assert words in texts(app)
    run = RunFolder(folder / "learned")
    shares = views.entropies(curves(run), SPACE)
    assert set(shares) == {decision.name for decision in SPACE.decisions if len(decision.options) > 1}
    assert (shares > 0.99).all().all()
    assert (shares <= 1.0001).all().all()
    learned = views.learned(run)
    assert learned is not None
    assert learned.probabilities.groupby("decision")["p"].sum().to_numpy() == pytest.approx(1)
    assert len(learned.advantages) > 0
    assert views.derived(run) == learned.code
    assert "Derived in training" not in texts(app), "it is drawn already"


def test_what_importance_leaves_of_the_samples() -> None:
    table = pd.DataFrame(
        {
            "step": [1, 2],
            "loss": [1.0, 1.0],
            "samples": [8.0, 4.0],
            "distinct_share": [0.5, 1.0],
            "effective_samples": 2.0,
        }
    )
    found = views.rewards(table)
    assert found["distinct_samples"].tolist() == [4.0, 4.0]
    assert list(found) == ["samples", "distinct_samples", "effective_samples"]
    assert not list(views.rewards(table[["step", "loss"]]))


def test_a_search(folder: Path, open_search) -> None:
    app = open_search(folder, run="searched")
    assert not app.error
    facts = {metric.label: metric.value for metric in app.metric}
    assert facts["Scored"] == "160"
    assert "--choose first --count 5" in texts(app)
    assert "What the policy proposes" in texts(app)
    found = views.found(RunFolder(folder / "searched"))
    assert found is not None
    assert found.table["score"].is_monotonic_decreasing
    front = found.table[found.table["front"]].sort_values("macs")
    assert front["score"].is_monotonic_increasing
    assert found.table["front"].iloc[0]


def test_nothing_yet(folder: Path, open_search) -> None:
    app = open_search(folder, run="empty")
    assert "supernet search" in texts(app)
    assert not app.error


@pytest.mark.parametrize("name", ["search.json", "search.rounds.jsonl", "search.policy.json"])
def test_a_damaged_file_is_named(name: str, tmp_path: Path, open_search) -> None:
    run = example_run.begin(tmp_path / "run")
    example_search.searched(run)
    (run.path / name).write_bytes(b"\xff garbage\n")
    app = open_search(tmp_path, run="run")
    assert name in " ".join(error.value for error in app.error).replace("\\", "")


@pytest.mark.parametrize(
    ("name", "kinds"),
    [("darts", ("normal", "reduce")), ("nasbench201", ("cell",)), ("nasbench-macro", ("positions",))],
)
def test_what_a_mixture_came_to(name: str, kinds: tuple[str, ...], folder: Path, open_search) -> None:
    space = cast(Mixable, get_space(name))
    run = RunFolder(folder / f"derived-{name}")
    run.path.mkdir()
    recipe = parse_recipe({"space": name, "method": {"name": "darts"}, "data": {"source": "digits"}})
    run.recipe.write_text(recipe.to_toml())
    log, rng = MetricLog(run), np.random.default_rng(0)
    for epoch in (1, 2, 3):
        log.write(10 * epoch - 5, epoch - 0.5, loss=1.0)
        arch = space.sample(rng)
        log.write(10 * epoch, epoch, loss=1.0, **{f"share.{name}": x for name, x in space.shares(arch).items()})
    log.close()
    write_entries(run.derived, {"derived": space.format(arch)}, {"derived": 0.0})
    found = views.shares(curves(run))
    assert tuple(found) == kinds
    for kind, table in found.items():
        assert list(table.index) == [1, 2, 3]
        assert table.sum(axis=1).to_numpy() == pytest.approx(1)
        for operation in table:
            assert table.loc[3, operation] == space.shares(arch)[f"{kind}.{operation}"]
    assert views.derived(run) == space.format(arch)
    assert not any(panel.startswith("share.") for panel in shown({"derived": curves(run)}))
    app = open_search(folder, run=run.path.name)
    assert not app.error
    for words in ("Derived in training", "Skips that take over", "The candidate that it came to"):
        assert words in texts(app)
    run.derived.write_text("[]")
    assert "The derived candidate cannot be shown" in texts(open_search(folder, run=run.path.name))
