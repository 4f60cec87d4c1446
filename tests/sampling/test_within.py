"""Uniform over some of the options."""

import numpy as np
import pytest

from tests.sampling.drawing import draw_steps, sampler
from toolkit.errors import InputError
from toolkit.spaces import ABSENT, get_space

MINI = get_space("ofa-mini")


def test_only_what_is_open_is_drawn() -> None:
    """The longest beginning of a decision's name counts."""
    drawn = draw_steps(
        sampler(MINI, "within", open={"kernel": [5, 7], "kernel2.1": [3], "depth": [4], "expand": [6]}), range(100)
    )
    seen = {
        decision.name: {decision.options[answer] for answer in column if answer != ABSENT}
        for decision, column in zip(MINI.decisions, zip(*drawn, strict=True), strict=True)
    }
    assert (seen["kernel1.1"], seen["kernel2.1"], seen["expand5.4"]) == ({5, 7}, {3}, {6})
    assert seen["depth3"] == {4}
    assert seen["resolution"] == {16, 20, 24, 28, 32}
    assert all(map(MINI.contains, drawn))


def test_open_options_are_equally_likely() -> None:
    drawn = draw_steps(sampler(MINI, "within", open={"depth": [2, 4]}), range(400))
    answers = np.array(drawn)[:, 1]
    assert np.unique(answers).tolist() == [0, 2]
    assert abs((answers == 0).mean() - 0.5) < 0.05


@pytest.mark.parametrize(
    ("opened", "problem"),
    [
        ({"kernal": [3]}, "open.kernal: no decision is called so or begins so"),
        ({"depth": [5]}, "depth1 has no option 5; it has 2, 3, 4"),
        ({"depth": ["2"]}, "depth1 has no option '2'"),
    ],
)
def test_what_there_is_not(opened: dict[str, list[int | str]], problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        sampler(MINI, "within", open=opened)
