import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from toolkit.ranking.concordance import Concordance, Order, running_sums

Array = npt.NDArray[np.float64]


@st.composite
def drawn(draw: st.DrawFn) -> tuple[Array, Array, npt.NDArray[np.int32]]:
    """Two columns with many ties, and how often each network stands in three draws."""
    networks = draw(st.integers(1, 20))
    values = st.integers(-3, 3).map(float)
    x, y = (draw(arrays(np.float64, networks, elements=values)) for _ in range(2))
    return x, y, draw(arrays(np.int32, (3, networks), elements=st.integers(0, 4)))


def signs(column: Array) -> Array:
    return np.sign(column[:, None] - column)


@given(drawn())
def test_every_network_has_its_own_count(example: tuple[Array, Array, npt.NDArray[np.int32]]) -> None:
    x, y, copies = example
    standing = Concordance(x, y).count(copies)
    assert np.array_equal(standing.agreement, copies @ (signs(x) * signs(y)).T)
    assert np.array_equal(standing.both_lower, copies @ ((signs(x) > 0) & (signs(y) > 0)).T)
    assert np.array_equal(standing.by_x.below, copies @ (signs(x) > 0).T)
    assert np.array_equal(standing.by_y.level, copies @ (signs(y) == 0).T)


@given(drawn())
def test_pairs_are_those_of_all_networks_together(example: tuple[Array, Array, npt.NDArray[np.int32]]) -> None:
    x, y, copies = example
    pairs = Concordance(x, y).count(copies).pairs
    products = signs(x) * signs(y)
    for i, number in enumerate(copies):
        weights = np.outer(number, number)
        assert pairs.networks[i] == number.sum()
        assert pairs.agreement[i] == (weights * products).sum()
        assert pairs.concordant[i] == (weights * (products > 0)).sum()
        assert pairs.untied_x[i] == (weights * (signs(x) != 0)).sum()
        assert pairs.untied_y[i] == (weights * (signs(y) != 0)).sum()
        assert pairs.different[i] == weights.sum() - np.trace(weights)
        assert pairs.distinct[i] == min(len(set(x)), len(set(y)))


@settings(max_examples=30)
@given(drawn())
def test_without_each_network_the_pairs_are_those_of_the_rest(
    example: tuple[Array, Array, npt.NDArray[np.int32]],
) -> None:
    x, y, _ = example
    rest = Concordance(x, y).once().pairs_without_each
    for i in range(len(x)):
        pairs = Concordance(np.delete(x, i), np.delete(y, i)).once().pairs
        assert (rest.networks, rest.different) == (pairs.networks, pairs.different)
        for field in ("agreement", "concordant", "untied_x", "untied_y", "distinct"):
            assert getattr(rest, field)[i] == getattr(pairs, field)[0], field


def test_the_columns_may_change_places() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 5, 200).astype(float), rng.normal(size=200)
    one, other = Concordance(x, y).once(), Concordance(y, x).once()
    assert np.array_equal(one.agreement, other.agreement)
    assert np.array_equal(one.both_lower, other.both_lower)


def test_large_counts_do_not_overflow() -> None:
    """70,000 networks have more pairs than 32 bits hold."""
    values = np.arange(70_000.0)
    pairs = Concordance(values, values).once().pairs
    assert pairs.agreement[0] == pairs.concordant[0] == 70_000 * 69_999


def test_no_networks() -> None:
    nothing = np.zeros(0)
    assert Concordance(nothing, nothing).once().pairs.agreement == [0]


def test_order_by_several_columns() -> None:
    order = Order(np.array([1.0, 0, 1, 1]), np.array([5.0, 9, 5, 2]))
    place = order.place(np.array([[1, 1, 1, 1], [3, 0, 1, 2]]))
    assert order.ranks.tolist() == [2, 0, 2, 1]
    assert place.below.tolist() == [[2, 0, 2, 1], [2, 0, 2, 0]]
    assert place.level.tolist() == [[2, 1, 2, 1], [4, 0, 4, 2]]
    assert place.halves.tolist() == [[6, 1, 6, 3], [8, 0, 8, 2]]


@given(arrays(np.int64, array_shapes(min_dims=2, max_dims=2, min_side=0), elements=st.integers(-9, 9)))
def test_running_sums(values: npt.NDArray[np.int64]) -> None:
    sums = running_sums(values)
    assert sums.shape == (values.shape[0], values.shape[1] + 1)
    assert np.array_equal(np.diff(sums, axis=1), values)
    assert not sums[:, 0].any()


@pytest.mark.parametrize("networks", [2, 3, 129, 1000])
def test_whatever_the_number_of_digits(networks: int) -> None:
    rng = np.random.default_rng(networks)
    x, y = rng.permutation(networks), rng.permutation(networks)
    expected = [np.count_nonzero((x < a) & (y < b)) for a, b in zip(x, y, strict=True)]
    assert Concordance(x, y).once().both_lower[0].tolist() == expected
