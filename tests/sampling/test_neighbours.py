"""Pairs that differ in one decision."""

from collections import Counter

import numpy as np
import pytest

from tests.constrained_space import GROWING
from tests.networks import FORMS
from tests.sampling.drawing import draw_steps, sampler
from toolkit.errors import InputError
from toolkit.sampling.neighbours import neighbours
from toolkit.spaces import ABSENT, SPACES, Arch, SearchSpace, get_space

RESNET20 = get_space("resnet20")


def differences(first: Arch, second: Arch) -> list[int]:
    return [place for place, (a, b) in enumerate(zip(first, second, strict=True)) if a != b]


@pytest.mark.parametrize("space", [SPACES[name] for name in FORMS], ids=FORMS)
def test_pairs_differ_in_one_decision_and_their_first_is_uniform(space: SearchSpace) -> None:
    drawn = draw_steps(sampler(space, "neighbours"), range(25), paths=4)
    for first, second in zip(drawn[::2], drawn[1::2], strict=True):
        answered = [place for place in differences(first, second) if ABSENT not in (first[place], second[place])]
        assert len(answered) == 1, "others may come or go with it"
        assert space.decisions[answered[0]].blocks
        assert space.connected(second)
    assert drawn[0] == space.sample(np.random.default_rng((7, 0)))
    assert len(draw_steps(sampler(space, "neighbours"), range(2), paths=3)) == 6


def test_every_decision_that_is_named_has_its_share() -> None:
    drawn = draw_steps(sampler(RESNET20, "neighbours", decisions=["stem", "block2"]), range(500), paths=2)
    places = Counter(place for pair in zip(drawn[::2], drawn[1::2], strict=True) for place in differences(*pair))
    assert [RESNET20.decisions[place].name for place in sorted(places)] == ["stem", "block2.conv1", "block2.conv2"]
    assert sum(places.values()) == 500
    assert all(130 < count < 205 for count in places.values())


def test_names_that_fit_no_decision_are_all_named() -> None:
    with pytest.raises(InputError) as refusal:
        sampler(RESNET20, "neighbours", decisions=["stem", "block2.conv3", "unused"])
    assert [problem.partition(";")[0] for problem in refusal.value.problems] == [
        f"method.sampling.decisions: no decision that paths can differ in is called {name!r} or begins so"
        for name in ("block2.conv3", "unused")
    ]


def test_neighbours_keep_to_the_constraints_of_the_space() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        assert all(map(GROWING.contains, neighbours(rng, GROWING, [0, 1, 2])))
    with pytest.raises(InputError, match="draws gave no two paths that differ in one of"):
        neighbours(rng, GROWING, [])
