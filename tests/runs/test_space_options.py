"""Options of a space, in a `[space]` table."""

import json
import tomllib
from pathlib import Path

import pytest

from tests import tiny
from toolkit.errors import InputError
from toolkit.runs.folder import RunFolder
from toolkit.runs.recipe import Recipe, moved, parse_recipe, read_recipe
from toolkit.runs.reference import annotated
from toolkit.spaces import SPACES, get_space
from toolkit.training.steps import parse_pipeline
from toolkit.training.trainer import prepare_run

METHOD = {"method": {"name": "spos"}}
PLAIN = parse_recipe({"space": "resnet20", **METHOD})


def projecting(always: bool) -> Recipe:
    return parse_recipe({"space": {"name": "resnet20", "always_project": always}, **METHOD})


def test_a_table_without_options_is_the_name() -> None:
    long = parse_recipe({"space": {"name": "resnet20"}, **METHOD})
    assert long == PLAIN
    assert (long.to_toml(), long.digest) == (PLAIN.to_toml(), PLAIN.digest)
    assert tomllib.loads(long.to_toml())["space"] == "resnet20"


@pytest.mark.parametrize("always", [True, False])
def test_options_come_back_and_reach_the_space(always: bool, tmp_path: Path) -> None:
    recipe = projecting(always)
    assert recipe.space == "resnet20"
    assert tomllib.loads(recipe.to_toml())["space"] == {"name": "resnet20", "always_project": always}
    for number, text in enumerate((recipe.to_toml(), annotated(recipe.model_dump(mode="json", exclude_none=True)))):
        (tmp_path / f"{number}.toml").write_text(text)
        assert read_recipe(tmp_path / f"{number}.toml") == recipe
    assert recipe.derive(get_space("resnet20")).always_project is always  # type: ignore[attr-defined]
    assert recipe.digest != PLAIN.digest
    assert read_recipe("resnet20-fast", [f"space.always_project={str(always).lower()}"]).space_options is not None


def test_every_option_is_a_field_of_its_space() -> None:
    for space in SPACES.values():
        for name, field in space.options_type.model_fields.items():
            assert hasattr(space, name)
            assert field.description
        assert space.options_type.of_supernet <= space.options_type.model_fields.keys()


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        (
            {"space": {"name": "resnet20", "always_projct": True}},
            "r.toml: space.always_projct: unknown key; did you mean",
        ),
        ({"space": {"name": "resnet20", "always_project": 1}}, "r.toml: space.always_project: "),
        ({"space": {"name": "resnet48", "always_project": True}}, "r.toml: space.always_project: unknown key"),
        ({"space": {"name": "resnet21"}}, "r.toml: space: unknown space 'resnet21'"),
        ({"space": {"always_project": True}}, "r.toml: space.name: missing"),
        ({"space": "resnet20", "space_options": {}}, "r.toml: space_options: unknown key"),
        (
            {"space": "resnet20", "supernet": {"always_project": False}},
            "r.toml: supernet.always_project: is an option of the space; in its place write the table [space] with "
            'name = "resnet20" and always_project',
        ),
    ],
)
def test_mistakes_are_named(tables: dict[str, object], message: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_recipe(tables | METHOD, "r.toml")
    assert any(problem.startswith(message) for problem in caught.value.problems), caught.value.problems


# What the version before wrote for `supernet = {"always_project": ..., "groups": 2}`, and its digests.
BEFORE = json.loads((Path(__file__).parent / "always_project.json").read_text())


@pytest.mark.parametrize("case", BEFORE, ids=lambda case: case["name"])
def test_runs_of_before_open(case: dict[str, str], tmp_path: Path) -> None:
    """With the digest that stands in their checkpoints."""
    run = RunFolder(tmp_path)
    run.recipe.write_text(case["recipe"])
    with pytest.raises(InputError, match="is an option of the space"):  # no run, but a recipe to begin with
        read_recipe(run.recipe)
    run.checkpoint(1).parent.mkdir()
    run.checkpoint(1).touch()
    recipe = read_recipe(run.recipe)
    assert recipe.digest == case["digest"]
    assert recipe.space_options is not None
    assert parse_recipe(tomllib.loads(recipe.to_toml())) == recipe


def test_steps_of_before_open() -> None:
    steps = [{"name": "one"}, {"name": "two", "supernet": {"always_project": True, "groups": 2}}]
    tables = {"space": "resnet20", **METHOD, "supernet": {"always_project": False}, "step": steps}
    first, second = (step.recipe for step in parse_pipeline(moved(tables)).steps)
    assert (first.space_options, second.space_options) == (
        projecting(False).space_options,
        projecting(True).space_options,
    )
    assert second.supernet is not None
    assert second.supernet.groups == 2


def test_a_run_with_options_resumes(tmp_path: Path) -> None:
    asked = tiny.recipe(space={"name": "resnet20", "always_project": False})
    run, checkpoint = tiny.train_with_a_break(tmp_path, asked)
    assert prepare_run(None, run.path, resume=True)[0] == asked
    assert checkpoint.read_bytes() == run.latest_checkpoint().read_bytes()
