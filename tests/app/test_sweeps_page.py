"""The Sweeps page on every kind of sweep, without a browser."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.app import example_sweep
from tests.app.texts import texts, verbatim
from toolkit.sweeps.report import PLAN, REPORT


@pytest.fixture
def open_sweeps(open_page: Callable[..., AppTest]) -> Callable[..., AppTest]:
    """Open the page on a folder of runs."""
    return partial(open_page, page="sweeps")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep that is over, one going on, and one of which a run failed."""
    folder = tmp_path_factory.mktemp("sweeps")
    example_sweep.make(folder / "done", example_sweep.report(seeds=(0, 1)))
    example_sweep.make(folder / "live", example_sweep.report(done=2))
    example_sweep.make(folder / "failed", example_sweep.report(seeds=(0,), failed=("sandwich", 0)))
    return folder


def facts(app: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}


def test_a_finished_sweep_is_answered(folder: Path, open_sweeps) -> None:
    app = open_sweeps(folder, sweep="done")
    assert "is highest, but does not lead: Kendall tau" in texts(app)
    assert "For nothing: MACs" in texts(app)
    assert facts(app)["State"] == "finished"
    assert facts(app)["Runs finished"] == "6 of 6"
    assert example_sweep.TOML.strip() in verbatim(app)
    assert app.dataframe[0].value["variant or prior"].tolist()[-1] == "depth"
    assert not app.error


def test_a_sweep_is_followed(folder: Path, open_sweeps) -> None:
    app = open_sweeps(folder, sweep="live")
    assert facts(app)["State"] == "going on"
    assert "7 of 9 runs are still to do" in texts(app)
    assert "12 of 30 epochs" in [str(bar.proto.text) for bar in app.get("progress")]


def test_a_failed_run_says_why(folder: Path, open_sweeps) -> None:
    app = open_sweeps(folder, sweep="failed")
    assert facts(app)["State"] == "1 failed"
    assert "training diverged" in app.error[0].value


def test_the_order_is_in_the_link(folder: Path, open_sweeps) -> None:
    app = open_sweeps(folder, sweep="done", order="As planned")
    assert app.dataframe[0].value["variant or prior"].tolist()[:3] == list(example_sweep.VARIANTS)


def test_choosing_another_sweep_shows_it(folder: Path, open_sweeps) -> None:
    app = open_sweeps(folder, sweep="done")
    app.main.selectbox[0].set_value("failed").run()
    assert app.query_params["sweep"] in ("failed", ["failed"])
    assert facts(app)["State"] == "1 failed"
    assert "not here" in texts(open_sweeps(folder, sweep="gone"))


def test_without_sweeps_the_page_says_how_to_make_one(tmp_path: Path, open_sweeps) -> None:
    assert "supernet sweep SWEEP.toml --out" in texts(open_sweeps(tmp_path))
    assert "supernet sweep SWEEP.toml --out" in texts(open_sweeps(tmp_path / "none"))


@pytest.mark.parametrize("content", [b"", b"\xff garbage" * 40, b"[1]", b'{"format": 1}', b'{"format": 2}'])
def test_a_damaged_report_is_named(tmp_path: Path, content: bytes, open_sweeps) -> None:
    example_sweep.write(tmp_path / "one", example_sweep.report(done=0))
    (tmp_path / "one" / REPORT).write_bytes(content)
    app = open_sweeps(tmp_path)
    assert "sweep.json" in app.error[0].value.replace("\\", "")
    assert "supernet sweep" in app.error[0].value


def test_a_plan_that_is_gone_or_no_text_breaks_nothing(tmp_path: Path, open_sweeps) -> None:
    sweep = tmp_path / "one"
    example_sweep.write(sweep, example_sweep.report(done=0))
    (sweep / PLAN).write_bytes(b"\xff\x00")
    assert not open_sweeps(tmp_path).error
    (sweep / PLAN).unlink()
    assert not open_sweeps(tmp_path).error


def test_a_variant_that_names_another_folder_is_refused(tmp_path: Path, open_sweeps) -> None:
    example_sweep.write(tmp_path / "one", example_sweep.report({"up": 1.0}, (0,)))
    report = tmp_path / "one" / REPORT
    report.write_text(report.read_text().replace('"variant": "up"', '"variant": "../../up"'))
    assert "runs.0.variant" in open_sweeps(tmp_path).error[0].value.replace("\\", "")


def test_names_of_priors_are_shown_as_they_are(tmp_path: Path, open_sweeps) -> None:
    example_sweep.write(tmp_path / "one", example_sweep.report(seeds=(0,)))
    report = tmp_path / "one" / REPORT
    report.write_text(report.read_text().replace('"MACs"', '"![x](http:) *a*"'))
    app = open_sweeps(tmp_path)
    assert not app.error
    assert all("![x](" not in str(element.value) for element in (*app.markdown, *app.caption))


def test_the_page_runs_says_the_same(folder: Path, open_page) -> None:
    app = open_page(folder, "overview")
    assert facts(app)["Runs"] == str(6 + 3 + 3)
    assert facts(app)["Training now"] == "1"
