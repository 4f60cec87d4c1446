"""Distances, and pairs that are far apart."""

from itertools import pairwise

import numpy as np
import pytest

from tests.networks import FORMS
from tests.sampling.drawing import draw_steps, sampler
from toolkit.errors import InputError
from toolkit.sampling.distance import distance_of
from toolkit.sampling.distant import distant_pair
from toolkit.spaces import SPACES, Arch, SearchSpace, get_space
from toolkit.spaces.splitting import Split, SplitSpace

RESNET48, NASBENCH201 = get_space("resnet48"), get_space("nasbench201")


@pytest.mark.parametrize("space", [SPACES[name] for name in FORMS], ids=FORMS)
def test_distances_are_distances(space: SearchSpace) -> None:
    rng = np.random.default_rng(0)
    archs = [space.sample(rng) for _ in range(20)]
    for distance in space.distances.values():
        assert 0 < distance.far <= distance.most
        for first, second in pairwise(archs):
            assert distance(first, first) == 0
            assert 0 < distance(first, second) == distance(second, first) <= distance.most
            assert distance(first, second) <= distance(first, archs[0]) + distance(archs[0], second)


def test_decisions_that_shape_nothing_do_not_count() -> None:
    space = get_space("resnet20")
    distance = distance_of("decisions", space)
    assert (distance.most, distance.far) == (19, 14)
    assert distance(space.largest, (*space.largest[:-1], 0)) == 0
    assert distance(space.largest, space.smallest) == 19 == space.distance(space.largest, space.smallest) - 1


def test_the_digits_of_pgonas() -> None:
    distance = distance_of("digits", RESNET48)
    assert (distance.most, distance.far) == (47, 33)
    assert distance(RESNET48.largest, RESNET48.smallest) == 47
    narrower = list(RESNET48.largest)
    narrower[4] = 1  # the width of stage 1: the stem's digit and five blocks'
    assert distance(RESNET48.largest, tuple(narrower)) == 6
    shallower = list(RESNET48.largest)
    shallower[0] -= 1
    assert distance(RESNET48.largest, RESNET48.canonical([max(answer, 0) for answer in shallower])) == 2


def test_the_adaptive_distance_of_nasbench201() -> None:
    distance = distance_of("adaptive", NASBENCH201)

    def between(first: str, second: str) -> float:
        code = "|{}~0|+|none~0|none~1|+|none~0|none~1|none~2|"
        return distance(*(NASBENCH201.parse(code.format(operation)) for operation in (first, second)))

    assert between("nor_conv_1x1", "nor_conv_3x3") == between("skip_connect", "avg_pool_3x3") == 0.5
    assert between("nor_conv_1x1", "skip_connect") == between("none", "nor_conv_3x3") == 2
    rng = np.random.default_rng(0)
    pairs = [distance(NASBENCH201.sample(rng), NASBENCH201.sample(rng)) for _ in range(4000)]
    assert np.mean(pairs) == pytest.approx(6.72, abs=0.15), "PGONAS's author reports 6.7 for random pairs"


def test_a_distance_of_another_space_is_refused() -> None:
    with pytest.raises(InputError, match="space resnet20 has no distance 'digits'; there are: decisions"):
        sampler(get_space("resnet20"), "distant", distance="digits")
    with pytest.raises(InputError, match="did you mean 'digits'"):
        distance_of("digit", RESNET48)
    split = SplitSpace(RESNET48, (Split("width1", (("1",), ("2", "3"))),))
    assert distance_of(None, split)(split.largest, split.smallest) == 47


@pytest.mark.parametrize("space", [SPACES[name] for name in FORMS], ids=FORMS)
def test_pairs_are_far_apart_and_their_first_is_uniform(space: SearchSpace) -> None:
    distance = distance_of(None, space)
    drawn = draw_steps(sampler(space, "distant"), range(25), paths=4)
    assert all(distance(*pair) >= distance.far for pair in zip(drawn[::2], drawn[1::2], strict=True))
    rng = np.random.default_rng((7, 0))
    assert drawn[0] == space.sample(rng)
    assert len(draw_steps(sampler(space, "distant"), range(2), paths=3)) == 6


def test_b_is_drawn_again_until_it_is_far() -> None:
    near, far = NASBENCH201.largest, NASBENCH201.smallest
    dealt = iter([near, near, near, far])
    pair = distant_pair(
        np.random.default_rng(0), lambda _: next(dealt), distance_of("decisions", NASBENCH201), minimum=6, tries=3
    )
    assert pair == (near, far)


def test_what_the_space_cannot_give_is_said_at_once() -> None:
    with pytest.raises(InputError, match=r"^method.sampling.minimum: 48 is more than .* apart, at most 47"):
        sampler(RESNET48, "distant", minimum=48.0)
    with pytest.raises(
        InputError,
        match=r"^method.sampling.minimum: none of 50 drawn paths was 46 or more from another, the farthest \d+",
    ):
        sampler(RESNET48, "distant", minimum=46.0, tries=50)
    same: Arch = RESNET48.largest
    with pytest.raises(InputError, match="the farthest 0"):
        distant_pair(np.random.default_rng(0), lambda _: same, distance_of("digits", RESNET48), minimum=1, tries=5)
