"""Strict fairness, counted exactly."""

from itertools import accumulate

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.networks import FORMS
from tests.sampling.drawing import absent, draw_steps, option_counts, sampler
from toolkit.sampling.decks import Decks
from toolkit.spaces import SPACES, SearchSpace, get_space


@pytest.mark.parametrize("name", ["resnet20", "nats-size", "nasbench201", "nasbench-macro"])
def test_options_come_equally_often_whenever_a_multiple_was_dealt(name: str) -> None:
    space = get_space(name)
    most = max(len(decision.options) for decision in space.decisions)
    source = sampler(space, "fair")
    for times in (1, 2, 3):  # the deck goes on over steps, whatever their size
        drawn = draw_steps(source, range(10 * times, 10 * times + most), paths=1)
        for decision, counts in zip(space.decisions, option_counts(space, drawn), strict=True):
            assert set(counts) == {most // len(decision.options)}


@pytest.mark.parametrize("space", [SPACES[name] for name in FORMS], ids=FORMS)
@pytest.mark.parametrize("paths", [1, 4, 18])
def test_at_any_time_no_option_is_ahead_by_more_than_one(space: SearchSpace, paths: int) -> None:
    source = sampler(space, "fair")
    drawn = draw_steps(source, range(200 // paths), paths)
    for until in range(1, len(drawn), 13):
        for counts in option_counts(space, drawn[:until]):
            assert max(counts) - min(counts) <= 1
    assert absent(drawn) == space.name.startswith(("resnet48", "ofa"))


def test_pairs_of_options_are_independent() -> None:
    space = get_space("nasbench-macro")
    drawn = np.array(draw_steps(sampler(space, "fair"), range(300), paths=6))
    joint = np.bincount(3 * drawn[:, 0] + drawn[:, 5], minlength=9)
    assert abs(joint - 200).max() < 5 * np.sqrt(200)
    follows = np.bincount(3 * drawn[:-1, 0] + drawn[1:, 0], minlength=9).reshape(3, 3)
    # In an order of three no card follows itself; between two orders one does in a third of all cases.
    assert abs(follows.diagonal().sum() - 200) < 5 * np.sqrt(600 * 2 / 9)


@given(sizes=st.lists(st.integers(1, 9), min_size=1, max_size=4), seed=st.integers(0, 2**32), count=st.integers(1, 40))
def test_a_deck_is_dealt_to_the_end(sizes: list[int], seed: int, count: int) -> None:
    decks, rng = Decks(sizes), np.random.default_rng(seed)
    dealt: list[list[int]] = [[] for _ in sizes]
    for deck in rng.integers(len(sizes), size=count).tolist():
        card = decks.top(deck, rng)
        assert decks.top(deck, rng) == card, "looking changes nothing"
        decks.take(deck)
        dealt[deck].append(card)
    for size, cards in zip(sizes, dealt, strict=True):
        for end in accumulate([size] * (len(cards) // size)):
            assert sorted(cards[end - size : end]) == list(range(size))
        rest = cards[len(cards) // size * size :]
        assert len(set(rest)) == len(rest)
