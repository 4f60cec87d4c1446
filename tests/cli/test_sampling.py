"""`supernet sampling`, and `supernet train --candidates`."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests import tiny
from tests.command import supernet
from tests.sampling.drawing import sampler
from toolkit.candidates import draw_candidates, write_candidates, write_entries
from toolkit.runs.recipe import Recipe
from toolkit.sampling import SAMPLERS
from toolkit.spaces import get_space

SPACE = get_space("resnet48-mini")
Use = Callable[..., None]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.toml").write_text(tiny.recipe(training={"epochs": 1}).to_toml())
    write_candidates("candidates.json", draw_candidates(SPACE, 300, 0))
    return tmp_path


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Use:
    """Make recipes draw by another sampler, whatever their method can do."""

    def replace(name: str, **options: object) -> None:
        method = SimpleNamespace(sampler=sampler(SPACE, name, **options), draws=True)
        monkeypatch.setattr(Recipe, "make_method", lambda *_: method)

    return replace


def test_samplers_are_listed() -> None:
    outcome = supernet("sampling")
    assert outcome.status == 0
    assert all(f"{name} " in outcome.out and kind.summary in outcome.out for name, kind in SAMPLERS.items())
    listed = json.loads(supernet("sampling", "--json").out)
    assert list(listed) == list(SAMPLERS)
    assert listed["balanced"]["options"]["among"]["default"] == 3


def test_each_step_of_a_recipe_is_compared(folder: Path) -> None:
    steps = '[[step]]\nname = "largest"\nmethod.name = "largest"\n\n[[step]]\nname = "shared"\n'
    (folder / "steps.toml").write_text(f'space = "{SPACE.name}"\nmethod.name = "spos"\n{steps}')
    outcome = supernet("sampling", "steps.toml", "--candidates", "candidates.json", "--draws", "100")
    assert (outcome.status, outcome.err) == (0, "")
    assert re.findall(r"^step \d of 2: \w+$", outcome.out, re.M) == ["step 1 of 2: largest", "step 2 of 2: shared"]
    arguments = ("sampling", "steps.toml", "--candidates", "candidates.json", "--draws", "100", "--json")
    largest, shared = json.loads(supernet(*arguments).out)
    assert largest is None, "it draws no paths"
    assert "The method draws no paths" in outcome.out
    assert shared["sampler"] == "uniform"


def test_what_is_far_is_named(use: Use) -> None:
    use("shrinking", depths=[0.9], widths=[0.95])
    outcome = supernet("sampling", "tiny.toml", "--candidates", "candidates.json", "--draws", "400")
    assert (outcome.status, outcome.err) == (0, "")
    *table, sentence = outcome.out.splitlines()
    assert len(table) == 1 + len(SPACE.decisions)
    assert re.search(r"^depth3 +0\.\d{3} +0\.\d{3} +8: \d\d%, not \d\d% +\d: \d%, not \d\d% *$", "\n".join(table), re.M)
    assert sentence.startswith("Paths drawn (shrinking, 400) against 300 candidates: options differ by 0.")
    assert ", most in " in sentence
    assert "Kolmogorov-Smirnov distance 0." in sentence


def test_as_json(use: Use) -> None:
    use("attentive", table=100)
    outcome = supernet("sampling", "tiny.toml", "--candidates", "candidates.json", "--draws", "200", "--json")
    found = json.loads(outcome.out)
    assert (found["sampler"], found["draws"], found["candidates"]) == ("attentive", 200, 300)
    assert found["before_loss"] is True
    assert len(found["shifts"]) == 31
    assert outcome.err == ""


def test_the_same_distribution(use: Use) -> None:
    use("uniform")
    outcome = supernet("sampling", "tiny.toml", "--candidates", "candidates.json", "--draws", "1000")
    assert "(total variation; by chance 0.0" in outcome.out
    assert "The choice by loss" not in outcome.out


def test_train_says_it_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("toolkit.verbs.recipes.compare_recipe", lambda recipe, path: (recipe.space, path))
    monkeypatch.setattr("toolkit.cli.sampling.words", lambda found: f"compared: {found[0]} {found[1]}")
    monkeypatch.setattr("toolkit.verbs.training.train_pipeline", lambda *_: Path("run/last"))
    outcome = supernet("train", "tiny.toml", "--out", "run", "--candidates", "candidates.json")
    assert outcome.out.splitlines()[:2] == ["compared: resnet48-mini candidates.json", "Trained: run/last"]


def test_what_cannot_be_compared_is_said_before_any_training(folder: Path) -> None:
    write_entries("others.json", {"a": "8:8:8:8:8"}, {"a": 0.0})
    for arguments, message in {
        ("sampling", "tiny.toml", "--candidates", "absent.json"): "absent.json: cannot be read",
        ("train", "tiny.toml", "--out", "run", "--candidates", "others.json"): "is not in space resnet48-mini",
        ("sampling", "absent.toml", "--candidates", "candidates.json"): "absent.toml: no such recipe",
    }.items():
        outcome = supernet(*arguments)
        assert (outcome.status, outcome.out) == (1, "")
        assert message in outcome.err
    assert not list(folder.glob("run/*"))
    assert supernet("sampling", "tiny.toml").status == 2
