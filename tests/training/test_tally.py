"""What is counted is what is trained: from gradients as they flow, in every method and both backends."""

from collections import Counter
from typing import Any

import numpy as np
import pytest

from tests import tiny
from tests.methods_made import EVERYWHERE, begun, make_batch, make_method
from tests.networks import backend_on_cpu, on_backends
from toolkit.backends import BACKENDS
from toolkit.backends.base import SGD
from toolkit.errors import InputError
from toolkit.methods import Batch, Method
from toolkit.methods.spos import SPOS
from toolkit.runs.checkpoint import Facts, load_checkpoint, save_checkpoint
from toolkit.sampling.attentive import AttentiveOptions
from toolkit.spaces import SPACES, Arch, Plans
from toolkit.training.loop import method_rng
from toolkit.training.tally import Tally, slices

SPACE = SPACES["resnet48-mini"].for_images(1, 8, 10)
STEPS, SEED = 4, 3


def train_a_little(method: Method, backend: str = "torch", tally: Tally | None = None) -> tuple[Tally, list[Arch]]:
    """A few steps; what was counted, and every path whose backward pass really reached the first convolution."""
    device = backend_on_cpu(backend)
    network = device.network(SPACE, SPACE.widest, 0)
    optimizer = device.optimizer(network, SGD())
    tally = tally or Tally(SPACE)
    rng = np.random.default_rng(0)
    images = device.place(rng.normal(size=(4, 1, 8, 8)).astype(np.float32))
    labels = device.place(rng.integers(10, size=4))
    trained: list[Arch] = []
    run = network.run

    def noted(plans: Plans, x: Any, norm: Any = None, *, path: Arch, **how: Any) -> Any:
        logits = run(plans, x, norm, path=path, **how)
        if backend == "torch" and logits.requires_grad:
            logits.register_hook(lambda _: trained.append(path))
        return logits

    network.run = noted  # type: ignore[method-assign, assignment]
    begun(method, device, network)
    for step in range(STEPS):
        progress, rng = step / (2 * STEPS), method_rng(SEED, step)
        batch = make_batch(method, tally.watched(network), images, labels, rng, progress, 0.01)
        method.step(batch)
        optimizer.step(0.01)
        if method.after(batch) is not None:
            optimizer.step(0.01)
    return tally, trained


@pytest.mark.parametrize("name", EVERYWHERE)
def test_branches_are_counted_where_their_networks_learn(name: str) -> None:
    tally, trained = train_a_little(make_method(name, SPACE))
    assert tally.networks == len(trained) > 0
    classifier = len(SPACE.widest) - 1
    for number, answer, block, times in tally.branches():
        unlabelled = name == "pinas" and block == classifier
        assert times == (0 if unlabelled else sum(arch[number] == answer for arch in trained))


COUNTED: list[tuple[str, dict[str, Any], int]] = [
    ("spos", {"paths": 3}, 3 * STEPS),
    ("pgonas", {"paths": 4, "pairs": 2, "schedule": "constant"}, (4 + 2) * STEPS),
    ("pgonas", {"paths": 4, "pairs": 2, "rank_loss": "symmetric", "schedule": "constant"}, (4 + 4) * STEPS),
    ("pgonas", {"paths": 4, "pairs": 2, "schedule": "warmup"}, 4 + (4 + 2) * (STEPS - 1)),  # from 0 on
    ("landmark", {}, (1 + 2) * STEPS),
    ("landmark", {"pairs": "adjacent", "form": "tanh"}, (1 + 8) * STEPS),
    ("nsas", {"archive": 2}, 1 + 2 + 3 + 3),
    ("progressive", {"look": 0, "paths": 2}, (1 + 2) * STEPS),
    ("sandwich", {"sampling": AttentiveOptions(table=200)}, 4 * STEPS),  # which paths follows from their losses
]


@pytest.mark.parametrize(("backend", "name", "options", "expected"), on_backends(COUNTED, COUNTED[-1:]))
def test_networks_of_a_step(backend: str, name: str, options: dict[str, Any], expected: int) -> None:
    tally, _ = train_a_little(make_method(name, SPACE, **options), backend)
    assert tally.networks == expected


class ByLoss(SPOS):
    """Trains the better of two paths."""

    def step(self, batch: Batch) -> dict[str, Any]:
        ops = batch.net.ops
        losses = [ops.cross_entropy(self.run(batch, arch), batch.labels) for arch in self.sample(batch, 2)]
        best = min(losses, key=lambda loss: float(ops.detach(loss)))
        ops.backward(best)
        return {"loss": ops.detach(best)}


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_was_only_looked_at_does_not_count(backend: str) -> None:
    tally, _ = train_a_little(ByLoss(SPACE, SPOS.options_type(name="spos")), backend)
    assert tally.networks == STEPS


def test_channels_are_counted_by_slice() -> None:
    tally, _ = train_a_little(make_method("sandwich", SPACE))
    layers = [(block, f"{layer}[{slice_}]", times) for block, layer, slice_, times in tally.layers()]
    stem = {name: times for block, name, times in layers if block == 0}
    assert stem["conv[0:7]"] == tally.networks == 4 * STEPS, "every path has the first channels"
    assert list(stem) == ["conv[0:7]", "conv[7:8]"]
    assert 0 < stem["conv[7:8]"] < tally.networks
    assert [(name, times) for block, name, times in layers if block == 24] == [("fc[0:10]", tally.networks)]


def test_slices() -> None:
    assert list(slices({4: 1, 2: 5, 3: 2})) == [("0:2", 8), ("2:3", 3), ("3:4", 1)]
    assert list(slices({})) == []


def test_a_tally_goes_on_where_it_ended() -> None:
    tally, trained = train_a_little(make_method("spos", SPACE))
    again = Tally(SPACE)
    again.load_state(tally.state())
    assert (list(again.branches()), list(again.layers())) == (list(tally.branches()), list(tally.layers()))
    train_a_little(make_method("spos", SPACE), tally=again)
    assert again.networks == 2 * len(trained)
    assert Counter({row[:3]: row[3] for row in again.branches()}) == Counter(
        {row[:3]: 2 * row[3] for row in tally.branches()}
    )


def test_counts_of_another_space_are_refused() -> None:
    other = Tally(SPACES["resnet20"])
    with pytest.raises(InputError, match="another space"):
        other.load_state(train_a_little(make_method("spos", SPACE))[0].state())


def test_a_checkpoint_from_before_opens_and_says_that_it_does_not_know(tmp_path: Any) -> None:
    """Its run goes on as ever, but never claims counts that lack what came before."""
    run = tiny.train_new(tmp_path / "run", tiny.recipe(training={"epochs": 1, "warmup_epochs": 0}))
    kept = load_checkpoint(run.latest_checkpoint())
    assert kept.trained["networks"] == [tiny.STEPS_PER_EPOCH]
    facts = Facts(**{name: getattr(kept.facts, name) for name in kept.facts.__dataclass_fields__})
    save_checkpoint(run.latest_checkpoint(), facts, kept.model, optimizer=kept.optimizer)
    old = load_checkpoint(run.latest_checkpoint())
    assert old.trained == {}
    tally = Tally(SPACES["resnet48-mini"])
    tally.load_state(old.trained)
    space = SPACES["resnet48-mini"]
    tally.note(space.largest, space.supernet_plans(space.largest))
    assert not tally.known
    assert tally.state() == {}
