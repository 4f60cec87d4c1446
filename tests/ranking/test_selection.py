import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from toolkit.ranking.selection import Overlaps, best_first, select, sizes

values = arrays(np.float64, (2, 15), elements=st.integers(0, 5).map(float))


def test_sizes_are_rounded_down_and_less_than_all() -> None:
    assert sizes(15_625) == (1, 5, 10, 15, 20, 50, 78, 156, 781, 1562, 3125, 7812)
    assert sizes(12) == (1, 2, 5, 6, 10)
    assert sizes(3) == (1,)


def test_equals_keep_their_order() -> None:
    assert best_first(np.array([1.0, 3, 1, 3])).tolist() == [1, 3, 0, 2]


def test_what_one_gets() -> None:
    truth = np.array([10.0, 20, 30, 40, 50])
    found = select(np.array([5.0, 4, 3, 2, 1]), truth, 2)
    assert (found.top, found.bottom, found.best_rank, found.worst_rank) == (0, 0, 4, 5)
    assert (found.best, found.regret) == (20, 30)
    perfect = select(truth, truth, 3)
    assert (perfect.top, perfect.bottom, perfect.best_rank, perfect.worst_rank, perfect.regret) == (1, 1, 1, 3, 0)


@given(values, st.integers(1, 14))
def test_all_follows_from_the_picked_networks(columns: npt.NDArray[np.float64], size: int) -> None:
    found, truth = select(*columns, size), columns[1]
    picked, true = set(best_first(columns[0])[:size].tolist()), best_first(truth).tolist()
    assert found.top == len(picked & set(true[:size])) / size
    assert found.best == truth[list(picked)].max()
    assert found.regret == truth.max() - found.best
    ranks = sorted(true.index(network) + 1 for network in picked)
    assert (found.best_rank, found.worst_rank) == (ranks[0], ranks[-1])


@given(values, st.integers(1, 14))
def test_overlaps_of_all_networks_once_are_those_of_the_selection(columns: npt.NDArray[np.float64], size: int) -> None:
    found = select(*columns, size)
    drawn = Overlaps(*columns, [size])(np.ones((1, 15), dtype=np.int32))
    assert drawn.tolist() == [[found.top, found.bottom]]


@given(values, arrays(np.int64, (2, 15), elements=st.integers(0, 14)), st.integers(1, 14))
def test_overlaps_of_a_draw_are_those_of_its_networks(
    columns: npt.NDArray[np.float64], draws: npt.NDArray[np.int64], size: int
) -> None:
    copies = np.array([np.bincount(drawn, minlength=15) for drawn in draws], dtype=np.int32)
    found = Overlaps(*columns, [size, 1])(copies)
    for i, drawn in enumerate(np.sort(draws, axis=1)):  # so that copies stand side by side
        expected = select(*columns[:, drawn], size)
        assert found[i, [0, 2]] == pytest.approx([expected.top, expected.bottom])
