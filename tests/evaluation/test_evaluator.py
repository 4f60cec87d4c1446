from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from tests.methods_made import make_method
from tests.networks import backend_on_cpu
from toolkit.backends import BACKENDS
from toolkit.backends.base import Backend, Counts, Images, Labels, Network, Norm
from toolkit.data import open_dataset
from toolkit.evaluation.evaluator import Evaluator
from toolkit.evaluation.images import EvaluationSet
from toolkit.evaluation.policy import NormPolicy
from toolkit.runs.tables import Training
from toolkit.spaces import SPACES, Arch
from toolkit.training.loop import Loop

DIGITS = open_dataset("digits", calibration=96, validation=110)
SPACE = SPACES["resnet48-mini"].for_images(DIGITS.spec.channels, DIGITS.spec.size, DIGITS.spec.classes)
POLICIES = (NormPolicy("stored"), NormPolicy("batch", 40), NormPolicy("calibrate", 60))


@pytest.fixture(scope="module", params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> Backend:
    return backend_on_cpu(request.param)


@pytest.fixture(scope="module")
def network(backend: Backend) -> Network:
    """A supernet that has learnt a little, so that its candidates answer neither by chance nor all alike."""
    network = backend.network(SPACE, SPACE.widest, 0)
    config = Training(epochs=2, batch_size=64, warmup_epochs=0.5, clip_norm=5.0)
    loop = Loop(backend, network, backend.optimizer(network, config.made_optimizer), DIGITS, config, seed=0)
    for _ in loop.steps(make_method("spos", SPACE).step):
        pass
    return network


def archs(count: int) -> list[Arch]:
    """The extremes, random ones, and relatives of a random one that share its first decisions."""
    rng = np.random.default_rng(1)
    found = [SPACE.largest, SPACE.smallest]
    while len(found) < count:
        first, second = SPACE.sample(rng), SPACE.sample(rng)
        cut = int(rng.integers(len(first)))
        found += [first, SPACE.canonical([max(0, a) for a in (*first[:cut], *second[cut:])])]
    return found[:count]


def evaluator_of(
    backend: Backend, network: Network, policy: NormPolicy, images: int | None = None, chunk: int = 512
) -> Evaluator:
    return Evaluator(backend, network, EvaluationSet.of(DIGITS, policy, images), chunk)


def by_hand(backend: Backend, network: Network, arch: Arch, images: Images, labels: Labels, norm: Norm) -> Counts:
    """One network on one batch, block after block."""
    state = backend.normalise(backend.place(images), DIGITS.spec.mean, DIGITS.spec.std)
    with network.inference():
        for index, plan in enumerate(network.space.supernet_plans(arch)):
            if plan is not None:
                state = network.run_block(index, plan, state, norm)
        return network.count(state, backend.place(labels))


def validation(start: int, end: int) -> tuple[Images, Labels]:
    indices = np.arange(start, end)
    return DIGITS.validation.images(indices), DIGITS.validation.labels[indices]


def assert_equal(found: Sequence[Counts], expected: Sequence[Counts]) -> None:
    """Counts to the last image, losses to rounding."""
    for own, other in zip(found, expected, strict=True):
        assert (own.top1, own.top5, own.total) == (other.top1, other.top5, other.total)
        assert own.loss == pytest.approx(other.loss, rel=1e-4)


def test_stored_statistics_by_hand(backend: Backend, network: Network) -> None:
    expected = [by_hand(backend, network, arch, *validation(0, 110), network.stored_norm()) for arch in archs(4)]
    assert_equal(evaluator_of(backend, network, NormPolicy("stored")).evaluate(archs(4)), expected)
    assert len({counts.top1 for counts in expected}) > 1
    assert max(counts.top1 for counts in expected) > 2 * 11, "better than chance"


def test_batch_statistics_by_hand(backend: Backend, network: Network) -> None:
    """Those of 40 images at a time; the last 30 are by themselves."""
    expected = []
    for arch in archs(4):
        chunks = [validation(0, 40), validation(40, 80), validation(80, 110)]
        counts = [by_hand(backend, network, arch, *chunk, network.batch_norm()) for chunk in chunks]
        expected.append(sum(counts, Counts(0, 0, 0, 0.0)))
    evaluator = evaluator_of(backend, network, NormPolicy("batch", 40))
    assert_equal(evaluator.evaluate(archs(4)), expected)


def test_calibration_by_hand(backend: Backend, network: Network) -> None:
    """Statistics of 60 calibration images alone, then all test images with these."""
    expected = []
    indices = np.arange(60)
    calibration = DIGITS.calibration.images(indices), DIGITS.calibration.labels[indices]
    for arch in archs(4):
        norm = network.calibrating_norm(60)
        by_hand(backend, network, arch, *calibration, norm)
        expected.append(by_hand(backend, network, arch, *validation(0, 110), network.calibrated_norm(norm)))
    evaluator = evaluator_of(backend, network, NormPolicy("calibrate", 60))
    assert_equal(evaluator.evaluate(archs(4)), expected)


def test_policies_differ(backend: Backend, network: Network) -> None:
    losses = {evaluator_of(backend, network, policy).evaluate([SPACE.largest])[0].loss for policy in POLICIES}
    assert len(losses) == len(POLICIES)


@pytest.mark.parametrize("policy", [POLICIES[0], POLICIES[2]], ids=str)
@pytest.mark.parametrize("chunk", [20, 109, 110])
def test_chunks_change_nothing(backend: Backend, network: Network, policy: NormPolicy, chunk: int) -> None:
    whole = evaluator_of(backend, network, policy).evaluate(archs(4))
    assert_equal(evaluator_of(backend, network, policy, chunk=chunk).evaluate(archs(4)), whole)


@pytest.mark.parametrize("policy", POLICIES, ids=str)
def test_a_group_is_its_candidates_one_by_one(backend: Backend, network: Network, policy: NormPolicy) -> None:
    """Whatever the order, and with the same candidate twice."""
    evaluator = evaluator_of(backend, network, policy, chunk=64)
    group = [*archs(9), SPACE.smallest]
    alone = [evaluator.evaluate([arch])[0] for arch in group]
    assert_equal(evaluator.evaluate(group), alone)
    assert_equal(evaluator.evaluate(group[::-1]), alone[::-1])
    assert evaluator.evaluate([]) == []


def test_equal_evaluations_repeat_exactly(backend: Backend, network: Network) -> None:
    evaluator = evaluator_of(backend, network, NormPolicy("calibrate", 60))
    assert evaluator.evaluate(archs(5)) == evaluator.evaluate(archs(5))


def test_evaluation_changes_no_weight(backend: Backend, network: Network) -> None:
    before = network.weights()
    for policy in POLICIES:
        evaluator_of(backend, network, policy).evaluate(archs(3))
    for name, array in network.weights().items():
        np.testing.assert_array_equal(array, before[name], err_msg=name)


@pytest.mark.parametrize("policy", [POLICIES[0], POLICIES[2]], ids=str)
def test_the_first_images_only(backend: Backend, network: Network, policy: NormPolicy) -> None:
    """The rest is what the others would have added."""
    first = evaluator_of(backend, network, policy, images=30, chunk=30).evaluate(archs(3))
    whole = evaluator_of(backend, network, policy, chunk=30).evaluate(archs(3))
    assert [counts.total for counts in first] == 3 * [30]
    assert all(few.top1 <= all_.top1 and few.loss < all_.loss for few, all_ in zip(first, whole, strict=True))
    stored = evaluator_of(backend, network, NormPolicy("stored"), images=30).evaluate(archs(3))
    expected = [by_hand(backend, network, arch, *validation(0, 30), network.stored_norm()) for arch in archs(3)]
    assert_equal(stored, expected)


def test_images_are_read_once(backend: Backend, network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    evaluator = evaluator_of(backend, network, NormPolicy("calibrate", 60))

    def refuse(*_: object) -> Callable[..., Any]:
        raise AssertionError("images are to stay where they are")

    monkeypatch.setattr(type(DIGITS.validation), "images", refuse)
    monkeypatch.setattr(type(backend), "place", refuse)
    evaluator.evaluate(archs(3))
