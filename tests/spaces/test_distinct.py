"""Many networks at once are what they are one by one."""

import numpy as np
import pytest

from toolkit.spaces import SPACES, Cost, SearchSpace
from toolkit.spaces.distinct import costs, number_networks

every_space = pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)


@every_space
def test_costs_are_those_of_each_network(space: SearchSpace) -> None:
    rng = np.random.default_rng(0)
    archs = [space.largest, space.smallest, *(space.sample(rng) for _ in range(300))]
    macs, params = costs(space, archs)
    assert [Cost(*each) for each in zip(macs.tolist(), params.tolist(), strict=True)] == list(map(space.cost, archs))


@every_space
def test_equal_networks_have_equal_numbers(space: SearchSpace) -> None:
    rng = np.random.default_rng(0)
    archs = [space.smallest, *(space.sample(rng) for _ in range(100)), space.smallest]
    numbers = number_networks(space, archs).tolist()
    assert numbers[0] == numbers[-1]
    assert len(set(numbers)) == len({space.plans(arch) for arch in archs})
    assert len(set(zip(numbers, map(space.plans, archs), strict=True))) == len(set(numbers))


def test_digits_that_round_to_one_width_are_one_network() -> None:
    space = SPACES["resnet48"]
    first = space.largest
    second = space.canonical([*first[:8], 1, *first[9:]])  # 64 and 60.8 channels, in multiples of 8
    assert first != second
    assert len(set(number_networks(space, [first, second]).tolist())) == 1


def test_of_no_networks_nothing_is_told() -> None:
    assert [len(column) for column in costs(SPACES["resnet48"], [])] == [0, 0]
    assert len(number_networks(SPACES["resnet48"], [])) == 0
