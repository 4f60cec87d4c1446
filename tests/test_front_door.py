"""`from toolkit import ...`: the example of README, quick to import, and as much as the command can do."""

import importlib.metadata
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import toolkit
from toolkit.cli.main import COMMANDS


def test_the_example_of_readme(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", (root / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert len([line for line in code.splitlines() if line]) <= 10
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(compile(code, "README.md", "exec"), names)
    assert names["submitted"].report.verdict == "a valid submission: 200 of 200 entries hold results"  # type: ignore[attr-defined]
    assert "5 networks" in names["ranked"].report.summary  # type: ignore[attr-defined]


def test_every_name_is_there() -> None:
    assert {*toolkit._HOMES} | {"__version__"} == {*toolkit.__all__}
    assert all(getattr(toolkit, name) is not None for name in toolkit.__all__)
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        toolkit.trian  # noqa: B018


def test_importing_it_loads_next_to_nothing() -> None:
    code = """
import sys, toolkit
print([name for name in sys.modules if name.startswith(("toolkit.", "converters", "numpy", "pydantic"))])
"""
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_the_verbs_of_the_command_are_functions() -> None:
    """All but what only prints what is there, or opens something."""
    commands = {command.__name__ for group in COMMANDS.values() for command in group}
    shown = {"demo", "app", "spaces", "candidates", "recipe", "methods", "features"}
    rooms = {"sampling": "compare_sampling", "search": "search_run"}
    names = {"import_": "import_run", "truth": "write_truth"} | rooms  # a keyword, and rooms of that name
    assert {names.get(command, command) for command in commands - shown} <= {*toolkit.__all__}


def test_verbs_that_look_ahead_or_back(tmp_path: Path) -> None:
    """What they return is what the command prints; problems are `InputError`s, with no usage of a command."""
    space = toolkit.get_space("resnet48-mini")
    candidates = tmp_path / "candidates.json"
    toolkit.write_candidates(candidates, toolkit.draw_candidates(space, 20, seed=0))
    codes = toolkit.read_candidates(candidates, space).values()
    costs = toolkit.cost("resnet48-mini", codes)
    assert costs == [space.cost(space.parse(code)) for code in codes]
    with pytest.raises(toolkit.InputError) as caught:
        toolkit.cost("resnet48-mini", ["x", "y"])
    assert len(caught.value.problems) == 2
    planned = toolkit.plan(candidates, space="resnet48-mini", images=100, seconds=0)
    assert (planned.outlook.sharing.candidates, planned.outlook.images) == (20, 100)
    with pytest.raises(toolkit.InputError, match="either a space or a run"):
        toolkit.plan(candidates)
    assert toolkit.budget(50, within=0.05).networks == 50
    assert [step["name"] for step in toolkit.sharing("progressive").steps][:2] == ["largest", "shared"]
    (sampled,) = toolkit.compare_sampling("demo", candidates, draws=200)
    assert sampled.distribution is not None
    assert sampled.distribution.candidates == 20
    (read,) = toolkit.table([candidates], tmp_path / "out.txt", to="lines").read
    assert len(read.rows) == len((tmp_path / "out.txt").read_text().splitlines()) == 20
    with pytest.raises(toolkit.InputError, match="not a run folder"):
        toolkit.status(tmp_path)


def test_no_verb_is_hidden_by_a_room() -> None:
    """Once a package `toolkit/NAME` is imported, `toolkit.NAME` is that."""
    rooms = {path.stem for path in Path(toolkit.__file__).parent.iterdir() if path.name[0] not in "_."}
    assert not rooms & {*toolkit.__all__}


def test_one_version(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["dynamic"] == ["version"]
    assert importlib.metadata.version("supernet-toolkit") == toolkit.__version__
