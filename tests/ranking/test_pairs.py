import math

import numpy as np
import pytest

from toolkit.errors import InputError
from toolkit.ranking.pairs import pair


def test_networks_are_matched_and_sorted_whatever_their_order() -> None:
    pairs = pair({"a": 1.0, "d": 4.0, "b": 2.0, "c": 3.0, "x": 9.0, "y": 9.0}, {"c": 30, "b": 20, "z": 0, "a": 10})
    assert pairs.networks == ("a", "b", "c")
    assert pairs.scores.tolist() == [1, 2, 3]
    assert pairs.truth.tolist() == [10, 20, 30]
    assert (pairs.without_truth, pairs.without_score) == (3, 1)
    assert (pairs.rivals, pairs.seeds) == ({}, None)


def test_rivals_and_seeds_stand_beside() -> None:
    seeds = {"a": [10.0, 12.0], "b": [20.0, math.nan], "c": [30.0, 28.0], "d": [0.0, 0.0]}
    truth = {"a": 11.0, "b": 20.0, "c": 29.0, "d": 0.0}
    rival = {"c": 1.0, "b": 2.0, "a": 3.0, "e": 9.0}
    pairs = pair(dict(truth), truth, rivals={"other": rival}, seeds=seeds)
    assert pairs.networks == ("a", "b", "c")  # d has no score of the rival
    assert pairs.rivals["other"].tolist() == [3, 2, 1]
    assert pairs.seeds is not None
    np.testing.assert_array_equal(pairs.seeds, [[10, 20, 30], [12, math.nan, 28]])
    assert (pairs.without_truth, pairs.without_score) == (0, 1)


@pytest.mark.parametrize("common", [0, 1, 2])
def test_too_few_in_common(common: int) -> None:
    scores = {i: float(i) for i in range(5)}
    truth = {i + 5 - common: float(i) for i in range(7)}
    with pytest.raises(InputError) as error:
        pair(scores, truth, names=("mine.json", "truth.json"))
    (problem,) = error.value.problems
    assert problem.startswith(f"mine.json (5 networks), truth.json (7) have {common} networks in common")


def test_too_few_in_common_with_a_rival() -> None:
    values = {i: float(i) for i in range(5)}
    with pytest.raises(
        InputError, match=r"scores \(5 networks\), other \(1\) and truth \(5\) have 1 networks in common"
    ):
        pair(values, values, rivals={"other": {3: 1.0}})


def test_all_problems_of_all_sides_are_named() -> None:
    broken = {0: 1.0, 1: math.nan, 2: math.inf, 3: 1.0}
    with pytest.raises(InputError) as error:
        pair(broken, dict.fromkeys(range(4), 0.5), names=("same.json", "same.json"), rivals={"other": broken})
    nan, constant, other = error.value.problems
    assert "2 of 4 values are not finite" in nan
    assert "all 4 networks in common have the value 0.5" in constant
    assert other.startswith("other: 2 of 4")


def test_only_values_in_common_matter() -> None:
    pairs = pair({0: 1.0, 1: 1.0, 2: 2.0, 3: math.nan}, {0: 1.0, 1: 2.0, 2: 2.0, 4: math.inf})
    assert np.isfinite([*pairs.scores, *pairs.truth]).all()
