"""docs/recipes.md and `supernet recipe` say what the code does."""

import re
from pathlib import Path
from typing import get_args

import pytest

from toolkit.errors import InputError
from toolkit.methods import METHODS
from toolkit.runs.recipe import SHIPPED, UNSET, Recipe, parse_recipe, read_recipe
from toolkit.runs.reference import annotated, keys, reference
from toolkit.runs.tables import Data, Initial, Probe, Supernet, Training
from toolkit.training.steps import read_pipeline

_TABLES = ("split", "method")


def test_the_page_is_current(root: Path) -> None:
    found = (root / "docs" / "recipes.md").read_text(encoding="utf-8")
    assert found == reference(), "write it anew: python -m toolkit.runs.reference > docs/recipes.md"


@pytest.mark.parametrize("kind", [Recipe, Data, Training, Supernet, Initial, Probe])
def test_every_key_is_explained(kind: type) -> None:
    assert [name for name, _, about in keys(kind) if not about and name not in _TABLES] == []


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.toml")), ids=lambda path: path.stem)
def test_a_printed_recipe_is_the_same_recipe(path: Path, tmp_path: Path) -> None:
    for step in read_pipeline(path).steps:
        tables = step.recipe.model_dump(mode="json", exclude_none=True)
        (tmp_path / "again.toml").write_text(annotated(tables))
        assert read_recipe(tmp_path / "again.toml") == step.recipe


def test_every_default_is_printed() -> None:
    text = annotated({"space": "resnet20", "method": {"name": "spos"}, "data": {"source": "digits"}})
    for name in ("ema", "threads", "groups", "decay_norm", "every_epochs"):
        assert re.search(rf"^(# )?{name} = .*# \w", text, re.MULTILINE), name


@pytest.mark.parametrize(
    "change", ["training.ema=none", "training.epochs=none", "method.paths=none", "data.calibration=none"]
)
def test_none_is_the_default(change: str) -> None:
    key, _, _ = change.partition("=")
    table, name = key.split(".")
    recipe = read_recipe(
        "demo", ["training.ema=0.9", "training.epochs=3", "method.paths=5", "data.calibration=3", change]
    )
    default = read_recipe("demo", ["space=resnet48-mini"])
    expected = type(getattr(default, table)).model_fields[name].default
    assert getattr(getattr(recipe, table), name) == expected


def test_an_unknown_key_is_not_unset_in_silence() -> None:
    with pytest.raises(InputError, match=r"training\.emma: unknown key; did you mean 'ema'"):
        read_recipe("demo", ["training.emma=none"])


def test_a_step_unsets_what_is_common() -> None:
    pipeline = read_pipeline("progressive", ["training.ema=0.9", "step.2.training.ema=none"])
    assert [step.recipe.training.ema for step in pipeline.steps][:3] == [0.9, None, 0.9]


def test_a_needed_key_cannot_be_unset() -> None:
    with pytest.raises(InputError, match="space: missing, but needed"):
        parse_recipe({"space": "none", "method": {"name": "spos"}})


def test_no_option_is_called_what_unsets_it() -> None:
    """`key = "none"` goes back to the default, so an option of that name could never be chosen."""
    options = {name: method.options_type for name, method in METHODS.items()}
    named = {
        f"{method}.{key}"
        for method, kind in options.items()
        for key, field in kind.model_fields.items()
        if UNSET in get_args(field.annotation)
    }
    assert not named
