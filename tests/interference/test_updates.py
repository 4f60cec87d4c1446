import math

import numpy as np
import pytest

from toolkit.interference.table import CHANCE, Row
from toolkit.interference.updates import update_rows


def measured(updates: list[list[float]], teachers: list[list[float]] | None = None) -> dict[tuple[str, str], Row]:
    """Of weights that begin at (3, 4) and move by `updates`; `teachers` are absolute."""
    thetas = np.cumsum([[3.0, 4.0], *updates], axis=0)
    weights = [{"blocks.2.w": theta, "blocks.2.bn.running_mean": np.random.rand(2)} for theta in thetas]
    means = [{"blocks.2.w": np.array(each)} for each in teachers or []]
    rows = list(update_rows(weights, means))
    assert all(row.block == 2 for row in rows)
    return {(row.measure, row.first): row for row in rows}


@pytest.mark.parametrize(
    ("updates", "contradiction", "rate", "flips"),
    [
        ([[1, 1], [2, 2], [1, 1]], 0, 0, 0),
        ([[1, 1], [-2, -2], [1, 1]], 1, 1, 1),
        ([[1, 1], [1, -1], [1, 1]], 0, 0, 0.5),
        ([[1, 0], [1, 0], [-1, 0]], 0.5, 0.5, 0.5),
        ([[1, 0], [-1, 1], [1, 1]], 0.5**0.5 / 2, 0.5, 1),
    ],
)
def test_updates_in_closed_form(updates: list[list[float]], contradiction: float, rate: float, flips: float) -> None:
    """Weights that rest in one of the two steps do not count as flipping."""
    found = measured(updates)
    if updates[1] == [-1, 1]:  # in the second pair, only the first weight flips
        flips = 0.75
    assert found["parameter_contradiction", ""].value == pytest.approx(contradiction)
    assert found["parameter_conflict_rate", ""].value == pytest.approx(rate)
    assert found["sign_flips", ""].value == pytest.approx(flips)
    assert found["parameter_contradiction", ""].n == 2
    size = {1: 0.5, 0.5: 0.5}.get(contradiction, found["parameter_contradiction", CHANCE].value)
    assert found["parameter_contradiction", CHANCE].value == pytest.approx(size), "half of |cos|, by a coin"


def test_speed_and_teacher() -> None:
    found = measured([[3, 4], [0, 0]], [[3, 4], [3, 4], [3, 4]])
    assert found["parameter_speed", ""].value == pytest.approx((0.5 + 0) / 2)
    assert found["parameter_speed", "teacher"].value == 0
    assert found["teacher_gap", ""].value == pytest.approx((0 + 0.5 + 0.5) / 3)
    assert ("parameter_contradiction", "") not in found, "no update, no direction"


def test_too_few_moments() -> None:
    assert list(update_rows([])) == []
    assert measured([]) == {}
    (row,) = measured([[1, 0]]).values()
    assert (row.measure, row.n, math.isnan(row.error)) == ("parameter_speed", 1, True)
