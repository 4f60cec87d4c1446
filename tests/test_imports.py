"""Who may know whom: the import rules of ARCHITECTURE.md, held over every import statement of the house."""

import ast
import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

HOUSE = ("toolkit", "converters", "app")
PLAIN = ("toolkit.errors", "toolkit.names")
"""Helpers that know nobody and that everybody may know."""
PARTS = ("columns", "model", "networks", "predictor", "process", "ridge")
FITTING = tuple(f"toolkit.predictors.{name}" for name in PARTS)
"""What of predictors knows spaces and tensors alone, so that methods may fit one."""


@dataclass(frozen=True)
class Rule:
    """Modules under `who` (and not under `but`) import nothing under `never`, and of the house nothing but `only`."""

    says: str
    who: tuple[str, ...]
    but: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    only: tuple[str, ...] = HOUSE

    def binds(self, module: str) -> bool:
        return under(module, self.who) and not under(module, self.but)

    def forbids(self, target: str) -> bool:
        return under(target, self.never) or (under(target, HOUSE) and not under(target, self.only))


RULES = (
    Rule("only toolkit/backends/torch imports torch", HOUSE, but=("toolkit.backends.torch",), never=("torch",)),
    Rule("only toolkit/backends/paddle imports paddle", HOUSE, but=("toolkit.backends.paddle",), never=("paddle",)),
    Rule(
        "a backend is loaded on demand by toolkit.backends.get_backend and known to nobody else",
        HOUSE,
        but=("toolkit.backends",),
        never=("toolkit.backends.torch", "toolkit.backends.paddle"),
    ),
    Rule(
        "spaces know nobody but errors, names and plugins",
        ("toolkit.spaces",),
        only=("toolkit.spaces", "toolkit.plugins", *PLAIN),
    ),
    Rule(
        "methods know backends/base.py and ops.py, spaces and sampling",
        ("toolkit.methods",),
        only=(
            "toolkit.methods",
            "toolkit.backends.base",
            "toolkit.backends.ops",
            *FITTING,
            "toolkit.sampling",
            "toolkit.search",
            "toolkit.spaces",
            "toolkit.plugins",
            *PLAIN,
        ),
    ),
    Rule(
        "sampling knows no backend",
        ("toolkit.sampling",),
        never=("toolkit.backends",),
    ),
    Rule(
        "candidates, evaluation/ledger, ranking, predictors and data know no framework",
        ("toolkit.candidates", "toolkit.evaluation.ledger", "toolkit.ranking", "toolkit.predictors", "toolkit.data"),
        never=("toolkit.backends.get_backend", "toolkit.backends.torch", "toolkit.backends.paddle", "torch", "paddle"),
    ),
    Rule("errors and names know nobody", PLAIN, only=PLAIN),
)

ROOMS = (
    ("toolkit.errors", "toolkit.names"),
    ("toolkit.collector", "toolkit.files", "toolkit.interrupts"),
    ("toolkit.numeric", "toolkit.plugins", "toolkit.sqlite"),
    ("toolkit.spaces",),
    ("toolkit.candidates",),
    ("toolkit.latencies", "toolkit.truths"),
    ("toolkit.search",),
    ("toolkit.sampling",),
    ("toolkit.backends",),
    FITTING,
    ("toolkit.data", "toolkit.methods", "toolkit.executors"),
    ("toolkit.runs",),
    ("toolkit.priors",),
    ("toolkit.ranking",),
    ("toolkit.predictors",),
    ("toolkit.evaluation",),
    ("toolkit.training",),
    ("toolkit.interference",),
    ("toolkit.audit", "toolkit.sweeps"),
    ("converters.logits", "converters.tables"),
    ("converters", "converters.onnx", "converters.submission", "converters.weights"),
    ("toolkit.verbs",),
    ("toolkit",),  # `toolkit` itself names the verbs, and loads them when asked for one
    ("app",),
    ("toolkit.cli",),
    ("toolkit.__main__",),
)
"""The house, floor by floor: a room knows only rooms on floors below its own, whatever lies between them.

So there is no circle of rooms, however long: who is above somebody is never known to them by a detour either.
"""


def floor(module: str) -> int:
    """On which floor of ROOMS a module is; that of the longest name that it is under."""
    found = [(len(room), number) for number, rooms in enumerate(ROOMS) for room in rooms if under(module, (room,))]
    return max(found)[1]


def room(module: str) -> str:
    """The first two parts of a module's name, or all of `app`."""
    return "app" if under(module, ("app",)) else ".".join(module.split(".")[:2])


def under(module: str, prefixes: tuple[str, ...]) -> bool:
    return any(module == prefix or module.startswith(prefix + ".") for prefix in prefixes)


def imports(source: str, module: str, package: str) -> Iterator[tuple[int, str]]:
    """Line and full name of everything imported, also inside functions and by `import_module("...")`."""
    for node in ast.walk(ast.parse(source, module)):
        match node:
            case ast.Import(names):
                yield from ((node.lineno, alias.name) for alias in names)
            case ast.ImportFrom(origin, names, level):
                base = importlib.util.resolve_name("." * level + (origin or ""), package)
                yield from ((node.lineno, f"{base}.{alias.name}") for alias in names)
            case ast.Call(
                ast.Name("__import__" | "import_module") | ast.Attribute(attr="import_module"),
                [ast.Constant(str(name)), *_],
            ):
                yield node.lineno, name


def violations(path: str, source: str) -> list[str]:
    """One message per import that breaks a rule; `path` is relative to the root."""
    parts = Path(path).with_suffix("").parts
    package = ".".join(parts[:-1])
    module = package if parts[-1] == "__init__" else ".".join(parts)
    return [
        f"{path}:{line} imports {target}, but {rule.says}"
        for line, target in imports(source, module, package)
        for rule in RULES
        if rule.binds(module) and rule.forbids(target)
    ]


def climbs(path: str, source: str) -> list[str]:
    """One message per import from another room that is not on a floor below."""
    parts = Path(path).with_suffix("").parts
    package = ".".join(parts[:-1])
    module = package if parts[-1] == "__init__" else ".".join(parts)
    return [
        f"{path}:{line} imports {target}, which is not on a floor below"
        for line, target in imports(source, module, package)
        if under(target, HOUSE)
        and (floor(target) > floor(module) or (floor(target) == floor(module) and room(target) != room(module)))
    ]


def sources(root: Path) -> dict[str, str]:
    return {
        path.relative_to(root).as_posix(): path.read_text(encoding="utf-8")
        for package in HOUSE
        for path in sorted((root / package).rglob("*.py"))
    }


def test_every_import_keeps_the_rules(root: Path) -> None:
    broken = [message for path, source in sources(root).items() for message in violations(path, source)]
    assert not broken, "\n".join(["imports that ARCHITECTURE.md forbids:", *broken])


def test_no_room_knows_one_above_it(root: Path) -> None:
    broken = [message for path, source in sources(root).items() for message in climbs(path, source)]
    assert not broken, "\n".join(["imports against the order of the rooms:", *broken])


def test_every_room_has_its_floor(root: Path) -> None:
    listed = {each for rooms in ROOMS for each in rooms}
    rooms = {room(path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")) for path in sources(root)}
    assert rooms <= listed | {"converters"}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.says)
def test_every_rule_binds_something(rule: Rule, root: Path) -> None:
    modules = [path.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for path in sources(root)]
    assert any(map(rule.binds, modules)), f"no module is left that this rule is about: {rule.says}"


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("toolkit/training/trainer.py", "import torch.nn as nn"),
        ("toolkit/training/trainer.py", "def f():\n    from torch import nn"),
        ("toolkit/training/trainer.py", "import importlib\nimportlib.import_module('torch.nn')"),
        ("converters/weights.py", "import paddle"),
        ("toolkit/backends/torch/network.py", "import paddle"),
        ("toolkit/training/trainer.py", "from toolkit.backends.torch import layers"),
        ("toolkit/training/trainer.py", "from ..backends import torch"),
        ("toolkit/spaces/resnet48.py", "from toolkit.files import read_bytes"),
        ("toolkit/spaces/resnet48.py", "import toolkit"),
        ("toolkit/spaces/__init__.py", "from .. import files"),
        ("toolkit/methods/spos.py", "from toolkit.backends import get_backend"),
        ("toolkit/methods/spos.py", "from toolkit.runs.recipe import Recipe"),
        ("toolkit/data/cifar.py", "from toolkit.backends import get_backend"),
        ("toolkit/ranking/metrics.py", "if True:\n    import torch"),
        ("toolkit/errors.py", "from toolkit import files"),
    ],
)
def test_what_is_forbidden_is_found(path: str, source: str) -> None:
    found = violations(path, source)
    assert found
    assert all(message.startswith(f"{path}:{source.count(chr(10)) + 1} imports ") for message in found)


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("toolkit/runs/setup.py", "from toolkit.evaluation.ledger import Ledger"),
        ("toolkit/evaluation/evaluate.py", "from toolkit.training.trainer import train"),
        ("toolkit/training/trainer.py", "def f():\n    from toolkit.interference.during import Watch"),
        ("toolkit/sampling/prior.py", "from toolkit.evaluation import evaluate"),
        ("toolkit/evaluation/evaluator.py", "from converters.submission import check"),
        ("toolkit/files.py", "import app.views"),
        ("toolkit/training/trainer.py", "from toolkit.cli.console import console"),
        ("toolkit/training/trainer.py", "from toolkit import train"),
        ("converters/submission/write.py", "from app import figures"),
        ("app/main.py", "from toolkit.cli.main import main"),
    ],
)
def test_looking_up_is_found(path: str, source: str) -> None:
    assert len(climbs(path, source)) == 1


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("toolkit/backends/torch/network.py", "import torch\nfrom toolkit.backends.base import Norm"),
        ("toolkit/backends/__init__.py", "from toolkit.backends.torch.backend import TorchBackend"),
        ("toolkit/cli/submit.py", "from converters import submission\nimport app"),
        ("toolkit/methods/spos.py", "import numpy\nfrom toolkit.backends.base import Network"),
        ("toolkit/spaces/base.py", "from toolkit.spaces.plans import Plan\nfrom toolkit.errors import InputError"),
        ("converters/submission.py", "from toolkit.evaluation.ledger import Ledger"),
        ("app/main.py", "import torchlike, applet\nfrom converters import submission"),
    ],
)
def test_what_is_allowed_is_not_found(path: str, source: str) -> None:
    assert violations(path, source) == []


def test_importing_the_toolkit_loads_nothing_heavy(root: Path) -> None:
    """In a fresh interpreter. A module that does not exist is passed over; one that cannot be imported is not."""
    script = """
import importlib, importlib.util, sys
for name in ("toolkit", "toolkit.spaces", "toolkit.methods", "toolkit.ranking", "toolkit.training",
             "toolkit.evaluation", "toolkit.cli", "toolkit.cli.main"):
    if importlib.util.find_spec(name):
        importlib.import_module(name)
    for heavy in ("torch", "paddle", "sklearn", "streamlit"):
        if heavy in sys.modules:
            sys.exit(f"import {name} loads {heavy}")
"""
    result = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
