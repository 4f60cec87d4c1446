"""Whole probes: every space, every backend, and what must not change."""

import math
from dataclasses import replace
from typing import get_args

import numpy as np
import pytest

from tests import networks
from tests.networks import KINDS, backend_on_cpu, randomise
from toolkit.backends import BACKENDS, get_backend
from toolkit.backends.base import Network, Precision
from toolkit.data import open_dataset
from toolkit.data.base import Dataset
from toolkit.errors import InputError
from toolkit.interference.branches import Branches
from toolkit.interference.draws import draw_answers, draw_batches, draw_paths
from toolkit.interference.probe import BRANCHES, FEATURES, LOOKAHEAD, PATHS, Probe, Settings
from toolkit.interference.table import CHANCE, MEASURES, Row
from toolkit.spaces import SPACES, SearchSpace
from toolkit.spaces.nasbench201 import NASBench201
from toolkit.spaces.nasbench_macro import NASBenchMacro
from toolkit.spaces.ofa import OFA
from toolkit.spaces.proxyless import Proxyless
from toolkit.spaces.resnet48 import ResNet48
from toolkit.spaces.splitting import Split, SplitSpace


@pytest.fixture(scope="module")
def data() -> Dataset:
    return open_dataset("digits")


def thin(name: str) -> SearchSpace:
    """A space of few channels, for the digits."""
    space = SPACES[name].for_images(1, 8, 10)
    match space:
        case ResNet48():
            return replace(space, base=(8, 16, 24, 32), divisor=1, stem_kernel=3, stem_pool=False)
        case NASBench201():
            return replace(space, widths=(4, 8, 16), cells=1)
        case NASBenchMacro():
            return replace(space, width=8, last=40)
        case OFA() | Proxyless():
            return networks.thin(space, 8).for_images(1, 8, 10)
    return space


def probe_of(backend_name: str, space: SearchSpace, data: Dataset, settings: Settings) -> tuple[Probe, Network]:
    backend = backend_on_cpu(backend_name)
    network = backend.network(space, space.widest, 0)
    randomise(network)
    return Probe(backend, network, data, settings), network


def check(rows: list[Row], space: SearchSpace) -> None:
    blocks, decisions = len(space.widest), {decision.name: decision for decision in space.decisions}
    keys = [(row.measure, row.block, row.decision, row.first, row.second) for row in rows]
    assert len(keys) == len(set(keys))
    for row in rows:
        measure = MEASURES[row.measure]
        assert -1 <= row.block < blocks
        assert math.isnan(row.value) == (row.n == 0)
        assert math.isnan(row.value) or measure.low - 1e-6 <= row.value <= measure.high + 1e-6, row
        # Without one of the batches, signal to noise may have too few paths with the block.
        assert math.isnan(row.error) == (row.n < 2) or row.measure == "signal_to_noise", row
        if row.decision and row.first != CHANCE:
            options = list(map(str, decisions[row.decision].options))
            assert row.block in decisions[row.decision].blocks
            assert options.index(row.first) < options.index(row.second)
        if row.distance >= 0:
            assert row.distance == space.distance(space.parse(row.first), space.parse(row.second))


SMALL = Settings(paths=3, batches=2, images=8)


@pytest.mark.parametrize("name", KINDS)
def test_every_class_of_space(name: str, data: Dataset) -> None:
    space = thin(name)
    probe, network = probe_of("torch", space, data, SMALL)
    before = network.weights()
    rows = probe.measure(budget=24)
    check(rows, space)
    assert {row.measure for row in rows} >= {*FEATURES, *BRANCHES, *PATHS} - {"forgetting"}
    assert probe.passes <= 24
    for tensor, array in network.weights().items():
        assert (array == before[tensor]).all(), tensor
    assert network.gradients() == {}


@pytest.mark.parametrize("name", BACKENDS)
def test_every_backend(name: str, data: Dataset) -> None:
    space = thin("nasbench-macro")
    probe, _ = probe_of(name, space, data, replace(SMALL, paths=2))
    check(probe.measure(budget=20), space)


def test_a_training_in_bf16_is_probed_in_full_precision(data: Dataset) -> None:
    found = []
    for precision in get_args(Precision):
        backend = get_backend("torch", "cpu", precision)
        network = backend.network(thin("nasbench-macro"), thin("nasbench-macro").widest, 0)
        randomise(network)
        settings = replace(SMALL, paths=2, batches=1, measures=("lookahead", "feature_cosine", "path_cosine"))
        found.append([row.value for row in Probe(backend, network, data, settings).measure()])
    for other in found[1:]:
        assert other == pytest.approx(found[0], rel=1e-3, abs=1e-4, nan_ok=True)


def test_backends_agree(data: Dataset) -> None:
    settings = replace(SMALL, paths=2)
    found = []
    for name in BACKENDS:
        probe, _ = probe_of(name, thin("nasbench201"), data, settings)
        found.append({replace(row, value=0.0, error=0.0): row.value for row in probe.measure(budget=30)})
    first, *others = found
    for other in others:
        assert first.keys() == other.keys()
        for row, value in first.items():
            assert other[row] == pytest.approx(value, rel=2e-2, abs=2e-3, nan_ok=True), row


def test_a_split_space(data: Dataset) -> None:
    """Branches in different groups share nothing at the split block, but still everything else."""
    split = Split("middle4.1", (("1", "2", "3"), ("4", "5", "6", "7")))
    space = SplitSpace(thin("resnet48-mini"), (split,))
    backend = backend_on_cpu("torch")
    network = backend.network(space, space.widest, 0)
    randomise(network)
    probe = Branches(network)
    (batch,) = draw_batches(backend, data, 1, 8, 0)
    list(probe.draw([0] * len(space.decisions), batch, [26]))
    rows = list(probe.rows())
    check(rows, space)
    own = {(row.measure, row.first, row.second): row for row in rows if row.decision == "middle4.1"}
    assert math.isnan(own["shared_gradient_cosine", "1", "7"].value)
    assert not math.isnan(own["shared_gradient_cosine", "4", "7"].value)
    assert not math.isnan(own["gradient_cosine", "1", "7"].value)


def test_equal_seeds_repeat_and_others_do_not(data: Dataset) -> None:
    settings = replace(SMALL, paths=2, measures=(*PATHS, *LOOKAHEAD))
    found = []
    for seed in (0, 0, 1):
        probe, _ = probe_of("torch", thin("nasbench-macro"), data, replace(settings, seed=seed))
        found.append(repr(probe.measure()))
    assert found[0] == found[1] != found[2]


def test_forgetting_needs_a_probe_before(data: Dataset) -> None:
    probe, network = probe_of("torch", thin("nasbench-macro"), data, replace(SMALL, measures=("forgetting",)))
    assert probe.measure() == []
    randomise(network, seed=1)
    assert [row.measure for row in probe.measure()] == 3 * ["forgetting"]
    assert [row.value for row in probe.measure()] == [0, 0, 0], "nothing was trained in between"


def test_asking_for_less_costs_less(data: Dataset) -> None:
    expected = {"signal_to_noise": 6, "feature_kl": 2, "lookahead": 2 * 3 * (1 + 4 / 3)}
    for measure, passes in expected.items():
        probe, _ = probe_of("torch", thin("nasbench-macro"), data, replace(SMALL, measures=(measure,)))
        assert {row.measure for row in probe.measure()} == {measure}
        assert probe.passes == pytest.approx(passes)


def test_progress_ends_where_it_says(data: Dataset) -> None:
    seen: list[tuple[int, int]] = []
    probe, _ = probe_of("torch", thin("resnet48-mini"), data, replace(SMALL, batches=1, measures=BRANCHES))
    probe.measure(lambda what, done, total: seen.append((done, total)), budget=30)
    assert all(0 <= done <= total for done, total in seen)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1][0] == seen[-1][1]


def test_unknown_measures_are_all_named() -> None:
    with pytest.raises(InputError) as caught:
        Settings(measures=("gradient_cosin", "lookahead", "luck"))
    assert len(caught.value.problems) == 2
    assert "did you mean 'gradient_cosine'" in caught.value.problems[0]


@pytest.mark.parametrize("count", [1, 4, 7, 12])
def test_draws_are_fair(count: int) -> None:
    """Every option of a decision comes up equally often, as near as the count allows."""
    space = SPACES["resnet48"]
    answers = np.array(draw_answers(space, count, np.random.default_rng(0)))
    assert answers.shape == (count, len(space.decisions))
    for column, decision in zip(answers.T, space.decisions, strict=True):
        counts = np.bincount(column, minlength=len(decision.options))
        assert counts.max() - counts.min() <= 1


def test_each_draw_by_itself_is_uniform() -> None:
    space = SPACES["nats-size"]
    firsts = [draw_answers(space, 3, np.random.default_rng(seed))[-1][0] for seed in range(800)]
    counts = np.bincount(firsts, minlength=8)
    assert (abs(counts - 100) < 45).all()


def test_paths_differ_and_may_be_few() -> None:
    paths = draw_paths(SPACES["nats-size"], 9, 0)
    assert len(set(paths)) == len(paths) == 9
    small = replace(thin("resnet48-mini"), digits=(1, 1, 1, 1))
    assert len(draw_paths(small, 500, 0)) <= small.cardinality
