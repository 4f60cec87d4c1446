"""WPNAS: what is drawn and rewarded, on what images, against what, and what goes into a checkpoint."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests import tiny
from tests.methods_made import make_method
from tests.networks import backend_on_cpu, randomise, some_images
from toolkit.backends import BACKENDS
from toolkit.backends.base import Backend
from toolkit.candidates import write_entries
from toolkit.errors import InputError
from toolkit.methods import Batch
from toolkit.methods.few_shot import FewShot
from toolkit.methods.held_out import assess
from toolkit.methods.wpnas import WPNAS
from toolkit.runs.checkpoint import load_checkpoint
from toolkit.runs.metrics import read_metrics
from toolkit.sampling.policy import PolicyOptions
from toolkit.sampling.uniform import UniformOptions
from toolkit.spaces import SPACES, Arch

SPACE = SPACES["nasbench-macro"].for_images(1, 8, 10)


def labels_file(path: Path, count: int = 12) -> str:
    """True accuracies that rise with a path's number of wide blocks."""
    rng = np.random.default_rng(0)
    archs = sorted({SPACE.sample(rng) for _ in range(count)})
    codes = {f"arch{n}": SPACE.format(arch) for n, arch in enumerate(archs)}
    accs = {key: 0.5 + 0.01 * sum(arch) for key, arch in zip(codes, archs, strict=True)}
    write_entries(path, codes, accs)
    return str(path)


def made(**options: Any) -> WPNAS:
    method = make_method("wpnas", SPACE, warmup=0.0, **options)
    assert isinstance(method, WPNAS)
    return method


def batch_of(backend: Backend, seed: int = 1, progress: float = 0.5) -> Batch:
    network = backend.network(SPACE, SPACE.widest, 0)
    randomise(network)
    images = [
        backend.normalise(backend.place(some_images(SPACE, 8, seed=n)), (0.5,), (0.25,)) for n in (seed, seed + 50)
    ]
    labels = backend.place(np.arange(8))
    return Batch(network, images[0], labels, np.random.default_rng(seed), progress, held_out=(images[1], labels))


def test_both_frameworks_assess_alike_and_remember_nothing() -> None:
    archs = [SPACE.largest, SPACE.smallest, SPACE.largest]
    found = []
    for name in BACKENDS:
        batch = batch_of(backend_on_cpu(name))
        before = batch.net.weights()
        found.append(assess(batch, archs))
        assert all(np.array_equal(before[key], array) for key, array in batch.net.weights().items())
        assert found[-1][1][0] == found[-1][1][2] != found[-1][1][1]
    assert np.allclose(found[0][1], found[1][1], rtol=1e-4)
    assert np.array_equal(found[0][0], found[1][0])


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> list[list[Arch]]:
    """Direct accuracy is the share of first options; notes what was assessed together."""
    seen: list[list[Arch]] = []

    def assess(batch: Batch, archs: list[Arch], **_: Any) -> tuple[np.ndarray, np.ndarray]:
        seen.append(list(archs))
        return np.array([arch.count(0) / len(arch) for arch in archs]), np.zeros(len(archs))

    monkeypatch.setattr("toolkit.methods.wpnas.assess", assess)
    return seen


@pytest.mark.parametrize("baseline", ["greedy", "average", "zero"])
def test_the_policy_finds_what_is_rewarded(baseline: str, backend: Backend, fake: list[list[Arch]]) -> None:
    method = made(baseline=baseline, sampling=PolicyOptions(lr=0.2))
    batch = batch_of(backend)
    for seed in range(150):
        method._learn(replace(batch, rng=np.random.default_rng(seed)))
    assert method._policy.policy.argmax().count(0) >= 6
    assert all(len(archs) == 5 for archs in fake), "samples and the greedy path on the same batch"
    assert len(method.state()["advantages"]) == 150 * 4
    if baseline == "greedy":
        assert method.state()["average"] == 0


def test_paths_are_uniform_and_the_policy_rests_until_warm(backend: Backend) -> None:
    method = make_method("wpnas", SPACE, warmup=0.6)
    before = method.state()
    assert method.step(batch_of(backend, progress=0.5)).keys() == {"loss"}
    assert np.array_equal(before["sampling.logits"], method.state()["sampling.logits"])
    values = method.step(batch_of(backend, progress=0.6))
    assert {"greedy_reward", "sampled_reward", "entropy", "entropy.block1", "greedy_share"} <= values.keys()
    assert not np.array_equal(before["sampling.logits"], method.state()["sampling.logits"])


def test_rewards_are_what_their_names_say(backend: Backend, fake: list[list[Arch]], tmp_path: Path) -> None:
    archs = [SPACE.largest, SPACE.smallest, (0, 1, 2, 0, 1, 2, 0, 1)]
    direct = np.array([arch.count(0) / 8 for arch in archs])
    labels = labels_file(tmp_path / "labels.json", 30)
    few = FewShot(labels, SPACE, None)
    batch = batch_of(backend)
    f = few.predict(archs) / few.spread
    expected = {
        "direct": direct / direct.std(),
        "predictor": f,
        "sum": 2 * direct / direct.std() + 3 * f / f.std(),
        "trust": 2 * direct / direct.std() + few.trust * f / f.std(),
    }
    assert 1 < few.trust <= 2
    for kind, values in expected.items():
        method = made(labels=labels, reward=kind, direct_weight=2.0, predictor_weight=3.0)
        assert method.rewarded(batch, archs) == pytest.approx(values), kind
    stacked = made(labels=labels)
    stacked._learn(batch)
    assert fake[-2] == few.archs, "the labelled networks were tested on the same batch"
    few.stack(np.array([arch.count(0) / 8 for arch in few.archs]))
    assert stacked.rewarded(batch, archs) == pytest.approx(few.predict(archs, direct) / few.spread)
    costly = made(cost="macs", cost_target=1e5, cost_form="linear", cost_weight=0.5)
    macs = np.array([SPACE.cost(arch).macs for arch in archs])
    assert costly.rewarded(batch, archs) == pytest.approx(direct / direct.std() - 0.5 * macs / 1e5)


@pytest.mark.parametrize("given", [{}, {"labels": True, "baseline": "average"}, {"labels": True, "reward": "sum"}])
def test_a_resumed_run_ends_in_the_same_checkpoint(given: dict[str, Any], tmp_path: Path) -> None:
    if given.get("labels"):
        given = given | {"labels": labels_file(tmp_path / "labels.json"), "refit": 3}
    recipe = tiny.recipe(
        method={"name": "wpnas", "samples": 2, "warmup": 0.25, "held_out": 0.3, **given},
        training={"batch_size": 16, "epochs": 2},
    ).model_copy(update={"space": "nasbench-macro"})
    run, resumed = tiny.train_with_a_break(tmp_path, recipe)
    assert resumed.read_bytes() == run.latest_checkpoint().read_bytes()
    last = load_checkpoint(resumed)
    assert len(last.method["advantages"]) > 4
    assert len(last.method["labelled"]) == (12 if "refit" in given and "reward" not in given else 0)
    assert "greedy_reward" in read_metrics(run)[-1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"reward": "sum"}, "method.reward: sum needs a predictor"),
        ({"cost": "macs"}, "method.cost_target: missing"),
        ({"cost": "latency", "cost_target": 1.0}, "method.latency: a latency comes from a table"),
        ({"labels": "nowhere.json"}, "method.labels: .*nowhere.json"),
    ],
)
def test_what_does_not_go_together_is_said(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        made(**options)


def test_too_few_labels_are_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"method\.labels: .*labels.json: there are 4 labelled networks"):
        made(labels=labels_file(tmp_path / "labels.json", 4))


def test_another_law_is_refused() -> None:
    with pytest.raises(InputError, match="wpnas learns a policy"):
        made(sampling=UniformOptions())


def test_a_broken_reward_stops_the_training(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    nan = np.array([float("nan")] * 5)
    monkeypatch.setattr("toolkit.methods.wpnas.assess", lambda *_, **__: (nan, nan))
    with pytest.raises(InputError, match="reward that is no finite number"):
        made().step(batch_of(backend))


def test_gradients_cannot_be_accumulated() -> None:
    recipe = tiny.recipe(method={"name": "wpnas"}, training={"accumulate": 2})
    with pytest.raises(InputError, match=r"wpnas needs whole batches; leave training\.accumulate out$"):
        recipe.make_method(SPACE)


def test_too_few_images_to_hold_out_are_said(tmp_path: Path) -> None:
    recipe = tiny.recipe(method={"name": "wpnas", "held_out": 0.01})
    with pytest.raises(InputError, match="held out"):
        tiny.train_new(tmp_path, recipe)


def test_the_memory_of_another_method_is_refused() -> None:
    method = made()
    state = method.state()
    del state["advantages"]
    with pytest.raises(InputError, match="another method's"):
        method.load_state(state)
