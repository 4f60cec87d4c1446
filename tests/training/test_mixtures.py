"""Methods whose supernet is a mixture, in a real training: a resumed run is the same run, and files its candidate."""

from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest

from tests import tiny
from tests.methods.mixing import CHAINS, MIXED
from tests.networks import backend_on_cpu
from toolkit.audit.audit import audit_steps
from toolkit.backends import BACKENDS
from toolkit.candidates import read_candidates
from toolkit.runs.metrics import read_metrics
from toolkit.runs.recipe import Recipe
from toolkit.runs.setup import open_backend, open_data, open_space
from toolkit.spaces import SPACES
from toolkit.training.trainer import begin

METHODS: dict[str, dict[str, Any]] = {
    "darts": {"order": "second"},
    "entrannas": {"sparse": True, "threshold": 0.9},
    "sparsenas": {"rule": "adam", "lr": 0.001, "each": 0.02, "every": 1},
}


PAIRS = [*((name, "cell") for name in METHODS), *zip(cycle(("darts", "sparsenas")), CHAINS, strict=False)]
"""Every method on cells; every kind of chain with one of those that run on it."""


@pytest.fixture(autouse=True)
def registered() -> Iterator[None]:
    """Small spaces, only here: other tests are about the spaces of the house."""
    assert "nasbench201" in SPACES
    names = {f"mixing-{kind}": space for kind, space in MIXED.items()}
    SPACES._found.update(names)
    yield
    for name in names:
        del SPACES._found[name]


def recipe(name: str, kind: str, backend: str) -> Recipe:
    backend_on_cpu(backend)
    asked = tiny.recipe(
        method={"name": name, **METHODS[name]},
        data={"calibration": 1650},
        training={"batch_size": 8, "epochs": 2, "warmup_epochs": 0.0, "clip_norm": 5.0},
    )
    return asked.model_copy(update={"space": f"mixing-{kind}", "backend": backend, "device": "cpu"})


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("name", "kind"), PAIRS)
def test_a_resumed_run_is_the_same_run_and_files_its_candidate(
    name: str, kind: str, backend: str, tmp_path: Path
) -> None:
    run, resumed = tiny.train_with_a_break(tmp_path, recipe(name, kind, backend))
    space = MIXED[kind]
    assert resumed.read_bytes() == run.latest_checkpoint().read_bytes()
    assert (tmp_path / "broken" / "derived.json").read_text() == run.derived.read_text()
    found = read_candidates(run.derived, space)
    assert list(found) == ["derived"]
    last = read_metrics(run)[-1]
    shares = {key.removeprefix("share."): value for key, value in last.items() if key.startswith("share.")}
    assert shares == space.shares(space.parse(found["derived"]))
    assert sum(shares.values()) == pytest.approx(1)
    assert "held_out_loss" in last


@pytest.mark.parametrize(("name", "kind"), PAIRS)
def test_the_audit_finds_nothing_moved_that_should_have_stayed(name: str, kind: str) -> None:
    asked = recipe(name, kind, "torch")
    backend, data = open_backend(asked), open_data(asked)
    state = begin(asked, backend, open_space(asked, data), None)
    report = audit_steps(backend, state, data, asked, steps=2)
    assert report.violations == ()
    assert all(report.owned.values()), "architecture parameters and their optimiser moved"


@pytest.mark.parametrize("kind", MIXED)
def test_a_moving_average_begins_as_what_it_follows(kind: str) -> None:
    """After the method has begun, which sets scales that are 0 elsewhere."""
    asked = recipe("darts", kind, "torch")
    asked = asked.model_copy(update={"training": asked.training.model_copy(update={"ema": 0.9})})
    state = begin(asked, open_backend(asked), open_space(asked, open_data(asked)), None)
    assert state.average is not None
    own = state.network.weights()
    assert all((array == own[name]).all() for name, array in state.average.weights().items())
