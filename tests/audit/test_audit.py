"""What an audit must find, and what it must not, on real networks that are tiny."""

from collections.abc import Callable
from functools import cache
from itertools import islice
from typing import Any

import numpy as np
import pytest

from tests import tiny
from tests.interference.toys import Toy
from tests.methods_made import make_method
from tests.networks import backend_on_cpu, randomise
from toolkit.audit.audit import audit_steps
from toolkit.audit.moves import update_causes
from toolkit.audit.report import Report
from toolkit.backends import BACKENDS
from toolkit.backends.base import Backend, Network, Tensor
from toolkit.data.base import Dataset
from toolkit.methods import Batch, Method
from toolkit.methods.lab import Lab
from toolkit.methods.progressive import Progressive
from toolkit.runs.recipe import Recipe
from toolkit.runs.setup import open_data
from toolkit.spaces import Decision, Plans, SearchSpace
from toolkit.spaces.grouping import GroupedSpace
from toolkit.spaces.plans import BasicBlock, Head, Stem
from toolkit.spaces.splitting import Split, SplitSpace
from toolkit.training.loop import Loop
from toolkit.training.tally import Tally
from toolkit.training.trainer import State


def plans(options: Any) -> Plans:
    stem, middle, out = options
    return Stem(1, stem, 3, 1, False, 8), BasicBlock(stem, middle, out, 2, True, 8, "prelu"), Head(out, 10)


SPACE = Toy(
    (Decision("stem", (2, 4), (0, 1)), Decision("middle", (2, 4), (1,)), Decision("out", (2, 4, 8), (1, 2))),
    plans,
    plans((4, 4, 8)),
    channels=1,
    size=8,
    classes=10,
)
SLOPE = "blocks.1.outer.weight"


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> Backend:
    return backend_on_cpu(request.param)


@cache
def images() -> Dataset:
    return open_data(tiny.recipe())


def recipe(**training: Any) -> Recipe:
    settings = {"lr": 0.05, "weight_decay": 0.01, "epochs": 3} | training
    return tiny.recipe(training=settings, supernet={"groups": "widths", "activation": "prelu", "group_slopes": False})


def ready(backend: Backend, space: SearchSpace) -> Network:
    network = backend.network(space, space.widest, 0)
    randomise(network)
    return network


def audit(backend: Backend, method: Method, asked: Recipe | None = None, steps: int = 6) -> Report:
    asked = asked or recipe()
    network = ready(backend, method.space)
    return audit_steps(backend, state(backend, network, method, asked), images(), asked, steps)


def state(backend: Backend, network: Network, method: Method, asked: Recipe) -> State:
    lab = Lab(backend, network, asked.seed)
    method.begin(lab)
    return State(
        network, backend.optimizer(network, asked.training.made_optimizer), None, method, lab, Tally(network.space)
    )


def grouped(*, slopes: bool = True) -> GroupedSpace:
    return GroupedSpace(SPACE, "widths", activations=slopes)


def frozen_teacher(space: SearchSpace, kind: type[Progressive] = Progressive) -> Progressive:
    return kind(space, kind.options_type(name="progressive", teacher="frozen", paths=2, look=2))  # type: ignore[call-arg]


def test_the_drifting_teacher_is_found(backend: Backend) -> None:
    """As in the code of 2021: no weight of the trunk moves, its slopes do, and so what it teaches."""
    report = audit(backend, frozen_teacher(grouped(slopes=False)))
    (found,) = report.violations
    assert (found.kind, found.tensors) == ("frozen", (SLOPE,))
    assert found.remedy == "supernet.group_slopes = true"
    assert found.change is not None
    assert found.change > 0
    assert "by gradients" in found.words
    drifts = [step.drift.by_batch for step in report.steps if step.drift is not None]
    assert len(drifts) == 6
    assert all(drift > 0 for drift in drifts)


def test_a_frozen_teacher_with_slopes_of_its_own_is_frozen(backend: Backend) -> None:
    report = audit(backend, frozen_teacher(grouped()))
    assert report.violations == ()
    assert report.steps[-1].drift is not None
    assert (report.steps[-1].drift.by_batch, report.steps[-1].drift.stored) == (0, 0)
    assert f"none of its {len(report.frozen)} tensors changed" in "\n".join(report.facts())
    assert report.frozen == {name for name in report.sizes if ".groups." not in name}


class MovesItsStatistics(Progressive):
    """Runs its teacher as if it trained it."""

    def _teach(self, batch: Batch) -> dict[str, Tensor]:
        with batch.net.ops.constant():
            largest = self.space.largest
            self._target = self.run(batch, largest, self.space.trunk_plans(largest))
            return {"loss": batch.net.ops.cross_entropy(self._target, batch.labels)}


def test_a_teacher_whose_statistics_move_is_found(backend: Backend) -> None:
    report = audit(backend, frozen_teacher(grouped(), MovesItsStatistics))
    (found,) = report.violations
    assert found.kind == "frozen"
    assert set(found.tensors) == {name for name in report.frozen if "running_" in name}
    assert "in forward passes" in found.words
    assert "batch_norm" in found.remedy
    drift = report.steps[-1].drift
    assert drift is not None
    assert drift.by_batch == 0
    assert drift.stored > 0


def test_a_teacher_whose_layers_its_students_use_is_found(backend: Backend) -> None:
    """Only the widest layers are grouped."""
    report = audit(backend, frozen_teacher(GroupedSpace(SPACE, ((8, "widths"),))))
    assert {each.kind for each in report.violations} == {"frozen"}
    moved = {name for each in report.violations for name in each.tensors}
    assert "blocks.0.conv.weight" in moved
    assert "blocks.0.bn.running_mean" in moved
    assert not any(name.startswith("blocks.2") for name in moved)
    assert all("supernet.groups" in each.remedy for each in report.violations)


def split() -> SplitSpace:
    return SplitSpace(SPACE, (Split("out", (("2",), ("4",), ("8",))),))


@pytest.mark.parametrize("space", [grouped, split])
def test_idle_branches_that_move_are_found(backend: Backend, space: Callable[[], SearchSpace]) -> None:
    """Groups and splits that no path of a step used go on by momentum and decay only if one lets them."""
    method = make_method("spos", space())
    report = audit(backend, method, recipe(move_idle=True))
    (found,) = report.violations
    assert (found.kind, found.remedy) == ("idle", "training.move_idle = false")
    assert found.tensors
    assert all(".groups." in name or ".d2o" in name for name in found.tensors)
    assert "momentum" in found.words
    rests = audit(backend, make_method("spos", space()), recipe(move_idle=False))
    assert rests.violations == ()
    assert "used by no path" in "\n".join(rests.facts())


class Writes(Method):
    """Puts a number into a weight, now or after the update."""

    name = "writes"
    when = "step"
    tensor = "blocks.2.fc.bias"

    def step(self, batch: Batch) -> dict[str, Tensor]:
        net = batch.net
        loss = net.ops.cross_entropy(self.run(batch, self.space.largest), batch.labels)
        net.ops.backward(loss)
        self._write(net, "step")
        return {"loss": net.ops.detach(loss)}

    def after(self, batch: Batch) -> None:
        self._write(batch.net, "after")

    def _write(self, net: Network, when: str) -> None:
        if self.when == when:
            weights = net.weights()
            weights[self.tensor] = weights[self.tensor] + np.float32(0.01)
            net.load_weights(weights)


class WritesAfterwards(Writes):
    when = "after"
    tensor = "blocks.0.bn.running_mean"


@pytest.mark.parametrize("kind", [Writes, WritesAfterwards])
def test_a_method_that_writes_weights_is_found(backend: Backend, kind: type[Writes]) -> None:
    report = audit(backend, kind(SPACE, kind.options_type(name="writes")), steps=2)
    (found,) = report.violations
    assert (found.kind, found.tensors) == ("unknown", (kind.tensor,))
    assert report.kinds[kind.tensor] == "unknown"


@pytest.mark.parametrize("name", ["spos", "sandwich", "pgonas", "largest", "progressive", "nsas"])
def test_methods_by_default_break_nothing(backend: Backend, name: str) -> None:
    space = SPACE if name == "pgonas" else grouped()
    report = audit(backend, make_method(name, space), steps=3)
    assert report.violations == ()
    assert {"gradient", "forward"} <= set(report.kinds.values())


def test_the_audited_training_is_the_training(backend: Backend) -> None:
    """To the last bit; and whatever changed in it has a cause."""
    asked, space = recipe(move_idle=True), grouped(slopes=False)
    plain = ready(backend, space)
    method = frozen_teacher(space)
    loop = Loop(
        backend, plain, backend.optimizer(plain, asked.training.made_optimizer), images(), asked.training, asked.seed
    )
    list(islice(loop.steps(method.step, 0, method.after), 4))
    network = ready(backend, space)
    first = network.weights()
    report = audit_steps(backend, state(backend, network, frozen_teacher(space), asked), images(), asked, 4)
    audited = network.weights()
    for name, array in plain.weights().items():
        np.testing.assert_array_equal(array, audited[name], name)
        assert (report.kinds[name] is None) == np.array_equal(array, first[name])
        assert (np.linalg.norm(array - first[name])) <= 1.001 * sum(
            move.distance for _, move in report.moves if move.tensor == name
        )


def test_causes_are_told_apart() -> None:
    before = np.array([1, 1, 1, 0, 1, 1], np.float32)
    after = np.array([2, 3, 4, 5, 6, 1], np.float32)
    gradient = np.array([1, 0, 0, 0, 0, 1], np.float32)
    momentum = np.array([1, 1, 0, 0, 0, 0], np.float32)
    found = update_causes(before, after, gradient, momentum, decayed=True)
    assert {cause: part.tolist() for cause, part in found.items()} == {
        "gradient": [1],
        "momentum": [2],
        "decay": [3, 5],
        "unknown": [5],
    }
    assert update_causes(before, after, gradient, None, decayed=False)["unknown"].tolist() == [2, 3, 5, 5]
    assert update_causes(before, after, None, momentum, decayed=True)["unknown"].tolist() == [1, 2, 3, 5, 5]
