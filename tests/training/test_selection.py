from itertools import pairwise

import pytest

from toolkit.candidates import draw_candidates
from toolkit.spaces import get_space
from toolkit.training.selection import SELECTIONS, sampled, spread, stratified

SPACE = get_space("resnet48-mini")
CANDIDATES = dict(draw_candidates(SPACE, 30, 0))


def macs(codes: dict[str, str]) -> list[int]:
    return [SPACE.cost(SPACE.parse(code)).macs for code in codes.values()]


RANKED = sorted(macs(CANDIDATES))


@pytest.mark.parametrize("select", SELECTIONS.values(), ids=SELECTIONS)
@pytest.mark.parametrize("count", [1, 5, 29])
def test_as_many_as_asked_for_and_the_same_again(select: object, count: int) -> None:
    assert callable(select)
    chosen = select(SPACE, CANDIDATES, count, 7)
    assert len(chosen) == count
    assert chosen.items() <= CANDIDATES.items()
    assert select(SPACE, CANDIDATES, count, 7) == chosen


@pytest.mark.parametrize("select", SELECTIONS.values(), ids=SELECTIONS)
@pytest.mark.parametrize("count", [30, 31, 1000])
def test_as_many_as_there_are_or_more(select: object, count: int) -> None:
    assert callable(select)
    assert select(SPACE, CANDIDATES, count, 0) == CANDIDATES


def test_spread_takes_the_middle_of_each_part() -> None:
    chosen = macs(spread(SPACE, CANDIDATES, 5))
    assert chosen == [RANKED[place] for place in (3, 9, 15, 21, 27)], "the middle of each fifth"
    assert all(first < second for first, second in pairwise(chosen))


def test_stratified_draws_one_of_each_part() -> None:
    drawn = [macs(stratified(SPACE, CANDIDATES, 5, seed)) for seed in range(20)]
    for chosen in drawn:
        assert [RANKED.index(one) // 6 for one in chosen] == [0, 1, 2, 3, 4]
    assert len(set(map(tuple, drawn))) > 10


def test_sampled_draws_any() -> None:
    drawn = [sampled(SPACE, CANDIDATES, 5, seed) for seed in range(40)]
    assert set().union(*drawn) == set(CANDIDATES)
    parts = [[RANKED.index(one) // 6 for one in sorted(macs(chosen))] for chosen in drawn]
    assert any(part != [0, 1, 2, 3, 4] for part in parts), "not stratified"
