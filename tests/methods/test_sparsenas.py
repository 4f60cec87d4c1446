"""SparseNAS: the proximal step, exact zeros, the path of ever heavier penalties."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from tests.methods.mixing import CELL, CHAINS, MIXED, TWO, batch_of, made
from toolkit.backends.base import Backend
from toolkit.methods.proximal import penalty, proximal
from toolkit.methods.sparsenas import SparseNAS
from toolkit.spaces.mixtures import broken_cells, tables

GROUPS = np.array([0, 0, 1, 2])
ALL = np.ones((4, 3), bool)


def stepped(point: Any, each: float, nodes: float, steps: float = 0.1) -> Any:
    return proximal(point, np.full(point.shape, steps), GROUPS, each, nodes, ALL)


def some(seed: int = 0) -> Any:
    return np.random.default_rng(seed).standard_normal((4, 3))


def test_nothing_comes_of_nothing() -> None:
    assert not stepped(np.zeros((4, 3)), 1.0, 1.0).any()
    assert not stepped(np.zeros((4, 3)), 0.0, 0.0).any()
    assert (stepped(some(), 0.0, 0.0) == some()).all()


@pytest.mark.parametrize("which", [0, 1])
def test_heavier_penalties_leave_less(which: int) -> None:
    counts, groups, lengths = [], [], []
    for weight in (0.0, 1.0, 3.0, 6.0, 12.0, 40.0):
        left = stepped(some(), *((weight, 0.5) if which == 0 else (0.5, weight)))
        counts.append(int(np.count_nonzero(left)))
        groups.append(sum(bool(left[group == GROUPS].any()) for group in range(3)))
        lengths.append(float(np.abs(left).sum()))
    for found in (counts, groups, lengths):
        assert found == sorted(found, reverse=True)
    assert counts[-1] == 0 == groups[-1]
    assert counts[1] > 0


def test_a_group_of_one_element_pays_both_thresholds() -> None:
    point, one = np.array([[2.0], [-3.0]]), np.array([0, 1])
    left = proximal(point, np.full((2, 1), 0.1), one, 4.0, 6.0, np.ones((2, 1), bool))
    np.testing.assert_allclose(left, [[1.0], [-2.0]])


def test_zeros_are_exact() -> None:
    left = stepped(some(), 6.0, 0.5)
    assert 0 < np.count_nonzero(left) < left.size
    assert np.abs(left[left != 0]).min() > 1e-9


def test_steps_that_differ_have_thresholds_of_their_own_and_groups_their_mean() -> None:
    point, steps = np.array([[1.0, 1.0]]), np.array([[0.1, 0.3]])
    one, both = np.array([0]), np.ones((1, 2), bool)
    np.testing.assert_allclose(proximal(point, steps, one, 1.0, 0.0, both), [[0.9, 0.7]])
    left = proximal(point, steps, one, 0.0, 1.0, both)
    np.testing.assert_allclose(left, point * (1 - 0.2 * 2**0.5 / 2**0.5))
    only = proximal(point, steps, one, 0.0, 1.0, np.array([[True, False]]))
    np.testing.assert_allclose(only, [[0.9, 0.0]])


def test_the_objective_of_a_convex_problem_falls_to_its_least() -> None:
    """|a - target|^2 / 2 with the penalty, whose least is the proximal point itself."""
    target, point, values = 3 * some(1), some(2), []
    for _ in range(60):
        values.append(float(((point - target) ** 2).sum() / 2) + penalty(point, GROUPS, 1.0, 0.5, ALL))
        point = proximal(point - 0.3 * (point - target), np.full(point.shape, 0.3), GROUPS, 1.0, 0.5, ALL)
    assert all(later <= earlier + 1e-12 for earlier, later in pairwise(values))
    least = proximal(target, np.ones(target.shape), GROUPS, 1.0, 0.5, ALL)
    np.testing.assert_allclose(point, least, atol=1e-6)
    assert (least == 0).any()


def learned(backend: Backend, kind: str = "cell", **options: Any) -> tuple[SparseNAS, Any]:
    batch = batch_of(backend, MIXED[kind])
    method = made("sparsenas", backend, batch.net, **options)
    assert isinstance(method, SparseNAS)
    return method, batch


@pytest.mark.parametrize("kind", MIXED)
def test_coefficients_begin_as_one_over_what_enters_a_node(backend: Backend, kind: str) -> None:
    method, _ = learned(backend, kind)
    space = method.space
    for node in range(space.nodes.max() + 1):
        assert method.coefficients[space.nodes == node].sum() == pytest.approx(1)
    assert not method.coefficients[~space.something].any()


@pytest.mark.parametrize("rule", ["plain", "adam"])
def test_operations_disappear_for_good_and_a_way_stays(backend: Backend, rule: str) -> None:
    heavy = {"each": 1.0, "nodes": 0.1, "lr": 0.02} if rule == "plain" else {"each": 0.5, "nodes": 0.01, "lr": 1e-3}
    method, batch = learned(backend, rule=rule, **heavy)
    if rule == "plain":  # with equal coefficients all of a node go in one step, which is not made
        spread = np.random.default_rng(0).uniform(0.02, 0.5, CELL.something.shape) * CELL.something
        method._memory["coefficients"] = method._memory["before"] = spread
    counts, before = [], method.coefficients != 0
    for _ in range(6):
        values = method.step(batch)
        batch.net.gradients()
        assert not method.parameters.gradients(), "training images teach no coefficients"
        there = method.coefficients != 0
        assert not (there & ~before).any()
        assert values["operations"] == there.sum()
        assert method.active(method.weights()) == tuple(map(tuple, there.tolist()))
        counts.append(int(there.sum()))
        before = there
        assert not broken_cells(CELL, there)
    assert counts[-1] < CELL.something.sum()


def test_a_step_is_that_of_the_formula(backend: Backend) -> None:
    """The first step has no momentum: a proximal step from the gradient on the held-out images."""
    method, batch = learned(backend, each=0.5, nodes=0.2, lr=0.05)
    first = method.coefficients.copy()
    batch.net.ops.backward(method.held_out_loss(batch, batch.net))
    gradient = batch.net.ops.numpy(method.parameters.gradients()["weights"]).astype(float)
    batch.net.gradients()
    method.learn(batch)
    expected = proximal(first - 0.05 * gradient, np.full(first.shape, 0.05), CELL.nodes, 0.5, 0.2, CELL.something)
    assert (expected != first).any()
    np.testing.assert_allclose(method.coefficients, expected, rtol=1e-5, atol=1e-7)


def test_momentum_begins_anew_where_the_support_changes(backend: Backend) -> None:
    method, batch = learned(backend, each=0.0, nodes=0.0, lr=1e-3)
    momenta = []
    for _ in range(4):
        momenta.append(method._momentum)
        method.learn(batch)
    assert momenta == [0, 0, 1 / 4, 2 / 5]
    coefficients = method.coefficients.copy()
    coefficients[0, 1] = 1e-9
    method._memory["coefficients"] = method._memory["before"] = coefficients
    method._factor = 1.0
    object.__setattr__(method.options, "each", 1.0)
    method.learn(batch)
    assert method.coefficients[0, 1] == 0
    assert method._momentum == 0


def test_penalties_grow_until_few_are_left(backend: Backend) -> None:
    method, _ = learned(backend, every=5, growth=1.5, target=8)
    factors = []
    for epoch in (0, 4, 5, 9, 10, 15):
        method._follow_path(epoch)
        factors.append(method._factor)
    assert factors == [1, 1, 1.5, 1.5, 1.5**2, 1.5**3]
    coefficients = np.zeros_like(method.coefficients)
    coefficients[:, 1] = 1.0
    method._memory["coefficients"] = coefficients
    method._follow_path(20)
    assert method._factor == 1.5**3, "six are left"


@pytest.mark.parametrize("kind", MIXED)
def test_by_default_as_many_as_a_candidate_has(backend: Backend, kind: str) -> None:
    method, _ = learned(backend, kind, growth=2.0, every=1)
    wanted = {"cell": {"cell": 6}, "two": {"normal": 8, "reduce": 8}}.get(kind, dict.fromkeys(method.space.kinds, 1))
    sparse = np.zeros_like(method.coefficients)
    for name, count in wanted.items():
        rows = np.flatnonzero([edge.cell == name for edge in method.space.edges])
        sparse[rows[:count], np.argmax(method.space.something[rows[:count]], axis=1)] = 1.0
    method._follow_path(1)
    assert method._factor == 2, "all are there"
    method._memory["coefficients"] = sparse
    method._follow_path(2)
    assert method._factor == 2, "as many as are wanted"
    row, column = np.argwhere((sparse == 0) & method.space.something)[-1]
    sparse[row, column] = 1.0
    method._follow_path(3)
    assert method._factor == 4


@pytest.mark.parametrize("kind", CHAINS)
def test_the_strongest_option_of_a_position_stays(backend: Backend, kind: str) -> None:
    """Where all would go in one step; of equals all stay."""
    method, batch = learned(backend, kind, each=1e3)
    coefficients = method.coefficients.copy()
    coefficients[0, :2] = 0.25, 0.75
    method._memory["coefficients"] = method._memory["before"] = coefficients
    method.learn(batch)
    expected = coefficients.copy()
    expected[0, np.arange(coefficients.shape[1]) != 1] = 0.0
    assert (method.coefficients == expected).all()
    plans, weights = method.network(method.weights())
    assert weights.keys() == tables(plans).keys()
    assert len(dict(plans[method.cells[0]].branches)) == 1  # type: ignore[union-attr]


def test_zeros_revive_only_for_some_epochs(backend: Backend) -> None:
    for revive, back in ((0, False), (2, True)):
        method, batch = learned(backend, each=0.0, nodes=0.0, revive=revive)
        coefficients = method.coefficients.copy()
        coefficients[0, 2] = 0.0
        method._memory["coefficients"] = method._memory["before"] = coefficients
        method.learn(batch)
        assert bool(method.coefficients[0, 2]) is back


def test_broken_cells_are_those_without_a_way() -> None:
    kept = np.zeros(CELL.something.shape, bool)
    assert broken_cells(CELL, kept) == ["cell"]
    kept[1, 1] = kept[5, 1] = True  # 0-2 and 2-3
    assert broken_cells(CELL, kept) == []
    kept[1] = False
    assert broken_cells(CELL, kept) == ["cell"], "nothing enters node 2"
    kept = np.zeros(TWO.something.shape, bool)
    kept[0, 2] = True
    assert broken_cells(TWO, kept) == ["reduce"]
