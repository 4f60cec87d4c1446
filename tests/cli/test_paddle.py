"""`--backend paddle`: the whole main job, commands that change the framework half-way, and life without Paddle."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import tiny
from tests.command import supernet
from tests.networks import backend_on_cpu
from toolkit.candidates import draw_candidates, read_candidates, write_candidates
from toolkit.cli import demo
from toolkit.evaluation.ledger import Ledger
from toolkit.runs.folder import RunFolder
from toolkit.runs.recipe import read_recipe
from toolkit.spaces import get_space

SPACE = get_space("resnet48-mini")
TINY = get_space("resnet48-tiny")


@pytest.fixture
def installed() -> None:
    backend_on_cpu("paddle")


@pytest.mark.usefixtures("installed")
def test_the_demo_is_smaller_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny_steps = ("data.calibration=5300", "training.epochs=1", "training.warmup_epochs=1")
    monkeypatch.setattr(demo, "PADDLE", demo.Size(tiny_steps, 40, probed=False))
    run = RunFolder(tmp_path / "demo")
    outcome = supernet("demo", "--backend", "paddle", "--out", run.path, "--workers", 1)
    assert outcome.status == 0, outcome.err
    assert "40 candidates instead of 45,000" in outcome.out
    assert "--set backend=paddle --out" in outcome.out
    assert "Done" in outcome.out
    assert read_recipe(run.recipe).backend == "paddle"
    assert read_candidates(run.submission, TINY).keys() == read_candidates(run.candidates, TINY).keys()
    assert run.rank.exists()


@pytest.mark.usefixtures("installed")
def test_what_torch_trained_paddle_evaluates(run: RunFolder, tmp_path: Path) -> None:
    """And finds the same, so that nothing is left to do for the other."""
    write_candidates(tmp_path / "candidates.json", draw_candidates(SPACE, 12, 0))
    found = []
    for backend in ("torch", "paddle"):
        run.ledger.unlink(missing_ok=True)
        options = ("--candidates", tmp_path / "candidates.json", "--backend", backend)
        outcome = supernet("evaluate", run.path, *options)
        assert outcome.status == 0, outcome.err
        assert "12 of them evaluated now" in outcome.out
        with Ledger.read(run.ledger) as ledger:
            (holding,) = ledger.settings()
            found.append((holding.setting, ledger.results(holding.setting)))
    assert found[0][0] == found[1][0]
    assert found[0][1].keys() == found[1][1].keys()
    for code, counts in found[0][1].items():
        assert found[1][1][code].loss == pytest.approx(counts.loss, rel=1e-3)
    assert "0 of them evaluated now" in supernet("evaluate", run.path).out


@pytest.mark.usefixtures("installed")
def test_paddle_trains_alone_what_torch_trained_together(run: RunFolder, tmp_path: Path) -> None:
    write_candidates(run.candidates, draw_candidates(SPACE, 3, 0))
    outcome = supernet("standalone", run.path, "--count", 1, "--backend", "paddle", "--set", "training.epochs=1")
    assert outcome.status == 0, outcome.err
    assert len(read_candidates(run.standalone, SPACE)) == 1


WITHOUT = """
import sys
sys.modules["paddle"] = None  # as if it were not there
from app.views import runs, training
from toolkit.cli.main import main
main()
"""


def without_paddle(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", WITHOUT, *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(tiny.ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.mark.parametrize("command", ["train demo", "demo"])
def test_without_paddle_it_says_what_to_install(tmp_path: Path, command: str) -> None:
    done = without_paddle(tmp_path, *command.split(), "--backend", "paddle", "--out", "run")
    assert done.returncode == 1
    assert "pip install 'supernet-toolkit[paddle]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_paddle_everything_else_works(tmp_path: Path) -> None:
    done = without_paddle(tmp_path, "methods")
    assert done.returncode == 0, done.stderr
    assert "spos" in done.stdout
