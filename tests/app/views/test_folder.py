"""What of the dashboard's folder is opened: nothing that lies outside, and one bad folder hides no other."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from app.views import runs as views
from app.views.folder import changed, scan
from app.views.sweeps import named_sweeps, trials
from tests.app import example_run, example_sweep
from tests.app.test_pages import PAGES, texts
from toolkit.errors import InputError
from toolkit.runs.folder import RunFolder


def _bytes_name(folder: Path, _: Path) -> None:
    example_run.begin(Path(os.fsdecode(os.fsencode(folder) + b"/\xff\xfe")))


def _linked_recipe(folder: Path, outside: Path) -> None:
    (folder / "bad").mkdir()
    (folder / "bad" / "recipe.toml").symlink_to(outside / "recipe.toml")


def _linked_folder(folder: Path, outside: Path) -> None:
    (folder / "bad").symlink_to(outside, target_is_directory=True)


def _linked_checkpoints(folder: Path, outside: Path) -> None:
    example_run.begin(folder / "bad")
    (folder / "bad" / "checkpoints").symlink_to(outside, target_is_directory=True)


def _pipe(folder: Path, _: Path) -> None:
    example_run.begin(folder / "bad")
    os.mkfifo(folder / "bad" / "candidates.json")


def _circle(folder: Path, _: Path) -> None:
    example_run.begin(folder / "bad")
    (folder / "bad" / "metrics.jsonl").symlink_to(folder / "bad" / "metrics.jsonl")


BAD = [_bytes_name, _linked_recipe, _linked_folder, _linked_checkpoints, _pipe, _circle]


@pytest.fixture(params=BAD, ids=lambda make: make.__name__.strip("_"))
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A good run, a bad folder beside it, and what lies outside."""
    make: Callable[[Path, Path], None] = request.param
    outside = example_run.begin(tmp_path / "outside" / "secret").path
    (outside / "recipe.toml").write_text("SECRET = 1")
    runs = tmp_path / "runs"
    example_run.begin(runs / "good")
    make(runs, outside)
    return runs


def test_what_leads_outside_is_refused_and_the_others_stay(folder: Path) -> None:
    found = scan(folder)
    assert list(found.runs) == ["good"]
    ((name, problem),) = found.refused.items()
    problem.encode()
    assert name.encode()
    assert any(remedy in problem for remedy in ("rename", "open that folder", "put a copy", "remove it"))


@pytest.mark.parametrize(
    ("folder", "page"),
    [(make, "overview") for make in BAD] + [(_linked_recipe, page) for page in PAGES if page != "overview"],
    indirect=["folder"],
)
def test_no_page_breaks_or_shows_it(page: str, folder: Path, open_page) -> None:
    (bad,) = scan(folder).refused
    app = open_page(folder, page, run=bad)
    said = " ".join(error.value for error in app.error)
    assert "not opened" in said
    assert "SECRET" not in texts(app) + said
    app = open_page(folder, page, run="good")
    assert ("not opened" in " ".join(error.value for error in app.error)) == (page == "overview")


def test_a_folder_that_cannot_be_listed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    example_run.begin(tmp_path / "good")
    (tmp_path / "locked").mkdir()
    scandir = os.scandir

    def refuse(path: Path) -> object:
        if Path(path).name == "locked":  # rights do not stop root, who runs tests in containers
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    found = scan(tmp_path)
    assert list(found.runs) == ["good"]
    assert "Permission denied" in found.refused["locked"]


def test_a_link_within_the_folder_is_followed(tmp_path: Path) -> None:
    run = example_run.begin(tmp_path / "one")
    (tmp_path / "newest").symlink_to(run.path, target_is_directory=True)
    assert set(scan(tmp_path).runs) == {"one", "newest"}


@pytest.mark.parametrize(
    "line",
    [
        "[" * 100_000,
        '{"step": 3, "epoch": 0.3, "x": ' + "[" * 100_000,
        '{"step": 5, "epoch": -1}',
        '{"step": -7, "epoch": 1}',
        '{"step": 5, "epoch": 1e400}',
        '{"step": ' + "9" * 4000 + ', "epoch": 1}',
        '{"step": true, "epoch": "x", "loss": {}}',
    ],
    ids=["deep", "deep inside", "epoch -1", "step -7", "infinite", "digits", "kinds"],
)
@pytest.mark.parametrize("page", ["overview", "training", "interference"])
def test_whatever_a_line_of_metrics_holds_the_pages_stand(line: str, page: str, tmp_path: Path, open_page) -> None:
    run = example_run.begin(tmp_path / "run")
    example_run.train(run, epochs=2)
    with run.metrics.open("a") as file:
        file.write(line + "\n")
    app = open_page(tmp_path, page)
    assert not app.error


def test_a_run_that_nobody_can_read_is_a_card_that_says_so(
    tmp_path: Path, open_page, monkeypatch: pytest.MonkeyPatch
) -> None:
    example_run.begin(tmp_path / "good")
    example_run.begin(tmp_path / "bad")
    count = views.training.curves

    def break_down(run: RunFolder) -> object:
        if run.name == "bad":
            raise RecursionError("too deep")
        return count(run)

    monkeypatch.setattr(views.training, "curves", break_down)
    app = open_page(tmp_path, "overview")
    assert "RecursionError" in " ".join(error.value for error in app.error)
    assert {metric.label: metric.value for metric in app.metric}["Runs"] == "2"


def test_a_sweep_reads_no_run_outside(tmp_path: Path) -> None:
    report = example_sweep.report(done=1)
    sweep = example_sweep.make(tmp_path / "runs" / "sweep", report)
    assert named_sweeps(tmp_path / "runs")
    place = sweep / report.runs[-1].folder
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(example_run.begin(tmp_path / "outside").path, target_is_directory=True)
    with pytest.raises(InputError, match="outside"):
        trials(report, sweep, {})
    (sweep / "sweep.toml").unlink(missing_ok=True)
    (sweep / "sweep.toml").symlink_to("/etc/hostname")
    assert not named_sweeps(tmp_path / "runs")


def test_reading_a_ledger_changes_no_run(own_run: RunFolder) -> None:
    before = changed(own_run)
    own_run.path.joinpath("ledger.sqlite-shm").write_bytes(b"\0" * 32)
    assert changed(own_run) == before
