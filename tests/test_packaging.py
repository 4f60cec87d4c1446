"""What is installed is what is written down."""

import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
HASHED = re.compile(r"(?P<name>[\w.-]+)==(?P<version>\S+) --hash=sha256:[0-9a-f]{64}")


def test_hashes_are_of_the_versions_that_constraints_name() -> None:
    wanted = versions(r"(?P<name>[\w.-]+)==(?P<version>\S+)", "constraints.txt")
    hashed = versions(HASHED.pattern, ".ci/requirements.txt")
    assert hashed == wanted


def test_what_the_project_asks_for_is_installed_by_hash() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    names = {normal(Requirement(each).name) for each in asked} - {normal(project["name"])}
    assert names <= set(versions(HASHED.pattern, ".ci/requirements.txt"))


def versions(line: str, file: str) -> dict[str, str]:
    """Of a file whose every line is one such pin, by normalised name."""
    pins = [each for each in (ROOT / file).read_text().splitlines() if not each.startswith("#")]
    found = [re.fullmatch(line, each) for each in pins]
    assert all(found), [pin for pin, match in zip(pins, found, strict=True) if match is None]
    return {normal(match["name"]): match["version"] for match in found if match}


def normal(name: str) -> str:
    """As the package index compares names."""
    return re.sub(r"[-_.]+", "-", name).lower()
