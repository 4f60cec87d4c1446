"""Ways to search on scores that are known."""

from collections.abc import Sequence
from itertools import cycle

import numpy as np
import pytest

from toolkit.errors import InputError
from toolkit.search.costs import cost_of
from toolkit.search.drive import drive
from toolkit.search.ground import Ground, Limit
from toolkit.search.ways import PLAIN, ByPolicy, Rounds, front, pareto
from toolkit.spaces import SPACES, Arch, get_space

MACRO = get_space("nasbench-macro")
MACS = cost_of("macs", MACRO)
HALF = Limit("MACs", MACS, (MACS(MACRO.largest) + MACS(MACRO.smallest)) / 2)
NAMES = [*PLAIN, "policy", "pareto"]


def rounds_of(name: str, ground: Ground, seed: int = 0, size: int = 8) -> Rounds:
    rng = np.random.default_rng(seed)
    if name == "policy":
        return ByPolicy(ground, rng, size).rounds()
    return (
        front(ground, rng, size, cost_of("macs", ground.space)) if name == "pareto" else PLAIN[name](ground, rng, size)
    )


def wide(archs: Sequence[Arch]) -> list[float]:
    """More for later options, with a little that is not additive."""
    return [sum(arch) + 0.1 * (arch[0] == arch[-1]) for arch in archs]


@pytest.mark.parametrize("name", NAMES)
def test_every_network_is_scored_once_and_the_same_way_is_gone_again(name: str) -> None:
    scored: list[Arch] = []

    def score(archs: Sequence[Arch]) -> list[float]:
        scored.extend(archs)
        return wide(archs)

    found = drive(rounds_of(name, Ground(MACRO)), score, 150)
    assert len(found) == len(scored) == len(set(scored)) == 150
    assert drive(rounds_of(name, Ground(MACRO)), wide, 150) == found
    assert list(drive(rounds_of(name, Ground(MACRO)), wide, 90)) == scored[:90]
    assert drive(rounds_of(name, Ground(MACRO), seed=1), wide, 150) != found


@pytest.mark.parametrize("name", [name for name in NAMES if name != "random"])
def test_it_finds_better_ones_than_random_draws(name: str) -> None:
    means = {}
    for way in (name, "random"):
        means[way] = np.mean([max(drive(rounds_of(way, Ground(MACRO), seed), wide, 200).values()) for seed in range(5)])
    assert means[name] > means["random"]


@pytest.mark.parametrize("name", NAMES)
def test_limits_are_kept(name: str) -> None:
    found = drive(rounds_of(name, Ground(MACRO, (HALF,))), wide, 120)
    assert len(found) == 120
    assert all(MACS(arch) <= HALF.most for arch in found)


@pytest.mark.parametrize(("space_name", "name"), list(zip(SPACES, cycle(NAMES))))
def test_every_space_can_be_searched(name: str, space_name: str) -> None:
    space = SPACES[space_name]
    found = drive(rounds_of(name, Ground(space)), lambda archs: [float(sum(arch)) for arch in archs], 70)
    assert len(found) == 70
    assert all(map(space.contains, found))


def test_limits_that_nothing_keeps_are_said() -> None:
    with pytest.raises(InputError, match=r"none of 10,000 networks .* keeps within MACs 1; allow more"):
        next(rounds_of("random", Ground(MACRO, (Limit("MACs", MACS, 1),))))


def test_neighbours_differ_in_one_answer() -> None:
    rng = np.random.default_rng(0)
    around = Ground(MACRO).neighbours(MACRO.largest, rng)
    assert len(set(around)) == len(around) == 16
    assert all(MACRO.distance(MACRO.largest, each) == 1 for each in around)
    assert all(MACRO.distance(MACRO.largest, Ground(MACRO).mutated(MACRO.largest, rng)) == 1 for _ in range(20))


def test_a_small_space_ends_the_search() -> None:
    """And limits that uniform draws hardly ever keep are reached all the same."""
    found = drive(rounds_of("random", Ground(MACRO, (Limit("MACs", MACS, MACS(MACRO.smallest)),)), size=2), wide, 10)
    assert list(found) == [MACRO.smallest]


def test_the_front_is_what_nothing_beats() -> None:
    archs = [(0,), (1,), (2,), (3,), (4,)]
    assert pareto(archs, [1.0, 3.0, 2.0, 3.0, 5.0], [1.0, 2.0, 3.0, 4.0, 9.0]) == [(0,), (1,), (4,)]
    rng = np.random.default_rng(0)
    scores, costs = rng.random(60).tolist(), rng.random(60).tolist()
    many = [(n,) for n in range(60)]
    found = pareto(many, scores, costs)
    for n in range(60):
        beaten = any(
            s >= scores[n] and c <= costs[n] and m != n for m, (s, c) in enumerate(zip(scores, costs, strict=True))
        )
        assert ((n,) in found) != beaten
