"""`supernet methods`, `train` and `standalone`: what a user sees, above all when something is wrong."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests import tiny
from tests.command import Outcome, supernet
from toolkit.candidates import draw_candidates, read_candidates, write_candidates
from toolkit.methods import METHODS
from toolkit.runs.folder import RunFolder
from toolkit.runs.recipe import read_recipe
from toolkit.spaces import get_space

SPACE = get_space("resnet48-mini")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a recipe and candidates in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.toml").write_text(tiny.recipe(training={"epochs": 1}).to_toml())
    write_candidates("candidates.json", draw_candidates(SPACE, 20, 0))
    return tmp_path


def refused(outcome: Outcome) -> str:
    """Standard error of a command that found problems: one a line, and nothing else anywhere."""
    assert (outcome.status, outcome.out) == (1, "")
    bars = re.compile(r" *[a-z ]+ ━|[-0-9]{10} [:0-9]{8} ")
    problems = [line for line in outcome.err.splitlines() if line and not bars.match(line)]
    assert problems
    assert all(line.startswith("✗ ") for line in problems), outcome.err
    assert "Traceback" not in outcome.err
    return "\n".join(problems)


def test_methods_are_listed() -> None:
    outcome = supernet("methods")
    assert outcome.status == 0
    assert all(f"{name} " in outcome.out and method.summary in outcome.out for name, method in METHODS.items())


def test_methods_as_json() -> None:
    outcome = supernet("methods", "--json")
    found = json.loads(outcome.out)
    assert outcome.err == ""
    assert list(found) == list(METHODS)
    assert found["sandwich"]["options"]["paths"]["default"] == 4


def test_train_says_where_and_what_next() -> None:
    outcome = supernet("train", "tiny.toml", "--out", "runs/[/a] run", "--set", "seed=7", "--set", "training.lr=0.01")
    assert outcome.status == 0
    assert outcome.out.splitlines() == [
        "Trained: runs/[/a] run/checkpoints/step_00000004.safetensors",
        "Next: supernet evaluate runs/[/a] run --candidates FILE",
    ]
    recipe = read_recipe("runs/[/a] run/recipe.toml")
    assert (recipe.seed, recipe.training.lr, recipe.training.epochs) == (7, 0.01, 1)
    again = supernet("train", "--resume", "--out", "runs/[/a] run")
    assert (again.status, again.out) == (0, outcome.out)


def test_short_options_change_the_recipe(tmp_path: Path) -> None:
    out = tmp_path / "run"
    outcome = supernet("train", "tiny.toml", "--out", out, "--space", "resnet20", "--device", "cpu", "--data", "digits")
    assert outcome.status == 0
    recipe = read_recipe(out / "recipe.toml")
    assert (recipe.space, recipe.device, recipe.data.source) == ("resnet20", "cpu", "digits")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("training.epoch=3", "tiny.toml: training.epoch: unknown key; did you mean 'epochs'?"),
        ("training.epochs=many", "tiny.toml: training.epochs: Input should be a valid integer"),
        ("method.name=sandwhich", "tiny.toml: method.name: unknown method 'sandwhich'; did you mean 'sandwich'?"),
        ("space=resnet84", "tiny.toml: space: unknown space 'resnet84'; did you mean 'resnet48'?"),
        ("backend=troch", "tiny.toml: backend: unknown backend 'troch'; did you mean 'torch'?"),
        ("training.epochs", "--set training.epochs: write key=value"),
        ("device=gpu", "unknown device 'gpu'; there are: auto, cpu, cuda"),
        ("training.batch_size=100000", "batch size 100000: choose from 1 to 133"),
        ("data.calibration=5000", "calibration: 5000 images asked for"),
        ("data.source=digitz", "unknown data 'digitz'; did you mean 'digits'?"),
        ("data.source=cifar10:absent", "absent"),
        ("initial.weights=absent.safetensors", "absent.safetensors: cannot be read"),
        ("initial.weights=tiny.toml", "tiny.toml: damaged, cut off, or no checkpoint"),
        ("training.lr=1e30", "training diverged"),
    ],
)
def test_train_explains_what_is_wrong_and_leaves_nothing(change: str, message: str, folder: Path) -> None:
    diverges = change == "training.lr=1e30"
    outcome = supernet(
        "train", "tiny.toml", "--out", "run", "--set", change, *(diverges * ("--set", "training.ema=0.9"))
    )
    assert message in refused(outcome)
    assert not list(folder.rglob("*.safetensors"))
    assert RunFolder("run").exists() == diverges


@pytest.mark.parametrize("name", ["absent.toml", "dmeo", "candidates.json", "."])
def test_train_without_a_usable_recipe(name: str) -> None:
    assert f"✗ {name}: " in refused(supernet("train", name, "--out", "run"))


def test_train_lists_all_problems() -> None:
    changes = [("--set", change) for change in ("training.epochs=0", "trainin.lr=1", "space=x")]
    problems = refused(supernet("train", "tiny.toml", *(word for change in changes for word in change)))
    assert len(problems.splitlines()) == 3


def image(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


def test_image_folders(folder: Path) -> None:
    """Absent, empty, with one broken image, and then well."""
    options: tuple[Any, ...] = ("train", "tiny.toml", "--out", "run", "--data", "imagefolder:images")
    sizes = ("data.size=8", "data.calibration=2", "data.validation=4", "training.batch_size=4")
    options += tuple(word for size in sizes for word in ("--set", size))
    assert "images" in refused(supernet(*options))
    (folder / "images").mkdir()
    assert "images" in refused(supernet(*options))
    for seed in range(20):
        image(folder / f"images/train/{'ab'[seed % 2]}/{seed}.png", seed)
    broken = folder / "images/train/a/4.png"
    content = broken.read_bytes()
    broken.write_bytes(content[: len(content) // 2])
    assert "images/train/a/4.png" in refused(supernet(*options))
    assert not (folder / "run/recipe.toml").exists()
    assert supernet(*options, "--set", "data.bad_images=skip").status == 0


def test_train_refuses_a_place_that_is_taken(folder: Path, run: RunFolder) -> None:
    before = {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}
    problems = refused(supernet("train", "tiny.toml", "--out", run.path))
    assert problems == f"✗ {run.path}: holds a run already; go on with it by --resume, or choose another --out"
    assert "training.epochs = 2, the recipe given says 1" in refused(
        supernet("train", "tiny.toml", "--resume", "--out", run.path)
    )
    assert "not a run folder" in refused(supernet("train", "--resume", "--out", folder))
    assert "cannot be a run folder" in refused(supernet("train", "tiny.toml", "--out", "tiny.toml"))
    assert {path: path.read_bytes() for path in before} == before


def test_standalone(run: RunFolder) -> None:
    options = ("--candidates", "candidates.json", "--count", "2", "--set", "training.epochs=1")
    outcome = supernet("standalone", run.path, *options)
    assert outcome.status == 0
    assert outcome.out.splitlines()[0] == f"2 candidates trained alone: {run.standalone}"
    truth = read_candidates(run.standalone, SPACE)
    assert truth.items() <= read_candidates("candidates.json", SPACE).items()
    before = run.standalone_ledger.read_bytes()
    assert supernet("standalone", run.path, *options).status == 0
    assert run.standalone_ledger.read_bytes() == before
    assert dict(read_candidates(run.standalone, SPACE)) == dict(truth)


def test_standalone_explains_what_is_wrong(run: RunFolder, folder: Path) -> None:
    assert "not a run folder" in refused(supernet("standalone", folder))
    assert f"{run.candidates}: cannot be read" in refused(supernet("standalone", run.path))
    Path("broken.json").write_text('{"arch1": {"acc": 0.0, "arch": "12"')
    assert "as if cut off" in refused(supernet("standalone", run.path, "--candidates", "broken.json"))
    outcome = supernet("standalone", run.path, "--candidates", "candidates.json", "--set", "training.epoch=1")
    assert "did you mean 'epochs'?" in refused(outcome)
    assert not run.standalone_ledger.exists()
    assert not run.standalone.exists()
