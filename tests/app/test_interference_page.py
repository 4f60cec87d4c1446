"""The Interference page on every kind of run, without a browser."""

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from app import text
from tests.app import example_interference, example_run
from tests.app.texts import texts
from toolkit.interference.table import (
    MEASURES,
    Row,
    add_probe,
    as_frame,
    read_interference,
    write_interference,
)
from toolkit.runs.folder import RunFolder

VIEWS = ("Block", "Along the network", "Paths", "Ranking error", "Split", "Compare runs")


@pytest.fixture
def open_interference(open_page: Callable[..., AppTest]) -> Callable[..., AppTest]:
    """Open the page on a folder of runs."""
    return partial(open_page, page="interference")


@pytest.fixture
def runs(probed_run: RunFolder, tmp_path: Path) -> Path:
    """`probed`, and what a test adds."""
    shutil.copytree(probed_run.path, tmp_path / "probed")
    return tmp_path


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_of_a_run(view: str, probed_run: RunFolder, open_interference) -> None:
    app = open_interference(probed_run.path.parent, part=view)
    assert not app.error
    assert "Least agreement in block 3.7" in texts(app)
    assert "GM-NAS" in texts(app)  # the source of the measure


def test_a_run_without_measurements_says_how_to_get_some(
    begun_run: RunFolder, own_run: RunFolder, open_interference
) -> None:
    said = texts(open_interference(begun_run.path.parent))
    assert "supernet train --resume --out" in said  # there is no checkpoint yet
    assert "supernet probe" in said
    assert "supernet train" not in texts(open_interference(own_run.path.parent))
    assert "supernet demo --out" in texts(open_interference(begun_run.path / "nothing"))


def test_a_damaged_table_is_named(runs: Path, open_interference) -> None:
    (runs / "probed" / "interference.parquet").write_bytes(b"garbage")
    app = open_interference(runs)
    assert "interference.parquet: damaged" in app.error[0].value.replace("\\", "")


def test_every_measure(probed_run: RunFolder, open_interference) -> None:
    app = open_interference(probed_run.path.parent, block="3.1", part="Split")
    assert len(app.selectbox(key="measure").options) == len(example_interference.BLOCKWISE)
    for measure in example_interference.BLOCKWISE[1::2]:
        app.selectbox(key="measure").set_value(measure).run()
        assert not app.exception
        assert not app.error
        assert text.plain(MEASURES[measure].definition).replace("\\", "") in texts(app)


def test_a_table_of_another_network_is_named(tmp_path: Path, open_interference) -> None:
    run = example_run.begin(tmp_path / "run")
    add_probe(run.interference, as_frame([Row("feature_kl", 0.4, 0.01, 8, 999)], 10, 1.0))
    app = open_interference(tmp_path)
    assert "belongs to another run" in app.error[0].value


def test_a_table_about_other_decisions_is_named(runs: Path, open_interference) -> None:
    other = example_run.begin(runs / "cells", space="nasbench201")
    example_interference.probe(other, epochs=(30,))
    shutil.copy(other.interference, RunFolder(runs / "probed").interference)  # its 20 blocks would fit into 25
    app = open_interference(runs, run="probed")
    assert "which resnet48-mini does not have; it belongs to another run" in app.error[0].value.replace("\\", "")


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.999])
def test_a_truncated_table_is_named(share: float, runs: Path, open_interference) -> None:
    path = RunFolder(runs / "probed").interference
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    for view in ("Block", "Split"):
        app = open_interference(runs, part=view)
        assert "interference.parquet: damaged" in app.error[0].value.replace("\\", "")


@pytest.mark.parametrize("place", ["../../etc/passwd", "<b>x</b>", "\x00", "9" * 5000])
def test_links_lead_nowhere_else(place: str, runs: Path, open_interference) -> None:
    named = dict.fromkeys(
        ("measure", "at", "block", "other", "part", "contrast", "decision", "split", "against"), place
    )
    app = open_interference(runs, **named)
    assert not app.error
    assert "Least agreement in block 3.7" in texts(app)
    app = open_interference(runs, run=place, **named)
    assert not app.error
    assert "There is no run" in texts(app)


@pytest.mark.parametrize("measure", ["times_trained", "feature_kl", "conflict_rate"])
def test_a_block_whatever_the_measure_says_of_it(measure: str, probed_run: RunFolder, open_interference) -> None:
    said = texts(open_interference(probed_run.path.parent, block="3.1", measure=text.sentence(MEASURES[measure].label)))
    assert ("Slices of channels" in said) == (measure == "times_trained")
    assert ("no number for branches" in said) == (measure == "feature_kl")
    assert "Everything measured of this block" in said


def test_a_link_shows_the_same_again(probed_run: RunFolder, open_interference) -> None:
    app = open_interference(
        probed_run.path.parent,
        measure="Conflict rate",
        block="2.2",
        at="step 120 (epoch 12)",
        part="Block",
        contrast="false",
    )
    assert app.selectbox(key="measure").value == "conflict_rate"
    assert app.selectbox(key="block").value == "2.2"
    assert not app.toggle(key="contrast").value
    assert "Measured after step 120" in texts(app)
    assert "in block 2.2" in texts(app)


def test_a_measure_that_came_later_has_nothing_to_show_before(tmp_path: Path, open_interference) -> None:
    run = example_run.begin(tmp_path / "run")
    rows = [Row("sign_flips", 0.4, 0.01, 8, block) for block in range(3)]
    add_probe(run.interference, as_frame([Row("feature_kl", 0.4, 0.01, 8, 1)], 10, 1.0))
    add_probe(run.interference, as_frame(rows, 20, 2.0))
    for part in VIEWS:
        said = texts(open_interference(tmp_path, measure="Sign flips", at="step 10 (epoch 1)", part=part))
        assert "was not measured yet" in said
        assert "No block has a number" in said


def test_a_decision_that_another_block_does_not_have_is_dropped(probed_run: RunFolder, open_interference) -> None:
    app = open_interference(probed_run.path.parent, block="3.7", decision="depth3")
    app.selectbox(key="block").set_value("1.1").run()
    assert not app.exception
    assert "in block 1.1" in texts(app)


def test_two_runs_beside_each_other(runs: Path, open_interference) -> None:
    calm = example_run.begin(runs / "calm", seed=1)
    example_interference.probe(calm, seed=1, calm=0.8)
    for view in VIEWS[:2]:
        app = open_interference(runs, run="probed", part=view, other="calm")
        assert "calm less probed" in texts(app)


def test_what_cannot_stand_beside_says_why(runs: Path, open_interference) -> None:
    example_run.begin(runs / "bare")
    other = example_run.begin(runs / "cells", space="nasbench201")
    example_interference.probe(other, epochs=(30,))
    poor = example_run.begin(runs / "poor")
    shutil.copy(other.interference, poor.interference)
    poor.interference.write_bytes(b"garbage")
    app = open_interference(runs, run="probed")
    for name, said in {"bare": "supernet probe", "cells": "their blocks differ", "poor": "damaged"}.items():
        app.selectbox(key="other").set_value(name).run()
        assert not app.exception
        assert said in texts(app)


def test_a_choice_that_another_space_does_not_have_is_dropped(runs: Path, open_interference) -> None:
    example_interference.probe(example_run.begin(runs / "cells", space="nasbench201"), epochs=(30,))
    app = open_interference(runs, run="probed", block="4.5")
    app.sidebar.selectbox[0].set_value("cells").run()
    assert not app.exception
    assert app.selectbox(key="block").value != "4.5"


def test_no_relation_is_said_to_be_none(probed_run: RunFolder, open_interference) -> None:
    said = texts(open_interference(probed_run.path.parent, part="Ranking error"))
    assert "Kendall tau" in said
    assert "interference is not where the error is" in said  # nothing in the example ties them


def test_without_a_truth_the_ranking_error_says_what_to_do(runs: Path, open_interference) -> None:
    RunFolder(runs / "probed").standalone.unlink()
    assert "supernet standalone" in texts(open_interference(runs, part="Ranking error"))


def test_a_table_older_than_what_splits_rest_on(runs: Path, open_interference) -> None:
    run = RunFolder(runs / "probed")
    table = read_interference(run.interference)
    write_interference(run.interference, table[table["measure"] != "split_conflict"])
    said = texts(open_interference(runs, part="Split"))
    assert "No split to suggest yet" in said
    assert "supernet probe" in said


def test_splits_that_would_end_nothing_cannot_be_chosen(runs: Path, open_interference) -> None:
    run = RunFolder(runs / "probed")
    table = read_interference(run.interference)
    idle = table["measure"].eq("split_conflict")
    write_interference(
        run.interference, table.assign(value=table["value"].mask(idle & (table["decision"] != "width3")))
    )
    assert open_interference(runs, part="Split").selectbox(key="split").options == ["width3"]
    write_interference(run.interference, table.assign(value=table["value"].mask(idle)))
    assert "share weights that a split would copy" in texts(open_interference(runs, part="Split"))


def test_one_probe_has_no_course(tmp_path: Path, open_interference) -> None:
    example_interference.probe(example_run.begin(tmp_path / "one"), epochs=(30,))
    assert "One probe so far" in texts(open_interference(tmp_path))
