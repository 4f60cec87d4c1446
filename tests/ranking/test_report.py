import pytest
from pydantic import ValidationError

from toolkit.ranking.report import Estimate


@pytest.mark.parametrize(
    ("numbers", "sign", "text"),
    [
        ((0.7249, 0.7, 0.744), "", "0.72 [0.70, 0.74]"),
        ((0.7249, 0.7211, 0.7288), "", "0.725 [0.721, 0.729]"),
        ((0.7249, 0.7, 0.744), "+", "+0.72 [0.70, 0.74]"),
        ((-0.1, -0.3, 0.1), "+", "-0.10 [-0.30, 0.10]"),
        ((0.7249, None, None), "+", "+0.72"),
        ((None, None, None), "+", "undefined"),
    ],
)
def test_numbers_have_the_digits_they_are_worth(numbers: tuple[float | None, ...], sign: str, text: str) -> None:
    assert Estimate(**dict(zip(("value", "low", "high"), numbers, strict=True))).show(sign) == text


@pytest.mark.parametrize(("low", "high", "side"), [(0.1, 0.2, 1), (-0.2, -0.1, -1), (-0.1, 0.1, 0), (None, None, None)])
def test_on_which_side_of_zero(low: float | None, high: float | None, side: int | None) -> None:
    assert Estimate(value=0.0, low=low, high=high).side == side


def test_records_are_strict() -> None:
    with pytest.raises(ValidationError):
        Estimate(value=0.0, low=0.0, high=0.0, median=0.0)
