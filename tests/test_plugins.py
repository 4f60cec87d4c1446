"""What other packages bring is there as if it were the toolkit's own; what is broken is a warning with their name."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import plugged

SCRIPT = """
import json, numpy as np
from toolkit.methods import METHODS
from toolkit.priors import PRIORS
from toolkit.runs.recipe import parse_recipe
from toolkit.sampling import SAMPLERS
from toolkit.spaces import SPACES, get_space

space = get_space("acme-tiny")
recipe = parse_recipe({"space": "acme-tiny", "data": {"source": "digits"},
                       "method": {"name": "acme-method", "sampling": {"name": "acme-smallest"}}})
method = recipe.make_method(space)
drawn = method.sampler.draw(np.random.default_rng(0), 2, None)
prior = PRIORS["acme-params"]
print(json.dumps({
    "spaces": list(SPACES), "methods": list(METHODS), "samplers": list(SAMPLERS), "priors": list(PRIORS),
    "resnet20": type(SPACES["resnet20"]).__module__, "smallest": drawn == [space.smallest] * 2,
    "method": type(method).__name__, "prior": prior.__name__,
}))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return plugged.install(tmp_path_factory.mktemp("plugged"))


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    paths = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, *arguments]
    environment = os.environ | {"PYTHONPATH": paths, "COLUMNS": "200"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)


def test_everything_of_another_package_is_there(folder: Path) -> None:
    done = run(folder, "-W", "default", "-c", SCRIPT)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["spaces"][-1] == "acme-tiny"
    assert found["methods"][-1] == "acme-method"
    assert found["samplers"][-1] == "acme-smallest"
    assert found["priors"][-1] == "acme-params"
    assert (found["method"], found["prior"], found["smallest"]) == ("Mine", "Blocks", True)
    assert found["resnet20"] == "toolkit.spaces.resnet20", "the toolkit's own names are taken"


def test_the_command_names_the_package_of_what_is_broken_and_goes_on(folder: Path) -> None:
    done = run(folder, "-m", "toolkit", "spaces", "--json")
    assert done.returncode == 0, done.stderr
    assert "acme-tiny" in json.loads(done.stdout)
    lines = [line for line in done.stderr.splitlines() if "package acme-nas: its entry point" in line]
    said = {line.split("its entry point ")[1].split(" ")[0]: line for line in lines}
    assert said.keys() == {"resnet20", "acme-broken", "acme-raises", "acme-other", "acme-none"}
    assert "the name is taken" in said["resnet20"]
    assert "No module named 'acme.missing'" in said["acme-broken"]
    assert "no licence" in said["acme-raises"]
    assert "its name is 'acme-tiny', not 'acme-other'" in said["acme-other"]
    assert "not a toolkit.spaces.base.SearchSpace" in said["acme-none"]
    assert "Traceback" not in done.stderr


def test_an_abstract_class_is_no_method(folder: Path) -> None:
    done = run(folder, "-m", "toolkit", "methods")
    assert done.returncode == 0, done.stderr
    assert "acme-method" in done.stdout
    assert "it lacks step" in done.stderr


def test_a_page(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from app import pages

    monkeypatch.syspath_prepend(str(folder))
    made = []
    monkeypatch.setattr(pages.st, "Page", lambda page, **how: made.append((page, how)))
    pages.plugged.clear()
    with pytest.warns(UserWarning, match="package acme-nas: its entry point acme_wrong"):
        pages.pages()
    pages.plugged.clear()
    assert [how["title"] for _, how in made[-2:]] == ["Weights", "Acme's page"]
    assert made[-1][1]["url_path"] == "acme"
    assert callable(made[-1][0])
