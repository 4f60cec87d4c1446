"""Weights that are shared weakly, as networks run and train on them."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import cycle, islice
from typing import Any

import numpy as np
import pytest

from tests.networks import (
    KINDS,
    UNALIKE,
    backend_on_cpu,
    forward,
    logits,
    noise_dataset,
    on_backends,
    randomise,
    some_images,
    thin,
)
from toolkit.backends.base import SGD, Backend, Network
from toolkit.backends.hypernet import is_hyper
from toolkit.backends.shapes import used
from toolkit.backends.weights import path_weights
from toolkit.errors import InputError
from toolkit.evaluation.evaluator import Evaluator
from toolkit.evaluation.images import EvaluationSet
from toolkit.evaluation.policy import NormPolicy
from toolkit.evaluation.prefixes import prefix_tree
from toolkit.spaces import SPACES, Arch, Plans, SearchSpace
from toolkit.spaces.conditioning import ConditionedSpace
from toolkit.spaces.plans import unconditioned

FORMS = {"scale": 0, "low-rank": 2, "mixture": 3}
MACRO = thin(SPACES["nasbench-macro"], 8)
EVERY_KIND = pytest.mark.parametrize(
    ("backend", "name", "form"),
    on_backends(zip(KINDS, cycle(FORMS)), zip(UNALIKE, FORMS, strict=True)),
    indirect=["backend"],
)
"""Each kind of space with one of the forms, each form on several kinds."""


def weak(base: SearchSpace, form: str = "scale", **how: Any) -> ConditionedSpace:
    return replace(ConditionedSpace(base, form, 0.5, 8, FORMS[form]), **how)  # type: ignore[arg-type]


def made(backend: Backend, space: SearchSpace, seed: int = 0) -> Network:
    network = backend.network(space, space.widest, seed)
    randomise(network)
    return network


def placed(backend: Backend, space: SearchSpace, count: int = 8) -> Any:
    return backend.normalise(backend.place(some_images(space, count)), (0.5,) * 3, (0.25,) * 3)


def archs(space: SearchSpace, count: int) -> list[Arch]:
    rng = np.random.default_rng(0)
    return [space.largest, *(space.sample(rng) for _ in range(count - 1))]


def recoded(plans: Plans, others: Plans) -> Plans:
    """Blocks as they are, on the conditions of others."""
    return tuple(
        plan if plan is None or not plan.answers or other is None else replace(plan, answers=other.answers)
        for plan, other in zip(plans, others, strict=True)
    )


@EVERY_KIND
def test_training_begins_with_plain_sharing_to_the_bit(backend: Backend, name: str, form: str) -> None:
    """A fresh HyperNet says nothing, and its draws change no other weight; nor does rho matter then."""
    base = thin(SPACES[name])
    space = weak(base, form)
    plain, own = backend.network(base, base.widest, 3), backend.network(space, space.widest, 3)
    weights = own.weights()
    assert all(weights[key].tobytes() == array.tobytes() for key, array in plain.weights().items())
    randomise(plain)
    own.load_weights(weights | plain.weights())
    for arch in archs(space, 3):
        images = some_images(space)
        found, expected = (logits(backend, each, arch, images, each.batch_norm()) for each in (own, plain))
        assert np.ptp(expected) > 0
        assert found.tobytes() == expected.tobytes()


@pytest.mark.parametrize("form", FORMS)
def test_what_is_learnt_reaches_the_hypernet(backend: Backend, form: str) -> None:
    """Heads in the first step, bodies in the second; then the code matters, with all that runs held fixed."""
    space = weak(MACRO, form)
    network = backend.network(space, space.widest, 0)
    before = network.weights()
    optimizer = backend.optimizer(network, SGD(momentum=0.0))
    images, labels = placed(backend, space, 16), backend.place(np.arange(16) % space.classes)
    own, other = archs(space, 2)
    for _ in range(2):
        network.ops.backward(network.ops.cross_entropy(forward(network, own, images), labels))
        optimizer.step(0.3)
    after = network.weights()
    moved = {key for key, array in after.items() if is_hyper(key) and not np.array_equal(array, before[key])}
    assert {key.rpartition(".")[2] for key in moved if ".hyper.0." in key or ".hyper.1." in key} == {"weight", "bias"}
    assert any(key.endswith("expand.hyper.weight") for key in moved)
    plans = space.supernet_plans(own)
    changed = recoded(plans, space.supernet_plans(other))
    pixels = some_images(space)
    found, expected = (logits(backend, network, own, pixels, network.batch_norm(), each) for each in (changed, plans))
    assert not np.allclose(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("form", FORMS)
def test_strength_is_a_part_of_rho(backend: Backend, form: str) -> None:
    """None of it is plain sharing to the bit, half of it half of rho; folded into weights alike."""
    space, half = weak(MACRO, form, warmup=0.5), weak(MACRO, form, rho=0.25)
    network, of_half = (made(backend, each) for each in (space, half))
    arch, images = MACRO.largest, some_images(MACRO)
    plans = space.supernet_plans(arch)
    for progress, expected, of in (
        (0.0, unconditioned(plans), network),
        (0.25, half.supernet_plans(arch), of_half),
        (0.5, plans, network),
    ):
        run = space.in_training(plans, progress)
        found, others = (
            logits(backend, each, arch, images, each.batch_norm(), which)
            for each, which in ((network, run), (of, expected))
        )
        assert found.tobytes() == others.tobytes()
        own, other = path_weights(run, network.weights()), path_weights(expected, of.weights())
        assert {name: array.tobytes() for name, array in own.items()} == {
            name: array.tobytes() for name, array in other.items()
        }


@pytest.mark.parametrize("form", FORMS)
def test_gradients_are_those_of_differences(form: str) -> None:
    backend = backend_on_cpu("torch", "fp64")
    space = weak(MACRO, form)
    network = made(backend, space)
    images, plans = placed(backend, space), space.supernet_plans(space.largest)

    def loss() -> Any:
        return network.ops.mean(network.run(plans, images, network.batch_norm(), precise=True) ** 2)

    network.ops.backward(loss())
    gradients = {key: np.asarray(value) for key, value in network.gradients().items() if is_hyper(key)}
    weights, rng = network.weights(), np.random.default_rng(0)
    size, tolerance = (1e-4, 5e-3) if form == "mixture" else (1e-6, 1e-5)  # softmax is taken in 32 bits
    for layer in ("blocks.3.hyper.0.weight", "blocks.3.hyper.1.bias", "blocks.2.", "blocks.4."):
        name = rng.choice([key for key in gradients if key.startswith(layer)])
        where = np.unravel_index(np.argmax(np.abs(gradients[name])), gradients[name].shape)
        ends = []
        for step in (size, -size):
            array = weights[name].astype(np.float64)
            array[where] += step
            network.load_weights(weights | {name: array})
            with network.ops.constant():
                ends.append(float(loss()))
        network.load_weights(weights)
        expected = gradients[name][where]
        assert expected != 0
        assert (ends[0] - ends[1]) / (2 * size) == pytest.approx(expected, rel=tolerance), name


def test_a_factor_of_what_goes_out_is_undone_by_batch_norm(backend: Backend) -> None:
    """Why channels that come in are scaled: the negative test of the specification."""
    network = made(backend, MACRO)
    arch, images = MACRO.largest, some_images(MACRO, 32)
    expected = logits(backend, network, arch, images, network.batch_norm())
    factor = np.random.default_rng(0).uniform(0.5, 1.5, 64).astype(np.float32)
    weights = network.weights()
    name = next(key for key in used(MACRO.supernet_plans(arch)) if key.endswith("expand.weight"))
    for where, unchanged in (((slice(None), None), True), ((None, slice(None)), False)):
        scale = factor[: weights[name].shape[0 if unchanged else 1]][where][..., None, None]
        network.load_weights(weights | {name: weights[name] * scale})
        found = logits(backend, network, arch, images, network.batch_norm())
        assert np.allclose(found, expected, rtol=1e-2, atol=1e-2) == unchanged


@EVERY_KIND
def test_folded_into_its_weights_a_path_computes_the_same_alone(backend: Backend, name: str, form: str) -> None:
    base = thin(SPACES[name], 8)
    space = weak(base, form)
    network = made(backend, space)
    for arch in archs(space, 3):
        weights = path_weights(space.supernet_plans(arch), network.weights())
        of = {name: array.shape for name, array in weights.items()}
        plans = next(p for p in (base.supernet_plans(arch), base.plans(arch)) if used(p).items() <= of.items())
        alone = backend.network(base, plans, 0)
        alone.load_weights(alone.weights() | weights)
        images = some_images(space, 16)
        for source in ("stored_norm", "batch_norm"):
            expected = logits(backend, network, arch, images, getattr(network, source)())
            found = logits(backend, alone, arch, images, getattr(alone, source)(), plans)
            np.testing.assert_allclose(found, expected, rtol=1e-3, atol=2e-4 * np.abs(expected).max())


def cases() -> Iterator[tuple[str, str, dict[str, Any]]]:
    yield "nasbench-macro", "scale", {}
    yield "nasbench-macro", "scale", {"sees": "local"}
    yield "nasbench-macro", "scale", {"control": "constant"}
    yield "resnet20", "low-rank", {"sees": "local"}
    yield "nasbench201", "mixture", {"control": "shuffled"}
    yield "resnet48-mini", "scale", {"control": "constant"}
    yield "resnet48-mini", "mixture", {"control": "constant"}


@pytest.mark.parametrize(("framework", "name", "form", "how"), on_backends(cases(), islice(cases(), 3, 6)))
def test_together_candidates_count_as_each_for_itself(
    framework: str, name: str, form: str, how: dict[str, Any]
) -> None:
    """In double precision: whatever is shared, the numbers are those of one by one; programs do not pile up."""
    backend, space = backend_on_cpu(framework, "fp64"), weak(thin(SPACES[name], 8), form, **how)
    network = made(backend, space)
    rng = np.random.default_rng(1)
    first = space.sample(rng)
    some = [first, *archs(space, 3)]
    for decision in range(len(first)):  # neighbours: most of them begin alike
        answers = [max(answer, 0) for answer in first]
        answers[decision] = int(rng.integers(len(space.decisions[decision].options)))
        some.append(space.canonical(answers))
    some = list(dict.fromkeys(some))
    plain = prefix_tree([(arch, space.base.supernet_plans(arch)) for arch in some])
    own = prefix_tree([(arch, space.supernet_plans(arch)) for arch in some])
    counts = [sum(1 for _ in tree.descendants()) for tree in (own, plain)]
    assert counts[0] > counts[1] or how.get("control") == "constant"
    evaluator = Evaluator(
        backend, network, EvaluationSet.of(noise_dataset(space, 6, 23), NormPolicy("calibrate", 6)), chunk=16
    )
    alone = [evaluator.evaluate([arch])[0] for arch in some]
    for together, one in zip(evaluator.evaluate(some), alone, strict=True):
        assert (together.top1, together.top5, together.total) == (one.top1, one.top5, one.total)
        assert together.loss == pytest.approx(one.loss, rel=1e-6)
    assert len({one.loss for one in alone}) == len({space.base.supernet_plans(arch) for arch in some})


def test_programs_are_kept_by_structure(backend: Backend) -> None:
    """Else a thousand architectures would be a thousand programs for each block."""
    space = weak(MACRO)
    network: Any = made(backend, space)
    images = placed(backend, space, 2)
    for arch in archs(space, 40):
        forward(network, arch, images)
    for block in network.blocks:
        if hasattr(block, "programs"):
            assert block.programs._known.cache_info().currsize <= 3


def test_siblings_on_different_conditions_are_refused(backend: Backend) -> None:
    space = weak(MACRO)
    network = made(backend, space)
    one, other = (space.supernet_plans(arch)[0] for arch in archs(space, 2))
    with pytest.raises(ValueError, match="conditioned differently"):
        next(iter(network.run_siblings(0, (one, other), placed(backend, space), network.batch_norm())))  # type: ignore[arg-type]


def test_a_network_without_a_hypernet_runs_nothing_conditioned(backend: Backend) -> None:
    network = made(backend, MACRO)
    with pytest.raises((ValueError, AttributeError)):
        network.run(weak(MACRO).supernet_plans(MACRO.largest), placed(backend, MACRO))


def test_a_hypernet_of_another_form_or_size_is_no_ancestor(backend: Backend) -> None:
    from toolkit.runs.setup import descended

    own = made(backend, weak(MACRO)).weights()
    for other in (weak(MACRO, "low-rank"), weak(MACRO, hidden=16), weak(MACRO, sees="local")):
        with pytest.raises(InputError):
            descended(own, made(backend, other).weights())
    plain = made(backend, MACRO).weights()
    begun = descended(own, plain)
    assert all(begun[key] is own[key] for key in own if is_hyper(key))
    assert all(np.array_equal(begun[key], array) for key, array in plain.items())
    with pytest.raises(InputError, match="holds a HyperNet"):
        descended(plain, own)
