import math

import numpy as np
import pytest

from toolkit.errors import InputError
from toolkit.ranking.pairs import pair


def test_networks_are_matched_whatever_their_order() -> None:
    pairs = pair({"a": 1.0, "d": 4.0, "b": 2.0, "c": 3.0, "x": 9.0, "y": 9.0}, {"c": 30, "b": 20, "z": 0, "a": 10})
    assert pairs.networks == ("c", "b", "a")
    assert pairs.scores.tolist() == [3, 2, 1]
    assert pairs.truth.tolist() == [30, 20, 10]
    assert (pairs.without_truth, pairs.without_score) == (3, 1)


@pytest.mark.parametrize("common", [0, 1, 2])
def test_too_few_in_common(common: int) -> None:
    scores = {i: float(i) for i in range(5)}
    truth = {i + 5 - common: float(i) for i in range(7)}
    with pytest.raises(InputError) as error:
        pair(scores, truth, names=("mine.json", "truth.json"))
    (problem,) = error.value.problems
    assert problem.startswith(f"mine.json (5 networks) and truth.json (7) have {common} networks in common")


def test_all_problems_of_both_sides_are_named() -> None:
    broken = {0: 1.0, 1: math.nan, 2: math.inf, 3: 1.0}
    with pytest.raises(InputError) as error:
        pair(broken, dict.fromkeys(range(4), 0.5), names=("same.json", "same.json"))
    nan, constant = error.value.problems
    assert "2 of 4 values are not finite" in nan
    assert "all 4 networks in common have the value 0.5" in constant


def test_only_values_in_common_matter() -> None:
    pairs = pair({0: 1.0, 1: 1.0, 2: 2.0, 3: math.nan}, {0: 1.0, 1: 2.0, 2: 2.0, 4: math.inf})
    assert np.isfinite([*pairs.scores, *pairs.truth]).all()
