"""Pi-NAS, step by step: who moves, what is compared with what, and what is remembered."""

import math
from itertools import pairwise, product
from typing import Any

import numpy as np
import pytest

from tests.methods_made import make_batch, make_method
from tests.networks import backend_on_cpu, some_images, thin
from toolkit.backends import BACKENDS, get_backend
from toolkit.backends.base import Backend, Network, Weights
from toolkit.backends.shapes import used
from toolkit.methods import Batch
from toolkit.methods.embedding import trunk
from toolkit.methods.lab import Lab
from toolkit.methods.losses import contrastive
from toolkit.methods.pinas import PiNAS
from toolkit.sampling.disjoint import disjoint
from toolkit.spaces import SPACES

SPACE = thin(SPACES["pinas-mini"], 8)
SMALL = {"queue": 10, "features": 4, "hidden": 6}


class Made:
    """A method, its network and what it owns."""

    def __init__(self, backend: Backend, space: Any = SPACE, **options: Any) -> None:
        self.backend, self.space = backend, space
        self.net: Network = backend.network(space, space.widest, 0)
        self.lab = Lab(backend, self.net, 0)
        method = make_method("pinas", space, **(SMALL | options))
        assert isinstance(method, PiNAS)
        self.method = method
        self.method.begin(self.lab)

    def batch(self, seed: int = 0, views: int = 4) -> Batch:
        images = [self.backend.place(_floats(self.space, n)) for n in range(views)]
        labels = self.backend.place(np.arange(4))
        batch = make_batch(self.method, self.net, images[0], labels, np.random.default_rng(seed), 0.5, 0.1)
        return Batch(batch.net, images[0], labels, batch.rng, 0.5, 0.1, tuple(images[n % views] for n in range(4)))

    def step(self, seed: int = 0, views: int = 4) -> dict[str, float]:
        return {name: float(value) for name, value in self.method.step(self.batch(seed, views)).items()}

    def differ(self) -> None:
        """Teach the student something, so that the teacher has whom to follow."""
        rng = np.random.default_rng(9)
        weights = self.net.weights()
        self.net.load_weights({n: a + rng.normal(0, 0.1, a.shape).astype(np.float32) for n, a in weights.items()})

    def teacher(self) -> Weights:
        return self.lab.networks["teacher"].weights()


def _floats(space: Any, seed: int) -> Any:
    return (some_images(space, 4, seed).astype(np.float32) - 128) / 64


@pytest.mark.parametrize("name", BACKENDS)
def test_images_without_any_feature_do_not_throw_the_head_away(name: str) -> None:
    """A narrow path may see nothing in an image; its z is a bias of 0 divided by its length."""
    made = Made(backend_on_cpu(name))
    dark = {n: np.zeros_like(a) if n.endswith((".weight", ".bias")) else a for n, a in made.net.weights().items()}
    made.net.load_weights(dark)
    before = made.lab.state()
    made.step()
    after = made.lab.state()
    moved = [float(np.abs(after[n] - before[n]).max()) for n in before if n.startswith("head.")]
    assert 0 < max(moved) < 1


def test_disjoint_paths_share_no_answer() -> None:
    rng = np.random.default_rng(0)
    for name in ("pinas", "nasbench201", "resnet48-mini", "nasbench-macro"):
        space = SPACES[name]
        seen = set()
        for _ in range(50):
            arch = space.sample(rng)
            other = disjoint(rng, space, arch)
            assert space.contains(other)
            assert space.connected(other)
            assert all(a != b or a < 0 for a, b in zip(arch, other, strict=True))
            seen.add(other)
        assert len(seen) > 40


def test_a_cell_without_a_way_through_is_not_connected() -> None:
    space = SPACES["nasbench201"]
    dead = "|none~0|+|none~0|none~1|+|none~0|none~1|nor_conv_3x3~2|"
    assert not space.connected(space.parse(dead))
    assert space.connected(space.parse(dead.replace("none~0|none~1|nor", "skip_connect~0|none~1|nor")))


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_teacher_follows_on_the_paths_only_and_shared_parts_twice(backend: str) -> None:
    made = Made(backend_on_cpu(backend), momentum=0.9)
    made.differ()
    before, student = made.teacher(), made.net.weights()
    paths: list[Any] = []
    run = made.net.run
    made.net.run = lambda plans, *a, path=None, **k: (paths.append(path), run(plans, *a, path=path, **k))[1]  # type: ignore
    made.step()
    after = made.teacher()
    first, second = (set(used(trunk(SPACE.supernet_plans(path)))) for path in paths)
    both = first & second
    assert {name.split(".")[2] for name in both if not name.startswith("blocks.0.")} == {"downsample"}
    moved = 0
    for name, array in after.items():
        if "running_" in name:
            continue
        times = (name in first) + (name in second)
        expected = 0.9**times * before[name] + (1 - 0.9**times) * student[name]
        if times == 0:
            assert array.tobytes() == before[name].tobytes(), name
        np.testing.assert_allclose(array, expected, atol=1e-6, err_msg=name)
        moved += times > 0
    assert moved > 30
    for name, array in made.lab.state().items():
        if name.startswith("teacher_head."):  # of the student's head, before its update; both began alike
            fresh = Made(backend_on_cpu(backend)).lab.state()[name]
            np.testing.assert_allclose(array, fresh, atol=1e-6)


def test_the_whole_teacher_follows_everywhere_once_a_step() -> None:
    made = Made(backend_on_cpu("torch"), momentum=0.9, teacher="whole")
    made.differ()
    before, student = made.teacher(), made.net.weights()
    made.step()
    for name, array in made.teacher().items():
        if "running_" not in name and ".fc." not in name:
            np.testing.assert_allclose(array, 0.9 * before[name] + 0.1 * student[name], atol=1e-6, err_msg=name)


def test_gradients_reach_the_two_paths_of_the_student_and_nothing_of_the_teacher() -> None:
    made = Made(backend_on_cpu("torch"))
    paths: list[Any] = []
    run = made.net.run
    made.net.run = lambda plans, *a, path=None, **k: (paths.append(path), run(plans, *a, path=path, **k))[1]  # type: ignore
    made.step()
    said = {name for path in paths for name in used(trunk(SPACE.supernet_plans(path))) if "running_" not in name}
    assert made.net.gradients().keys() == said
    assert made.lab.networks["teacher"].gradients() == {}


def test_crossing_changes_the_pairing_only() -> None:
    """With one path in place of two and equal views, own and other key are the same, and so are the losses."""
    crossed, own = (Made(backend_on_cpu("torch"), cross=cross, momentum=0.0) for cross in (True, False))
    losses = [made.step(views=4)["loss"] for made in (crossed, own)]
    assert losses[0] != losses[1]
    for name, array in crossed.teacher().items():
        assert array.tobytes() == own.teacher()[name].tobytes(), "all else is alike"
    assert (crossed.method.state()["queue"] == own.method.state()["queue"]).all()


def test_equal_paths_views_and_weights_agree_entirely(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("toolkit.methods.pinas.pair_of_paths", lambda method, batch: 2 * (method.space.smallest,))
    found = Made(backend_on_cpu("torch"), momentum=0.0, temperature=0.2).step(views=1)
    assert found["agreement"] == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_queue_takes_means_of_keys_and_forgets_the_oldest(backend: str) -> None:
    made = Made(backend_on_cpu(backend))
    queues = [made.method.state()["queue"]]
    np.testing.assert_allclose(np.linalg.norm(queues[0], axis=1), 1, rtol=1e-5)
    for step in range(3):
        made.step(step)
        queues.append(made.method.state()["queue"])
    for before, after in pairwise(queues):
        np.testing.assert_array_equal(after[:-4], before[4:])
    assert not np.isclose(queues[-1][:2], queues[0][:2]).any()
    lengths = np.linalg.norm(queues[-1], axis=1)
    assert (lengths <= 1 + 1e-5).all()
    assert lengths.min() < 0.999, "means of two keys are not normalised again"


@pytest.mark.parametrize(("cosine", "expected"), [(0.0, 10.90), (1.0, 5.9)])
def test_the_loss_against_a_fresh_queue(cosine: float, expected: float) -> None:
    """log(exp(s / t) + K exp(1 / (2 D t^2))) - s / t, for K = 49,152 keys of D = 128 features and t = 0.2."""
    ops, rng = backend_on_cpu("torch").ops, np.random.default_rng(0)

    def units(count: int) -> Any:
        drawn = rng.standard_normal((count, 128)).astype(np.float32)
        return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)

    queries, others = units(16), units(16)
    others -= (others * queries).sum(1, keepdims=True) * queries
    others /= np.linalg.norm(others, axis=1, keepdims=True)
    keys = cosine * queries + math.sqrt(1 - cosine**2) * others
    loss = contrastive(ops, ops.place(queries), ops.place(keys), ops.place(units(49_152)), 0.2)
    assert float(loss) == pytest.approx(expected, abs=0.06)


@pytest.mark.parametrize(
    ("cross", "teacher", "negatives"),
    list(product([True, False], ["path", "whole", "student"], ["queue", "batch", "without"])),
)
def test_every_ablation_runs(cross: bool, teacher: str, negatives: str) -> None:
    made = Made(backend_on_cpu("torch"), cross=cross, teacher=teacher, negatives=negatives)
    before = made.lab.state()["head.0.weight"]
    found = made.step()
    assert np.isfinite(list(found.values())).all()
    assert -1 <= found["agreement"] <= 1
    assert ("hits" in found) == ("queue" in made.method.state()) == (negatives == "queue")
    assert ("teacher_gap" in found) == ("teacher" in made.lab.networks) == (teacher != "student")
    assert (made.lab.state()["head.0.weight"] != before).any()
    assert made.net.gradients()


def test_the_head_is_float32_whatever_the_network_computes_in() -> None:
    made = Made(get_backend("torch", "cpu", "bf16"))
    assert np.isfinite(made.step()["loss"])


def test_the_spread_tells_a_collapse() -> None:
    made = Made(backend_on_cpu("torch"))
    assert made.method.remark({"spread": 0.9}) == ""
    assert made.method.remark({}) == ""
    assert made.method.remark({"spread": 0.1}) == "z has collapsed: its spread is 10% of what it should be"
    rng = np.random.default_rng(0)
    drawn = rng.standard_normal((2, 500, 4)).astype(np.float32)
    drawn /= np.linalg.norm(drawn, axis=2, keepdims=True)
    ops = made.backend.ops
    even = [ops.place(each) for each in drawn]
    spread = [float(made.method._measures(ops, z, z)["spread"]) for z in (even, 2 * [even[0][:1]])]
    assert spread[0] == pytest.approx(1, abs=0.05)
    assert spread[1] == 0


def test_supervised_its_teacher_pulls_from_nothing_to_full_weight() -> None:
    """Gradients are those of labels at first; later the other path's teacher joins.

    Weights are drawn anew: in a new network the last batch norm of a block is zero, and all paths predict the same.
    """
    backend = backend_on_cpu("torch")
    new = backend.network(SPACE, SPACE.widest, 0).weights()
    drawn = np.random.default_rng(1)
    weights = {name: array + 0.3 * drawn.random(array.shape, np.float32) for name, array in new.items()}

    def gradients(progress: float, **options: Any) -> Weights:
        net = backend.network(SPACE, SPACE.widest, 0)
        net.load_weights(weights)
        method = make_method("pinas-supervised", SPACE, **options)
        method.begin(Lab(backend, net, 0))
        images, labels = backend.place(_floats(SPACE, 0)), backend.place(np.arange(4))
        method.step(Batch(net, images, labels, np.random.default_rng(0), progress))
        return {name: backend.ops.numpy(array) for name, array in net.gradients().items()}

    def apart(one: Weights, other: Weights) -> float:
        return max(float(np.abs(one[name] - other[name]).max()) for name in one)

    labels_only = gradients(0.5, weight=0.0)
    assert apart(gradients(0.0), labels_only) == 0
    half, full = apart(gradients(0.05), labels_only), apart(gradients(0.1), labels_only)
    assert full > 1e-3, "far above rounding"
    assert half == pytest.approx(full / 2, rel=1e-3)
    assert apart(gradients(0.9), gradients(0.1)) == 0
