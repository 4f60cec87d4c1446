import os
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.candidates import draw_candidates, write_candidates
from toolkit.errors import InputError
from toolkit.methods import METHODS
from toolkit.runs.recipe import SHIPPED, find_recipe, parse_recipe, read_recipe, read_tables
from toolkit.spaces import SPACES
from toolkit.training.steps import parse_pipeline, prepare_pipeline, read_pipeline, train_pipeline

MINIMAL = 'space = "resnet48-mini"\n[method]\nname = "spos"\n'

counts = st.integers(1, 10**9)
seeds = st.integers(0, 2**63 - 1)
positive = st.floats(0, exclude_min=True, allow_infinity=False)
shares = st.floats(0, 1, exclude_max=True)
inner = st.floats(0, 1, exclude_min=True, exclude_max=True)
tables: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "space": st.sampled_from(sorted(SPACES)),
        "method": st.one_of(
            st.fixed_dictionaries({"name": st.just("spos")}, optional={"label_smoothing": shares}),
            st.fixed_dictionaries(
                {"name": st.just("sandwich")}, optional={"label_smoothing": shares, "paths": st.integers(2, 99)}
            ),
        ),
    },
    optional={
        "device": st.text(),
        "threads": counts,
        "seed": seeds,
        "data": st.fixed_dictionaries(
            {},
            optional={
                "source": st.text(),
                "size": counts,
                "calibration": counts,
                "validation": counts,
                "bad_images": st.sampled_from(["error", "skip"]),
                "split_seed": seeds,
            },
        ),
        "training": st.fixed_dictionaries(
            {"momentum": inner},
            optional={
                "epochs": counts,
                "batch_size": counts,
                "lr": positive,
                "warmup_epochs": st.floats(0, 1),
                "final_lr": shares,
                "nesterov": st.booleans(),
                "weight_decay": shares,
                "decay_norm": st.booleans(),
                "decay_bias": st.booleans(),
                "clip_norm": positive,
                "ema": inner,
                "precision": st.sampled_from(["fp32", "tf32", "bf16"]),
            },
        ),
        "initial": st.fixed_dictionaries({}, optional={"weights": st.text(), "reorder_channels": st.booleans()}),
        "checkpoints": st.fixed_dictionaries({}, optional={"every_epochs": counts, "keep": counts}),
    },
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "recipe.toml"
    path.write_text(MINIMAL)
    return path


def problems(text: str) -> tuple[str, ...]:
    with pytest.raises(InputError) as caught:
        parse_recipe(tomllib.loads(text), "r.toml")
    return caught.value.problems


@given(tables)
def test_a_recipe_goes_to_toml_and_back(asked: dict[str, Any]) -> None:
    recipe = parse_recipe(asked)
    again = parse_recipe(tomllib.loads(recipe.to_toml()))
    assert again == recipe
    assert (again.to_toml(), again.digest) == (recipe.to_toml(), recipe.digest)
    written = tomllib.loads(recipe.to_toml())
    for name, value in asked.items():  # nothing of what was asked for is lost, and every default is written out
        assert value.items() <= written[name].items() if isinstance(value, dict) else written[name] == value
    assert {"momentum", "warmup_epochs", "nesterov"} <= set(written["training"])


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.toml")), ids=lambda path: path.stem)
def test_shipped_recipes(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    pipeline = read_pipeline(path.stem)
    assert pipeline == read_pipeline(path)
    for step in pipeline.steps:
        recipe, space = step.recipe, SPACES[step.recipe.space]
        if "zen.json" in recipe.to_toml():  # which its first lines say how to make
            write_candidates("zen.json", draw_candidates(space, 20, 0))
        assert recipe.make_method(recipe.derive(space)).name == recipe.method.name
        (tmp_path / "again.toml").write_text(recipe.to_toml())
        assert read_recipe(tmp_path / "again.toml") == recipe


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("pgonas", {"space": "resnet48-mini"}),
        ("pgonas-mish", {"space": "resnet48-mini"}),
        ("progressive", {}),
        ("resnet20", {}),
    ],
)
def test_shipped_recipes_train(
    name: str, changes: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A step or two of each, on digits."""
    monkeypatch.chdir(tmp_path)
    tables = read_tables(find_recipe(name)) | changes | {"data": {"calibration": 1740, "validation": 32}, "threads": 1}
    tables.get("initial", {}).pop("weights", None)
    for table in (tables["training"], *(step.get("training", {}) for step in tables.get("step", []))):
        table |= {"epochs": 1, "batch_size": 16, "warmup_epochs": 0.0, "lr": 1e-3}
    write_candidates("zen.json", draw_candidates(SPACES["resnet48-mini"], 20, 0))
    pipeline = prepare_pipeline(parse_pipeline(tables), tmp_path / "run", resume=False)
    assert train_pipeline(pipeline, tmp_path / "run").is_file()


def test_a_file_is_preferred_to_a_shipped_recipe_and_a_folder_is_not(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("demo").mkdir()
    assert read_recipe("demo") == read_recipe(SHIPPED / "demo.toml")
    Path("demo").rmdir()
    file.rename("demo")
    assert read_recipe("demo").method.name == "spos"


@pytest.mark.parametrize(
    ("text", "key", "nearest"),
    [
        (MINIMAL + "[training]\nepoch = 3", "training.epoch: unknown key", "epochs"),
        (MINIMAL + "[trainng]\nepochs = 3", "trainng: unknown key", "training"),
        (MINIMAL + "[data]\nsorce = 'digits'", "data.sorce: unknown key", "source"),
        (MINIMAL + "label_smooting = 0.1", "method.label_smooting: unknown key", "label_smoothing"),
        (MINIMAL + "path = 3", "method.path: unknown key", "paths"),
        (MINIMAL.replace("spos", "sandwhich"), "method.name: unknown method 'sandwhich'", "sandwich"),
        (MINIMAL.replace("-mini", "-mimi"), "space: unknown space 'resnet48-mimi'", "resnet48-mini"),
        ("backend = 'troch'\n" + MINIMAL, "backend: unknown backend 'troch'", "torch"),
    ],
)
def test_a_misspelt_name_is_answered_with_the_nearest(text: str, key: str, nearest: str) -> None:
    (problem,) = problems(text)
    assert problem.startswith(f"r.toml: {key}")
    assert f"did you mean {nearest!r}" in problem or problem.endswith(f"there are: {nearest}")


@pytest.mark.parametrize(
    ("table", "key"),
    [
        ("[training]\nepochs = 'many'", "training.epochs"),
        ("[training]\nepochs = '5'", "training.epochs"),
        ("[training]\nepochs = 2.5", "training.epochs"),
        ("[training]\nepochs = true", "training.epochs"),
        ("[training]\nepochs = 0", "training.epochs"),
        ("[training]\nlr = nan", "training.lr"),
        ("[training]\nlr = inf", "training.lr"),
        ("[training]\nlr = -0.1", "training.lr"),
        ("[training]\nmomentum = 1.0", "training.momentum"),
        ("[training]\nnesterov = 1", "training.nesterov"),
        ("[training]\nprecision = 'fp8'", "training.precision"),
        ("[training]\nema = [0.9]", "training.ema"),
        ("[training]\nepochs = 1\nwarmup_epochs = 2", "training"),
        ("[training]\nnesterov = true\nmomentum = 0", "training"),
        ("[data]\nsource = 5", "data.source"),
        ("[data]\nsplit_seed = 1979-05-27", "data.split_seed"),
        ("[initial]\nweights = 5", "initial.weights"),
        ("[checkpoints]\nkeep = 0", "checkpoints.keep"),
    ],
)
def test_a_wrong_value_is_named(table: str, key: str) -> None:
    (problem,) = problems(MINIMAL + table)
    assert problem.startswith(f"r.toml: {key}: ")


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("[method]\nname = 'spos'", "space: missing"),
        ("space = 'resnet48'", "method.name: missing"),
        ("space = 'resnet48'\nmethod = 'spos'", "method.name: missing"),
        ("space = 'resnet48'\n[method]\nname = ['spos']", "method.name: unknown method ['spos']"),
        ("seed = -1\n" + MINIMAL, "seed: "),
        (f"seed = {2**63}\n" + MINIMAL, "seed: "),
        ("data = 'digits'\n" + MINIMAL, "data: "),
    ],
)
def test_top_level_mistakes(text: str, key: str) -> None:
    (problem,) = problems(text)
    assert problem.startswith(f"r.toml: {key}")


def test_all_problems_are_listed_at_once() -> None:
    found = problems(
        "space = 'resnet49'\nbackend = 'tensorflow'\nsed = 1\n[method]\nname = 'sandwich'\npaths = 1\npath = 3\n"
        "[training]\nepochs = 'x'\nmomentun = 0.9\n[data]\nsize = 0"
    )
    keys = ["method.paths", "method.path", "space", "backend", "sed", "training.epochs", "training.momentun"]
    assert sorted(problem.split(": ")[1] for problem in found) == sorted([*keys, "data.size"])
    assert len(problems("space = 'resnet49'\n[method]\nname = 'ranger'")) == 2


def test_changes_are_applied_in_order(file: Path) -> None:
    changes = ["training.epochs=5", "training.epochs = 7", "data.source=imagefolder:/data/x", "method.name=sandwich"]
    recipe = read_recipe(file, [*changes, "method.paths=3", "training.lr=1", "initial.reorder_channels=true"])
    assert (recipe.training.epochs, recipe.training.lr) == (7, 1.0)
    assert recipe.data.source == "imagefolder:/data/x"
    assert recipe.method == METHODS["sandwich"].options_type(name="sandwich", paths=3)
    assert recipe.initial.reorder_channels


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("training.epochs", "--set training.epochs: write key=value"),
        ("=5", "--set =5: write key=value"),
        ("space.name=x", "space: unknown space 'x'"),
        ("method.name.x=1", "--set method.name.x=1: name is a value, not a table"),
        ("training.epoch=5", "training.epoch: unknown key; did you mean 'epochs'?"),
        ("training.epochs=many", "training.epochs: "),
        ("training.epochs=", "training.epochs: "),
        ("training..epochs=5", "training.: unknown key"),
        ("nonsense=1", "nonsense: unknown key"),
        ("data.source=imagefolder:\udcff", "not UTF-8"),
        ("\udcff=5", "not UTF-8"),
    ],
)
def test_wrong_changes(file: Path, change: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        read_recipe(file, [change])
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        b"space = ",
        b"space = 'resnet48'\nspace = 'resnet48'",
        b"\xff\xfes\x00",
        "space = 'caf\xe9'".encode("latin-1"),
        b"{}",
        b"seed = " + b"9" * 5000,
        b"seed = " + b"[" * 5000,
        b"\x00",
    ],
    ids=["cut off", "twice", "UTF-16", "Latin-1", "JSON", "a number beyond measure", "brackets", "NUL"],
)
def test_a_file_that_is_no_toml(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_recipe(file)
    (problem,) = caught.value.problems
    assert problem.startswith(f"{file}: not valid TOML (")


def test_a_recipe_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no such recipe; .*shipped recipe: .*demo"):
        read_recipe("dmeo")
    with pytest.raises(InputError, match="cannot be read"):
        read_recipe(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_recipe_that_may_not_be_read(file: Path) -> None:
    file.chmod(0)
    with pytest.raises(InputError, match="cannot be read"):
        read_recipe(file)
