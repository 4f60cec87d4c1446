"""Bounds on memory hold against what PyTorch's allocator really hands out; and memory that is full is no end."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.backends.conftest import space
from tests.networks import FORMS, noise_dataset, randomise, with_one_of
from toolkit.backends import get_backend
from toolkit.backends.base import Network, Tensor
from toolkit.errors import InputError
from toolkit.evaluation.evaluator import Evaluator
from toolkit.evaluation.images import EvaluationSet
from toolkit.evaluation.memory import Need, chunk_for, memory_need, parse_size, show_size
from toolkit.evaluation.policy import NormPolicy
from toolkit.evaluation.prefixes import prefix_groups, prefix_tree
from toolkit.spaces import SPACES, Arch, SearchSpace

__all__ = ["space"]

POLICIES = (NormPolicy("stored"), NormPolicy("batch", 40), NormPolicy("calibrate", 40))
MINI = SPACES["resnet48-mini"].for_images(1, 8, 10)


def a_group(space: SearchSpace, count: int = 8) -> list[Arch]:
    """Candidates that share as much as those of a large file do."""
    rng = np.random.default_rng(0)
    networks = [(arch, space.supernet_plans(arch)) for arch in {space.sample(rng): None for _ in range(300)}]
    return [arch for arch, _ in max(prefix_groups(networks, count), key=len)]


def peak(evaluator: Evaluator, archs: Sequence[Arch]) -> int:
    """The most bytes that were alive at once while candidates were evaluated."""
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profile:
        evaluator.evaluate(archs)
    changes: list[tuple[int, int]] = []

    def collect(event: Any) -> None:
        if event.tag.name == "Allocation":
            changes.append((event.start_time_ns, event.extra_fields.alloc_size))
        for child in event.children:
            collect(child)

    for event in profile.profiler.kineto_results.experimental_event_tree():
        collect(event)
    return int(np.cumsum([size for _, size in sorted(changes)]).max())


@pytest.mark.parametrize(("space", "policy"), with_one_of(POLICIES, FORMS), indirect=["space"], ids=str)
def test_the_bound_holds_and_is_no_waste(space: SearchSpace, policy: NormPolicy) -> None:
    backend = get_backend("torch", "cpu")
    network, archs = backend.network(space, space.widest, 0), a_group(space)
    images = 40 if policy.source == "batch" else 80
    evaluator = Evaluator(backend, network, EvaluationSet.of(noise_dataset(space), policy), chunk=images)
    evaluator.evaluate(archs[:1])
    need = memory_need(
        prefix_tree([(arch, network.space.supernet_plans(arch)) for arch in archs]), space.channels, space.size
    )
    found = peak(evaluator, archs)
    assert found <= need.of(images) <= 4 * found


@pytest.mark.parametrize("policy", [POLICIES[0], POLICIES[2]], ids=str)
def test_the_evaluator_stays_below_the_memory(policy: NormPolicy) -> None:
    backend = get_backend("torch", "cpu")
    space = MINI.for_images(1, 32, 10)  # where activations, not weights, take the memory
    network, data, archs = backend.network(space, space.widest, 0), noise_dataset(space), a_group(space)
    randomise(network)
    need = memory_need(
        prefix_tree([(arch, network.space.supernet_plans(arch)) for arch in archs]), space.channels, space.size
    )
    whole = Evaluator(backend, network, EvaluationSet.of(data, policy))
    expected, unbounded = whole.evaluate(archs), peak(whole, archs)
    for images in (41, 60):
        evaluator = Evaluator(backend, network, EvaluationSet.of(data, policy), memory=need.of(images))
        found = evaluator.evaluate(archs)
        assert [(one.top1, one.total) for one in found] == [(one.top1, one.total) for one in expected]
        assert peak(evaluator, archs) <= need.of(images) < unbounded
    with pytest.raises(InputError, match=r"memory of 1\.0 KiB is too little"):
        Evaluator(backend, network, EvaluationSet.of(data, policy), memory=1024).evaluate(archs)


def test_deeper_sharing_needs_more_memory() -> None:
    """One activation per depth for a single network; siblings keep what they share besides."""
    networks = [(arch, MINI.plans(arch)) for arch in a_group(MINI, 32)]
    alone = max(memory_need(prefix_tree([network]), MINI.channels, MINI.size).per_image for network in networks)
    together = memory_need(prefix_tree(networks), MINI.channels, MINI.size).per_image
    assert alone < together < 3 * alone


def test_chunks_that_fit() -> None:
    need = Need(fixed=1_000, per_image=10)
    stored, batch, calibrate = POLICIES
    assert chunk_for(1_010, need, stored) == 1
    assert chunk_for(1_999, need, stored) == 99
    assert chunk_for(1_400, need, batch) == chunk_for(10**9, need, batch) == 40
    assert chunk_for(1_410, need, calibrate) == 41
    for policy, enough in ((stored, 1_010), (batch, 1_400), (calibrate, 1_410)):
        with pytest.raises(InputError) as caught:
            chunk_for(enough - 1, need, policy)
        assert f"evaluation needs {show_size(enough)}" in str(caught.value)
        assert policy is stored or f"{policy} passes 40" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("4GiB", 4 << 30),
        ("500MB", 500_000_000),
        ("1.5 gib", 3 << 29),
        ("2g", 2 * 10**9),
        ("800 B", 800),
        ("3KiB", 3072),
        (" 1TiB ", 1 << 40),
    ],
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "text", ["", "4", "GiB", "-4GiB", "0GiB", "4 GiBi", "1e9B", "nanGB", "4GiB 2", "0.1B", "9" * 400]
)
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(InputError, match="write a number and a unit"):
        parse_size(text)


@given(st.integers(1, 10**15))
def test_a_shown_size_suffices(size: int) -> None:
    assert size <= parse_size(show_size(size)) <= 1.1 * size + 1


class FullError(Exception):
    """A device's memory is full."""


class SmallDevice:
    """A backend or network whose memory is full when more than `most` images pass at once."""

    out_of_memory = FullError

    def __init__(self, inner: Any, most: int) -> None:
        self.inner, self.most, self.passed = inner, most, list[int]()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def run_siblings(self, index: int, plans: Any, state: Tensor, norm: Any) -> Iterator[Tensor]:
        self.passed.append(len(state))
        if index > 2 and len(state) > self.most:
            raise FullError
        return self.inner.run_siblings(index, plans, state, norm)  # type: ignore[no-any-return]


def small_device(most: int, policy: NormPolicy) -> tuple[SmallDevice, Evaluator, Evaluator]:
    """A network on a small device, an evaluator there, and one where memory suffices."""
    backend, data = get_backend("torch", "cpu"), noise_dataset(MINI)
    plenty: Network = backend.network(MINI, MINI.widest, 0)
    randomise(plenty)
    network = SmallDevice(plenty, most)
    evaluator = Evaluator(SmallDevice(backend, most), network, EvaluationSet.of(data, policy))  # type: ignore[arg-type]
    return network, evaluator, Evaluator(backend, plenty, EvaluationSet.of(data, policy))


@pytest.mark.parametrize(("policy", "most"), [(POLICIES[0], 12), (POLICIES[2], 41), (POLICIES[2], 70)], ids=str)
def test_out_of_memory_halves_the_chunk(policy: NormPolicy, most: int) -> None:
    network, evaluator, plenty = small_device(most, policy)
    archs = a_group(MINI)
    found, expected = evaluator.evaluate(archs), plenty.evaluate(archs)
    assert [(one.top1, one.top5, one.total) for one in found] == [(one.top1, one.top5, one.total) for one in expected]
    network.passed.clear()
    evaluator.evaluate(archs)
    assert most / 2 <= max(network.passed) <= most, "it remembers, and takes no less than it must"


@pytest.mark.parametrize(("policy", "most"), [(POLICIES[0], 0), (POLICIES[1], 39), (POLICIES[2], 40)], ids=str)
def test_out_of_memory_with_as_few_images_as_possible(policy: NormPolicy, most: int) -> None:
    _, evaluator, _ = small_device(most, policy)
    with pytest.raises(InputError, match=r"device cpu is out of memory with \d+ images at a time") as caught:
        evaluator.evaluate(a_group(MINI))
    assert policy.source == "stored" or f"take fewer than {policy}" in str(caught.value)


def test_pytorch_says_when_memory_is_full() -> None:
    assert get_backend("torch", "cpu").out_of_memory is torch.OutOfMemoryError
