"""Recipes in steps: one file, several runs, each going on with the weights of the one before."""

import shutil
import signal
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests import tiny
from toolkit.backends.weights import trunk_of
from toolkit.errors import InputError, Stopped
from toolkit.runs.checkpoint import load_checkpoint
from toolkit.runs.folder import RunFolder, find_runs
from toolkit.runs.metrics import read_metrics
from toolkit.runs.recipe import merge_tables, parse_recipe, read_recipe
from toolkit.spaces.grouping import parted
from toolkit.training.steps import Pipeline, parse_pipeline, prepare_pipeline, read_pipeline, train_pipeline

RECIPE = """
space = "resnet48-mini"

[data]
calibration = 1700
validation = 64

[method]
name = "progressive"
paths = 2

[training]
epochs = 2
batch_size = 16
lr = 0.05
warmup_epochs = 0

[initial]
reorder_channels = true

[[step]]
name = "largest"
method.name = "largest"

[[step]]
name = "shared"
supernet.activation = "prelu"
initial.slope = 0.0

[[step]]
name = "groups"
training.lr = 0.01
training.ema = 0.9
method.teacher = "frozen"
supernet = { activation = "prelu", groups = 2 }

[[step]]
name = "widths"
training.lr = 0.01
supernet = { activation = "prelu", groups = "widths" }
"""
TABLES = tomllib.loads(RECIPE)
PIPELINE = parse_pipeline(TABLES)
FOLDERS = ["steps/1-largest", "steps/2-shared", "steps/3-groups", ""]


class Killed(Exception):  # noqa: N818 (it is one)
    """Ends a training at once; nothing is saved on the way out."""


def begin(path: Path, pipeline: Pipeline = PIPELINE, **stop: Any) -> Path:
    """A new run, trained until `stop` says."""
    return train_pipeline(prepare_pipeline(pipeline, path, resume=False), path, **stop)


def resume(path: Path) -> Path:
    return train_pipeline(prepare_pipeline(None, path, resume=True), path)


def die_at(title: str, step: int) -> Any:
    def progress(what: str, done: int, total: int) -> None:
        if (what, done) == (title, step):
            raise Killed

    return progress


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """All steps in one go; not to be written to."""
    path = tmp_path_factory.mktemp("straight") / "run"
    begin(path)
    return RunFolder(path)


def assert_same(path: Path, straight: RunFolder) -> None:
    for folder in FOLDERS:
        own, other = RunFolder(path / folder), RunFolder(straight.path / folder)
        assert own.recipe.read_bytes() == other.recipe.read_bytes()
        assert own.latest_checkpoint().read_bytes() == other.latest_checkpoint().read_bytes()
        written = [record["step"] for record in read_metrics(own)]
        assert {2, 4} <= set(written)
        assert written == sorted(set(written))


def problems(changes: dict[str, Any], *steps: dict[str, Any]) -> list[str]:
    with pytest.raises(InputError) as caught:
        parse_pipeline(TABLES | changes | ({"step": list(steps)} if steps else {}), "r.toml")
    return list(caught.value.problems)


def test_every_step_is_a_run_and_the_last_one_is_the_run_itself(straight: RunFolder) -> None:
    assert [step.folder for step in PIPELINE.steps] == FOLDERS
    assert [step.title for step in PIPELINE.steps] == [f"step {number} of 4" for number in (1, 2, 3, 4)]
    assert len(list(find_runs(straight.path))) == 4
    assert tomllib.loads(straight.steps.read_text()) == TABLES
    for step in PIPELINE.steps:
        run = RunFolder.open(straight.path / step.folder)
        assert read_recipe(run.recipe) == step.recipe
        assert load_checkpoint(run.latest_checkpoint()).facts.recipe == step.recipe.digest
        assert run.whole == straight.path
    assert str(straight.path) not in "".join(path.read_text() for path in straight.path.rglob("*.toml"))


def test_tables_are_merged_and_what_the_first_step_begins_with_is_its_own() -> None:
    first, second, third, last = (step.recipe for step in PIPELINE.steps)
    assert [each.training.lr for each in (first, second, third, last)] == [0.05, 0.05, 0.01, 0.01]
    assert {each.training.batch_size for each in (first, second, third, last)} == {16}
    assert first.method.name == "largest", "another method does not inherit options"
    assert (first.initial.reorder_channels, first.initial.run) == (True, None)
    assert (second.initial.reorder_channels, second.initial.slope, second.initial.run) == (False, 0.0, "../1-largest")
    assert (third.initial.run, last.initial.run) == ("../2-shared", "steps/3-groups")


def test_images_may_grow_from_step_to_step(tmp_path: Path) -> None:
    """With a learning rate that moves nothing, the weights of the small images come out of the large ones."""
    small = {"name": "small", "method": {"name": "largest"}, "data": {"size": 4}}
    large = {"name": "large", "training": {"epochs": 1, "lr": 1e-30}}
    pipeline = parse_pipeline(TABLES | {"initial": {}, "step": [small, large]})
    begin(tmp_path, pipeline)
    before, after = (load_checkpoint(step.run(tmp_path).latest_checkpoint()) for step in pipeline.steps)
    assert (before.facts.size, after.facts.size) == (4, 8)
    for name, array in after.model.items():
        if "running" not in name:
            np.testing.assert_allclose(array, before.model[name], rtol=0, atol=1e-25, err_msg=name)


def test_a_frozen_teacher_s_weights_are_those_of_the_step_before(straight: RunFolder) -> None:
    """All of them, slopes and running statistics too; what was trained are the groups, and they were its slices."""
    shared, groups, last = (
        load_checkpoint(RunFolder(straight.path / folder).latest_checkpoint()).model for folder in FOLDERS[1:]
    )
    trunk = trunk_of(groups)
    assert trunk.keys() == shared.keys() == trunk_of(last).keys()
    for name, array in shared.items():
        np.testing.assert_array_equal(trunk[name], array, err_msg=name)
    moved = {
        parted(name)[0]
        for name, array in groups.items()
        if parted(name)[1] is not None and (array != trunk[parted(name)[0]][tuple(map(slice, array.shape))]).any()
    }
    assert any("conv1" in name for name in moved)
    assert any("outer" in name for name in moved)
    assert any((trunk_of(last)[name] != array).any() for name, array in shared.items()), "here it is trained again"


@pytest.mark.parametrize(
    ("title", "step"),
    [("step 1 of 4", 1), ("step 2 of 4", 4), ("step 3 of 4", 3)],
)
def test_killed_anywhere_and_moved_it_goes_on_as_if_nothing_had_been(
    straight: RunFolder, tmp_path: Path, title: str, step: int
) -> None:
    """Before the first checkpoint of a step, at its end, and between two checkpoints."""
    with pytest.raises(Killed):
        begin(tmp_path / "run", progress=die_at(title, step))
    shutil.move(tmp_path / "run", tmp_path / "elsewhere")
    assert resume(tmp_path / "elsewhere") == RunFolder(tmp_path / "elsewhere").checkpoint(4)
    assert_same(tmp_path / "elsewhere", straight)


def test_ctrl_c_says_in_which_step_and_how_to_go_on(straight: RunFolder, tmp_path: Path) -> None:
    def interrupt(what: str, done: int, total: int) -> None:
        if (what, done) == ("step 2 of 4", 3):
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(Stopped) as caught:
        begin(tmp_path / "run", progress=interrupt)
    assert str(caught.value) == (
        "In step 2 of 4: Stopped after step 3 of 4, which is saved. Go on with: "
        f"supernet train --resume --out {tmp_path / 'run'}"
    )
    with pytest.raises(InputError, match="its last step has not begun; go on with"):
        RunFolder.open(tmp_path / "run")
    with pytest.raises(InputError, match="holds a run already; go on with it by --resume"):
        prepare_pipeline(PIPELINE, tmp_path / "run", resume=False)
    resume(tmp_path / "run")
    assert_same(tmp_path / "run", straight)


def test_a_finished_run_is_left_as_it_is(straight: RunFolder, tmp_path: Path) -> None:
    shutil.copytree(straight.path, tmp_path / "run")
    before = {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.suffix in (".toml", ".jsonl")}
    assert resume(tmp_path / "run") == RunFolder(tmp_path / "run").checkpoint(4)
    assert {path: path.read_bytes() for path in before} == before


def test_a_changed_recipe_is_refused_with_what_differs(straight: RunFolder, tmp_path: Path) -> None:
    shutil.copytree(straight.path, tmp_path / "run")
    (tmp_path / "r.toml").write_text(RECIPE)
    changes = ["step.2.training.lr=0.5", "step.widths.supernet.norms=widths"]
    with pytest.raises(InputError) as caught:
        prepare_pipeline(read_pipeline(tmp_path / "r.toml", changes), tmp_path / "run", resume=True)
    run, lr, norms = tmp_path / "run", "training.lr = 0.05, the recipe given says 0.5", "supernet.norms = None"
    assert [problem.split(";")[0] for problem in caught.value.problems] == [
        f"{run}/steps/2-shared: was begun with {lr}",
        f"{run}: was begun with {norms}, the recipe given says 'widths'",
    ]
    fewer = parse_pipeline(TABLES | {"step": TABLES["step"][:3]})
    with pytest.raises(InputError, match="begun with the steps largest, shared, groups, widths, the recipe given has"):
        prepare_pipeline(fewer, run, resume=True)
    plain = parse_pipeline({key: table for key, table in TABLES.items() if key != "step"})
    with pytest.raises(InputError, match="the recipe given has no steps"):
        prepare_pipeline(plain, run, resume=True)
    assert prepare_pipeline(PIPELINE, run, resume=True).steps == PIPELINE.steps
    (run / "steps.toml").write_text(RECIPE.replace("lr = 0.05", "lr = 0.06"))
    with pytest.raises(
        InputError, match=r"1-largest: was begun with training\.lr = 0\.05, the recipe given says 0\.06"
    ):
        prepare_pipeline(None, run, resume=True)


def test_changes_are_about_the_common_part_or_a_step(tmp_path: Path) -> None:
    (tmp_path / "r.toml").write_text(RECIPE)
    changes = ["training.batch_size=33", "step.1.training.epochs=7", "step.groups.method.look=1"]
    steps = read_pipeline(tmp_path / "r.toml", changes).steps
    assert [step.recipe.training.batch_size for step in steps] == 4 * [33]
    assert [step.recipe.training.epochs for step in steps] == [7, 2, 2, 2]
    assert [getattr(step.recipe.method, "look", None) for step in steps] == [None, 5, 1, 5]
    for wrong in ("step.5.seed=1", "step.x.seed=1", "step=1"):
        with pytest.raises(InputError, match=r"name a step as step\.1 or by its name|write \[\[step\]\] tables"):
            read_pipeline(tmp_path / "r.toml", [wrong])


def test_all_problems_of_all_steps_are_found_at_once() -> None:
    first, second, third, _ = TABLES["step"]
    assert problems({"training": {"epochs": 0}}) == [
        "r.toml: training.epochs: Input should be greater than or equal to 1 (found 0)"
    ], "a problem of the common part is told once"
    found = problems(
        {},
        first | {"name": "a/b", "trainng": {}},
        second | {"name": "twice", "initial": {"weights": "x.safetensors"}},
        third | {"name": "twice", "method": {"pathes": 3}},
    )
    starts = [
        "step 1: name: 'a/b' is no name for a folder",
        "step 1: trainng: unknown key; did you mean 'training'?",
        "step 2, 3: name: 'twice' is the name of two steps",
        "step 2: initial.weights: a step begins with the weights of the one before",
        "step 3: method.pathes: unknown key; did you mean 'paths'?",
    ]
    assert [p.removeprefix("r.toml: ")[: len(s)] for p, s in zip(found, starts, strict=True)] == starts
    assert problems({}, first, second | {"space": "resnet20"}) == [
        "r.toml: step 2: space: must be the same in all steps; write it in the common part, above them"
    ]
    assert "step 2: data: must be the same" in problems({}, first, second | {"data": {"validation": 32}})[0]
    assert "name: None is no name" in problems({}, {"seed": 1})[0]
    nested = problems({}, first, second | {"step": []})
    assert "step 2: step: this takes a recipe of one step" in nested[0]
    for wrong in (1, [], [1], {"name": "x"}):
        assert problems({"step": wrong}) == [
            "r.toml: step: write [[step]] tables, each with a name and what it changes"
        ]


def test_groups_that_do_not_divide_those_before_are_refused() -> None:
    first, _, third, last = TABLES["step"]
    (found,) = {problem.split(": layers")[0] for problem in problems({}, first, last, third)}
    assert found == "r.toml: step 3: supernet.groups"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("step.4.training.batch_size=100000", "step 4 of 4: batch size 100000"),
        ("step.3.method.sampling={name = 'balanced', prior = 'file:absent.json'}", "step 3 of 4: absent.json: "),
        ("step.4.device=gpu", "step 4 of 4: unknown device 'gpu'"),
        ("step.2.method.teacher=frozen", "step 2 of 4: method.teacher: frozen, but"),
        ("step.1.supernet.activation=prelu;step.2.supernet.activation=mish", "blocks.1.outer.weight would be lost"),
        ("data.source=cifar10:absent", "absent"),
    ],
)
def test_what_would_fail_later_fails_before_the_first_step(change: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "r.toml").write_text(RECIPE)
    with pytest.raises(InputError) as caught:
        begin(tmp_path / "run", read_pipeline(tmp_path / "r.toml", change.split(";")))
    assert message in str(caught.value)
    assert not list(tmp_path.rglob("*.safetensors"))
    assert {path.name for path in (tmp_path / "run").rglob("*")} <= {"train.lock"}


def test_an_attempt_that_was_killed_before_its_first_step_leaves_no_remains(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run/steps.toml").write_text(RECIPE)
    begin(tmp_path / "run", parse_pipeline(tiny.recipe(training={"epochs": 1}).model_dump(exclude_none=True)))
    assert not (tmp_path / "run/steps.toml").exists()


def test_who_takes_one_recipe_says_so() -> None:
    with pytest.raises(InputError, match=r"recipe: step: this takes a recipe of one step; .* in RUN/steps"):
        parse_recipe(TABLES)


def test_one_source_of_weights_displaces_the_other() -> None:
    merged = merge_tables({"initial": {"run": "../1-a", "slope": 0.0}}, {"initial": {"weights": "x"}})
    assert merged == {"initial": {"weights": "x", "slope": 0.0}}


def test_two_sources_of_weights_are_one_too_many() -> None:
    with pytest.raises(InputError, match="weights and run are two sources; give one"):
        tiny.recipe(initial={"weights": "a", "run": "b"})


SHRINKING = """
space = "resnet48-mini"
data = { calibration = 1700, validation = 64 }
method = { name = "ofa" }
training = { epochs = 1, batch_size = 32, lr = 0.05, warmup_epochs = 0 }

[[step]]
name = "full"
method.distil = 0.0

[[step]]
name = "depth"

[[step]]
name = "width"
initial = { owned = true, reorder_channels = true, reorder_within = ["1"] }
"""


def test_later_steps_go_on_with_the_teacher_of_an_earlier_one(tmp_path: Path) -> None:
    """Once-for-all: the network that the first step trained teaches in all that follow."""
    begin(tmp_path / "run", parse_pipeline(tomllib.loads(SHRINKING)))
    full, depth, width = (
        load_checkpoint(RunFolder(tmp_path / "run" / folder).latest_checkpoint())
        for folder in ("steps/1-full", "steps/2-depth", "")
    )
    assert not full.lab
    for name, array in full.model.items():
        np.testing.assert_array_equal(depth.lab[f"teacher.{name}"], array)
        np.testing.assert_array_equal(width.lab[f"teacher.{name}"], array)
    assert any((depth.model[name] != array).any() for name, array in full.model.items())
