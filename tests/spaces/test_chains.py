"""Spaces that choose a block for each position: which can be weighed, and how methods see them."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from tests.networks import thin
from toolkit.errors import InputError
from toolkit.spaces import SPACES, Decision, Plans
from toolkit.spaces.chains import Chain
from toolkit.spaces.mixtures import broken_cells, in_words
from toolkit.spaces.nasbench_macro import NASBENCH_MACRO, NASBenchMacro
from toolkit.spaces.plans import Choice, Identity

CHAINS = [name for name, space in SPACES.items() if isinstance(space, Chain)]


@pytest.mark.parametrize("name", CHAINS)
def test_a_position_is_a_cell_of_one_edge(name: str) -> None:
    space = SPACES[name]
    assert isinstance(space, Chain)
    assert [edge.options for edge in space.edges] == [decision.options for decision in space.decisions]
    assert list(space.kinds.values()) == [decision.blocks for decision in space.decisions]
    assert space.nodes.tolist() == list(range(len(space.edges)))
    assert (space.something == space.offered).all()
    assert space.offered.sum() == sum(len(decision.options) for decision in space.decisions)


@pytest.mark.parametrize("name", CHAINS)
def test_every_option_is_what_a_path_has_there(name: str) -> None:
    """By name and plan, so that weights and costs are the same; the identity is an absent block."""
    space = thin(SPACES[name])
    assert isinstance(space, Chain)
    plans = space.mixture(tuple(map(tuple, space.something.tolist())))
    rng = np.random.default_rng(0)
    for arch in (space.largest, space.smallest, *(space.sample(rng) for _ in range(10))):
        for edge, answer in zip(space.edges, arch, strict=True):
            (position,) = edge.blocks
            mixed, path = plans[position], space.supernet_plans(arch)[position]
            assert isinstance(mixed, Choice)
            option = edge.options[answer], dict(mixed.branches)[edge.options[answer]]
            if path is None:
                assert option == ("identity", Identity())
            else:
                assert path == replace(mixed, branches=(option,), mixture=None)


@pytest.mark.parametrize("name", CHAINS)
def test_what_it_comes_to_is_the_strongest_there_is(name: str) -> None:
    space = SPACES[name]
    assert isinstance(space, Chain)
    rng = np.random.default_rng(1)
    for _ in range(5):
        arch = space.sample(rng)
        strengths = 0.5 * rng.random(space.something.shape)
        strengths[np.arange(len(arch)), arch] = 1.0
        strengths[~space.offered] = 2.0  # where there is nothing, nothing is said
        assert space.derived(strengths) == arch
        shares = space.shares(arch)
        assert sum(shares.values()) == pytest.approx(1)
        assert {key.partition(".")[0] for key in shares} == {"positions"}
        found = [option for _, option in space.operations_of(arch)]
        assert all(shares[f"positions.{option}"] == found.count(option) / len(arch) for option in found)
    assert space.derived(np.zeros(space.something.shape)) == (0,) * len(space.edges)


def test_only_positions_without_any_option_are_broken() -> None:
    kept = NASBENCH_MACRO.something.copy()
    assert broken_cells(NASBENCH_MACRO, kept) == []
    kept[[2, 5]] = False
    assert broken_cells(NASBENCH_MACRO, kept) == ["block3", "block6"]


def test_words() -> None:
    assert [in_words(kind) for kind in ("normal", "cell", "positions")] == ["normal cell", "cell", "positions"]


@dataclass(frozen=True)
class Unequal(NASBenchMacro):
    """Whose third position halves the map, and may be absent all the same."""

    @property
    def widest(self) -> Plans:
        plans = list(super().widest)
        choice = plans[3]
        assert isinstance(choice, Choice)
        plans[3] = replace(choice, branches=tuple(each for each in choice.branches if each[0] != "identity"))
        return tuple(plans)


@dataclass(frozen=True)
class Tied(NASBenchMacro):
    """Whose first decision shapes two positions."""

    @property
    def decisions(self) -> tuple[Decision, ...]:
        first, *others = super().decisions
        return (replace(first, blocks=(1, 2)), *others)


@dataclass(frozen=True)
class Stemmed(NASBenchMacro):
    """Whose first decision shapes no choice."""

    @property
    def decisions(self) -> tuple[Decision, ...]:
        first, *others = super().decisions
        return (replace(first, blocks=(0,)), *others)


@pytest.mark.parametrize(
    ("space", "sentence"),
    [
        (
            Unequal("unequal"),
            r"space unequal: at block3 options differ in shape .*identity 64 x 16\^2 and mb3_k3 128 x 8\^2",
        ),
        (Tied("tied"), "space tied: block1 chooses no block of one position"),
        (Stemmed("stemmed"), "space stemmed: block1 chooses no block of one position"),
    ],
)
def test_what_cannot_be_added_up_is_refused(space: Chain, sentence: str) -> None:
    with pytest.raises(InputError, match=f"{sentence}.*a method that draws paths"):
        _ = space.edges
