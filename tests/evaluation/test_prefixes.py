"""What candidates share: golden numbers of the official file, and that sharing changes no result."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.backends.conftest import space
from tests.networks import UNALIKE, backend_on_cpu, noise_dataset, on_backends, randomise, with_one_of
from toolkit.backends import BACKENDS
from toolkit.backends.base import Backend, Counts, Network, Norm
from toolkit.backends.states import newest
from toolkit.candidates import read_candidates
from toolkit.evaluation.evaluator import Evaluator
from toolkit.evaluation.images import EvaluationSet
from toolkit.evaluation.policy import NormPolicy
from toolkit.evaluation.prefixes import Node, Work, alone, by_block, by_convolution, prefix_groups, prefix_tree
from toolkit.spaces import SPACES, Arch, Plans, SearchSpace
from toolkit.spaces.cost import block_cost
from toolkit.spaces.resnet48 import MAX_DEPTHS, RESNET48

__all__ = ["space"]

POLICIES = (NormPolicy("stored"), NormPolicy("batch", 5), NormPolicy("calibrate", 6))


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> Backend:
    """In double precision: statistics of few values blow rounding up, and Paddle rounds by width."""
    return backend_on_cpu(request.param, "fp64")


def relatives(space: SearchSpace, count: int, seed: int) -> list[Arch]:
    """Candidates of which many begin alike: some random ones, and others that depart from one of them somewhere."""
    rng = np.random.default_rng(seed)
    found: list[Arch] = []
    for _ in range(count):
        answers = list(space.sample(rng))
        if found and rng.random() < 0.7:
            model = found[rng.integers(len(found))]
            change = rng.random(len(answers)) < 0.15
            answers = [new if changed else old for new, old, changed in zip(answers, model, change, strict=True)]
        found.append(space.canonical([max(answer, 0) for answer in answers]))
    return found


def networks_of(space: SearchSpace, archs: Sequence[Arch]) -> list[tuple[int, Plans]]:
    return [(key, space.supernet_plans(arch)) for key, arch in enumerate(archs)]


# The official file. Expected numbers: shared/specs/peers.md, section 3.4.


@pytest.fixture(scope="module")
def official(shared: Path) -> list[tuple[str, Plans]]:
    """The networks of the 45,000 official candidates, by code."""
    candidates = read_candidates(shared / "data/candidates/CVPR_2022_NAS_Track1_test.json", RESNET48)
    return [(code, RESNET48.supernet_plans(RESNET48.parse(code))) for code in candidates.values()]


@pytest.fixture(scope="module")
def official_tree(official: list[tuple[str, Plans]]) -> Node[str]:
    return prefix_tree(official)


def test_what_the_official_candidates_share(official: list[tuple[str, Plans]], official_tree: Node[str]) -> None:
    each, block, convolution = alone(official), by_block(official_tree), by_convolution(official_tree)
    assert each.blocks == 742_798
    assert block.blocks == convolution.blocks == 412_795
    assert each.macs == pytest.approx(133.7e12, rel=1e-3)
    assert each.macs / block.macs == pytest.approx(1.8735, abs=5e-5)
    assert each.macs / convolution.macs == pytest.approx(1.9609, abs=5e-5)


def test_what_the_official_candidates_share_by_stage(
    official: list[tuple[str, Plans]], official_tree: Node[str]
) -> None:
    each: Counter[int] = Counter()
    shared: Counter[int] = Counter()
    firsts = tuple(accumulate(MAX_DEPTHS, initial=1))
    stage = [sum(position >= first for first in firsts) for position in range(25)]  # 0 stem, 1..4, 5 head
    for _, plans in official:
        each.update({stage[i]: 0 for i in range(25)})
        for i, plan in enumerate(plans):
            each[stage[i]] += 0 if plan is None else block_cost(plan).macs
    for node in official_tree.descendants():
        for i, by_plan in node.children.items():
            shared[stage[i]] += sum(block_cost(plan).macs for plan in by_plan)
    assert [round(each[s] / shared[s], 2) for s in (2, 3, 4)] == [4.45, 1.01, 1.0]
    assert each[1] / shared[1] == pytest.approx(1329, abs=0.5)
    fractions = [100 * part / each.total() for part in (*(each[s] for s in range(4)), each[4] + each[5])]
    assert [round(fraction, 1) for fraction in fractions] == [3.8, 25.0, 22.4, 30.2, 18.6]


def test_comparing_digits_instead_of_widths_shares_less(official: list[tuple[str, Plans]]) -> None:
    """Digits 1 and 2 of stage 1 are both 64 channels, and so on."""
    nodes: dict[tuple[int, int, str], int] = {}
    macs = 0
    for code, plans in official:
        node = 0
        for i, plan in enumerate(plans):
            if plan is None:
                continue
            digits = code[5] if i == 0 else code[4 + 2 * i : 6 + 2 * i] or "head"
            if (key := (node, i, digits)) not in nodes:
                nodes[key] = len(nodes) + 1
                macs += block_cost(plan).macs
            node = nodes[key]
    assert sum(digits != "head" for _, _, digits in nodes) == 460_690
    assert alone(official).macs / macs == pytest.approx(1.658, abs=5e-4)


# Properties, in every space.


@given(
    name=st.sampled_from(list(SPACES)), seed=st.integers(0, 10**6), count=st.integers(1, 24), limit=st.integers(1, 9)
)
@settings(max_examples=40)
def test_groups_are_a_partition(name: str, seed: int, count: int, limit: int) -> None:
    networks = networks_of(SPACES[name], relatives(SPACES[name], count, seed))
    groups = prefix_groups(networks, limit)
    assert sorted(network for group in groups for network in group) == networks
    assert all(0 < len(group) <= limit for group in groups)


@given(
    name=st.sampled_from(list(SPACES)), seed=st.integers(0, 10**6), count=st.integers(0, 24), limit=st.integers(1, 9)
)
@settings(max_examples=40)
def test_sharing_more_never_costs_more(name: str, seed: int, count: int, limit: int) -> None:
    networks = networks_of(SPACES[name], relatives(SPACES[name], count, seed))
    tree = prefix_tree(networks)
    each, block, convolution = alone(networks), by_block(tree), by_convolution(tree)
    assert convolution.macs <= block.macs <= each.macs
    assert convolution.blocks == block.blocks <= each.blocks
    grouped = sum((by_convolution(prefix_tree(group)) for group in prefix_groups(networks, limit)), Work(0, 0))
    assert convolution.macs <= grouped.macs <= each.macs


@given(name=st.sampled_from(list(SPACES)), seed=st.integers(0, 10**6), count=st.integers(1, 24))
@settings(max_examples=20)
def test_the_order_of_candidates_changes_nothing(name: str, seed: int, count: int) -> None:
    networks = networks_of(SPACES[name], relatives(SPACES[name], count, seed))
    shuffled = [networks[i] for i in np.random.default_rng(seed).permutation(count)]
    for work in (by_block, by_convolution):
        assert work(prefix_tree(networks)) == work(prefix_tree(shuffled))
    assert sorted(map(len, prefix_groups(networks, count))) == [count]


@pytest.mark.parametrize("name", SPACES)
def test_a_network_by_itself_shares_nothing(name: str) -> None:
    for network in networks_of(SPACES[name], relatives(SPACES[name], 5, 0)):
        tree = prefix_tree([network])
        assert by_convolution(tree) == by_block(tree) == alone([network])


@pytest.mark.parametrize("name", SPACES)
def test_equal_networks_are_one(name: str) -> None:
    (network,) = networks_of(SPACES[name], [SPACES[name].largest])
    twins = [("first", network[1]), ("second", network[1])]
    assert by_convolution(prefix_tree(twins)) == by_convolution(prefix_tree([network]))
    assert [node.ends for node in prefix_tree(twins).descendants() if node.ends] == [["first", "second"]]
    assert prefix_groups(twins, 1) == [[twin] for twin in twins]


# Equality of shared and one-by-one evaluation.


def some_norm(network: Network, policy: NormPolicy) -> Norm:
    """Where blocks take their statistics from when all images pass at once."""
    match policy.source:
        case "stored":
            return network.stored_norm()
        case "batch":
            return network.batch_norm()
        case "calibrate":
            return network.calibrating_norm(policy.images)


def walked(network: Network, node: Node[int], state: object, policy: NormPolicy) -> Iterator[tuple[int, object]]:
    """The logits of every network in a tree, with everything shared that can be."""
    yield from ((key, newest(state)) for key in node.ends)
    for index, plans, nodes in node.siblings():
        states = network.run_siblings(index, plans, state, some_norm(network, policy))
        for child, after in zip(nodes, states, strict=True):
            yield from walked(network, child, after, policy)


EVERY_KIND = pytest.mark.parametrize(
    ("backend", "space", "policy"),
    on_backends(with_one_of(POLICIES), zip(UNALIKE, POLICIES, strict=True)),
    indirect=["backend", "space"],
    ids=str,
)


@EVERY_KIND
def test_shared_logits_are_those_of_one_by_one(space: SearchSpace, backend: Backend, policy: NormPolicy) -> None:
    """In double precision, so that nothing is hidden by rounding."""
    network = backend.network(space, space.widest, 0)
    randomise(network)
    data = noise_dataset(space, 6, 23)
    images = np.concatenate([data.calibration.images(range(6)), data.validation.images(range(12))])
    archs = [space.largest, space.smallest, *relatives(space, 14, seed=1)]
    networks = [(key, network.space.supernet_plans(arch)) for key, arch in enumerate(archs)]
    tree = prefix_tree(networks)
    assert by_convolution(tree).macs < alone(networks).macs
    with network.inference():
        state = backend.normalise(backend.place(images), data.spec.mean, data.spec.std)
        shared = {key: np.asarray(logits) for key, logits in walked(network, tree, state, policy)}
        for key, plans in networks:
            own = state
            for index, plan in enumerate(plans):
                if plan is not None:
                    own = network.run_block(index, plan, own, some_norm(network, policy))
            expected = np.asarray(newest(own))
            np.testing.assert_allclose(shared[key], expected, rtol=0, atol=1e-12 * np.abs(expected).max())


@EVERY_KIND
def test_shared_counts_are_those_of_one_by_one(space: SearchSpace, backend: Backend, policy: NormPolicy) -> None:
    """However images are cut into chunks, candidates into groups, and images into those of before and the rest."""
    network = backend.network(space, space.widest, 0)
    randomise(network)
    data = noise_dataset(space, 6, 23)
    archs = relatives(space, 6, seed=2)
    one_by_one = Evaluator(backend, network, EvaluationSet.of(data, policy))
    expected = [one_by_one.evaluate([arch])[0] for arch in archs]
    assert len({counts.loss for counts in expected}) > 1
    for chunk, limit in ((512, 8), (7, 3)):
        evaluator = Evaluator(backend, network, EvaluationSet.of(data, policy), chunk=chunk)
        found: dict[Arch, Counts] = {}
        for group in prefix_groups([(arch, network.space.supernet_plans(arch)) for arch in archs], limit):
            members = [arch for arch, _ in group]
            found.update(zip(members, evaluator.evaluate(members), strict=True))
        assert_equal([found[arch] for arch in archs], expected)
    few = Evaluator(backend, network, EvaluationSet.of(data, policy, 10)).evaluate(archs)
    rest = one_by_one.evaluate(archs, start=10)
    assert_equal([one + other for one, other in zip(few, rest, strict=True)], expected)


def assert_equal(found: Sequence[Counts], expected: Sequence[Counts]) -> None:
    """Counts to the last image, losses to rounding."""
    for own, other in zip(found, expected, strict=True):
        assert (own.top1, own.top5, own.total) == (other.top1, other.top5, other.total)
        assert own.loss == pytest.approx(other.loss, rel=1e-4)
