"""Gradients accumulated over parts of a batch: as good as the whole batch, where no batch norm looks at the parts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from tests import tiny
from tests.interference.toys import Toy
from tests.methods_made import make_method
from tests.networks import backend_on_cpu, on_backends
from toolkit.audit.audit import audit_steps
from toolkit.backends import BACKENDS
from toolkit.backends.base import Backend, Weights
from toolkit.data import open_dataset
from toolkit.errors import InputError
from toolkit.methods import Batch, Method
from toolkit.methods.spos import SPOS
from toolkit.runs.recipe import parse_recipe
from toolkit.runs.setup import open_backend, open_data, open_space
from toolkit.runs.tables import Training
from toolkit.spaces import Arch, Decision, Plans
from toolkit.spaces.plans import Block, Head
from toolkit.spaces.wiring import Value, Wiring
from toolkit.training.loop import Loop
from toolkit.training.standalone import train_alone
from toolkit.training.tally import Tally
from toolkit.training.trainer import begin

DIGITS = open_dataset("digits", calibration=1700, validation=61)  # leaves 36 to train on


@dataclass(frozen=True, slots=True)
class Plain(Block):
    """A convolution with a bias and no batch norm."""

    in_channels: int
    channels: int
    size: int

    def wire(self, g: Wiring, /, *inputs: Value) -> Value:
        return g.relu(g.conv("conv", inputs[0], "channels", 3, bias=True))


def _plans(options: Sequence[Any]) -> Plans:
    first, second = options
    return Plain(1, first, 8), Plain(first, second, 8), Head(second, 10)


SPACE = Toy(
    (Decision("first", (2, 4, 6), (0, 1)), Decision("second", (3, 5, 8), (1, 2))),
    _plans,
    _plans((6, 8)),
    channels=1,
    size=8,
    classes=10,
)


@pytest.fixture(scope="module", params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> Backend:
    return backend_on_cpu(request.param)


def trained(backend: Backend, method: Method, **training: Any) -> tuple[Weights, list[list[Arch]], int, dict[str, Any]]:
    """Weights after three steps, the paths drawn in each call of the method, networks counted, the method's memory."""
    config = Training(**{"epochs": 1, "batch_size": 12, "lr": 0.5, "warmup_epochs": 0.0} | training)
    network, tally = backend.network(SPACE, SPACE.widest, 0), Tally(SPACE)
    optimizer = backend.optimizer(network, config.made_optimizer)
    loop = Loop(backend, network, optimizer, DIGITS, config, 1, tally=tally, method=method)
    drawn: list[list[Arch]] = []

    def step(batch: Batch) -> dict[str, Any]:
        drawn.append([])
        return method.step(batch)

    def sample(batch: Batch, count: int) -> list[Arch]:
        drawn[-1] += (paths := Method.sample(method, batch, count))
        return paths

    method.sample = sample  # type: ignore[method-assign]
    for _ in loop.steps(step):
        pass
    return network.weights(), drawn, tally.networks, method.state()


METHODS: list[tuple[str, dict[str, Any]]] = [
    ("spos", {"paths": 2}),
    ("spos", {"paths": 2, "sampling": {"name": "fair"}}),
    ("spos", {"sampling": {"name": "attentive", "bins": 2}}),
    ("sandwich", {"divergence": "alpha", "label_share": 0.3, "label_smoothing": 0.1}),
    ("nsas", {"archive": 2}),
    ("progressive", {"look": 0}),
]
ADAM = {"optimizer": "adamw", "lr": 1e-2, "clip_norm": 0.5}


@pytest.mark.parametrize(
    ("backend", "name", "options", "optimizer"),
    on_backends(
        [*((*method, {}) for method in METHODS), (*METHODS[0], ADAM)], [(*METHODS[2], {}), (*METHODS[0], ADAM)]
    ),
    indirect=["backend"],
)
def test_parts_are_as_good_as_the_whole(
    backend: Backend, name: str, options: dict[str, Any], optimizer: dict[str, Any]
) -> None:
    whole, paths, networks, memory = trained(backend, make_method(name, SPACE, **options), **optimizer)
    parts, again, counted, remembered = trained(backend, make_method(name, SPACE, **options), accumulate=3, **optimizer)
    assert again == [drawn for drawn in paths for _ in range(3)], "every part of a batch draws the same"
    assert counted == networks, "what is trained counts once"
    assert memory.keys() == remembered.keys()
    for key, array in memory.items():
        np.testing.assert_array_equal(remembered[key], array)
    start = backend.network(SPACE, SPACE.widest, 0).weights()
    for key, array in whole.items():
        moved = np.linalg.norm(array - start[key])
        assert moved > 0, key
        assert np.linalg.norm(parts[key] - array) < 1e-3 * moved, key


def test_candidates_alone_are_trained_likewise(backend: Backend) -> None:
    config = {"epochs": 2, "batch_size": 12, "lr": 0.5, "warmup_epochs": 0.0}
    found = [
        train_alone(backend, SPACE, SPACE.largest, DIGITS, Training(**config, **more), seed=3)
        for more in ({}, {"accumulate": 4})
    ]
    assert found[0].counts.loss == pytest.approx(found[1].counts.loss, rel=1e-4)


def test_parts_must_come_out_even() -> None:
    with pytest.raises(InputError, match=r"batch_size \(10\) cannot be shared out evenly.*accumulate \(4\)"):
        parse_recipe(
            {
                "space": "resnet20",
                "method": {"name": "spos"},
                "training": {"batch_size": 10, "accumulate": 4},
            }
        )


def test_what_compares_before_and_after_needs_the_whole_batch() -> None:
    asked = tiny.recipe(method={"name": "progressive", "look": 2}, training={"accumulate": 2})
    space = open_space(asked, open_data(asked))
    with pytest.raises(InputError, match=r"training\.accumulate: method progressive needs whole batches"):
        asked.make_method(space)
    calm = tiny.recipe(method={"name": "progressive", "look": 0}, training={"accumulate": 2})
    assert calm.make_method(space).needs().whole is False


def test_what_a_method_owns_would_be_moved_too_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SPOS, "begin", lambda self, lab: lab.parameters("policy", {"logits": np.zeros(3)}))
    asked = tiny.recipe(training={"accumulate": 2})
    with pytest.raises(InputError, match=r"training\.accumulate: method spos owns policy, and moves it"):
        begin(asked, open_backend(asked), open_space(asked, open_data(asked)), None)


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw"])
def test_an_audit_finds_nothing(optimizer: str) -> None:
    asked = tiny.recipe(training={"accumulate": 2, "optimizer": optimizer, "lr": 1e-3})
    data, backend = open_data(asked), open_backend(asked)
    state = begin(asked, backend, open_space(asked, data), None)
    assert not audit_steps(backend, state, data, asked, 3).violations
