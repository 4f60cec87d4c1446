"""A method that owns a second network, heads, parameters, an optimiser, a queue and a sampler that learns."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests import tiny
from tests.networks import backend_on_cpu
from toolkit.audit.audit import audit_steps
from toolkit.backends import BACKENDS
from toolkit.errors import InputError
from toolkit.methods import METHODS
from toolkit.runs.checkpoint import load_checkpoint
from toolkit.runs.folder import RunFolder
from toolkit.runs.recipe import Recipe
from toolkit.runs.setup import open_backend, open_data, open_space
from toolkit.training.trainer import begin

PER_EPOCH = 6


@pytest.fixture(autouse=True)
def registered() -> Iterator[None]:
    """Only here: other tests are about the methods of the house."""
    from tests.methods.owning import register

    own = register()
    yield
    del own["owning"]


def recipe(backend: str, **tables: dict[str, object]) -> Recipe:
    backend_on_cpu(backend)
    asked = tiny.recipe(
        data={"calibration": 1460, "validation": 64},
        training={"epochs": 2, "ema": 0.9, "clip_norm": 1.0},
        checkpoints={"keep": 9},
        **tables,
    )
    return asked.model_copy(
        update={"backend": backend, "device": "cpu", "method": METHODS["owning"].options_type(name="owning")}
    )


@pytest.mark.parametrize("backend", BACKENDS)
def test_resumed_it_ends_bit_for_bit_as_in_one_go(backend: str, tmp_path: Path) -> None:
    straight, last_of_resumed = tiny.train_with_a_break(tmp_path, recipe(backend))
    assert list(straight.checkpoints()) == [PER_EPOCH, 2 * PER_EPOCH]
    assert last_of_resumed.read_bytes() == straight.latest_checkpoint().read_bytes()

    first, last = (load_checkpoint(path) for path in (straight.checkpoint(PER_EPOCH), straight.latest_checkpoint()))
    assert {name.split(".")[0] for name in last.lab} == {"teacher", "head", "key_head", "mixture", "adam"}
    assert {name.removeprefix("teacher.") for name in last.lab if name.startswith("teacher.")} == last.model.keys()
    assert {"adam.mean.head.0.weight", "adam.steps.mixture.alpha"} <= last.lab.keys()
    assert last.method["queue"].shape == (24, 8)
    assert last.method["queue"].dtype == np.float32
    assert (first.method["sampling.logits0"] != last.method["sampling.logits0"]).any()
    for name in ("head.0.weight", "key_head.1.bias", "mixture.alpha", "teacher.blocks.0.conv.weight"):
        assert (first.lab[name] != last.lab[name]).any(), name
    assert (last.lab["teacher.blocks.0.conv.weight"] != last.model["blocks.0.conv.weight"]).any()


def test_a_checkpoint_without_what_it_owns_is_refused(tmp_path: Path) -> None:
    asked = recipe("torch")
    backend, data = open_backend(asked), open_data(asked)
    state = begin(asked, backend, open_space(asked, data), None)
    run = RunFolder(tmp_path)
    from toolkit.runs.checkpoint import Facts

    space = state.network.space
    facts = Facts(space.name, space.channels, space.size, space.classes, 0, asked.digest)
    state.save(run.checkpoint(0), facts)
    found = load_checkpoint(run.checkpoint(0))
    del found.lab["teacher.blocks.0.conv.weight"]
    with pytest.raises(InputError) as caught:
        state.load(found, "c")
    assert caught.value.problems == ("c: lab.teacher: tensor blocks.0.conv.weight is missing",)


def test_the_audit_and_the_probes_see_it() -> None:
    asked = recipe("torch")
    backend, data = open_backend(asked), open_data(asked)
    state = begin(asked, backend, open_space(asked, data), None)
    assert state.loop(backend, data, asked).teacher is state.average
    report = audit_steps(backend, state, data, asked, steps=3)
    assert report.violations == ()
    assert report.owned.keys() == {"teacher", "head", "key_head", "mixture", "adam"}
    assert all(report.owned.values())
    assert "The method's own teacher moved by" in "\n".join(report.facts())
    without = asked.model_copy(update={"training": asked.training.model_copy(update={"ema": None})})
    state = begin(without, backend, open_space(asked, data), None)
    assert state.loop(backend, data, without).teacher is state.lab.networks["teacher"]
