"""Progressive shrinking: what is open, and from when on."""

from collections.abc import Sequence

import numpy as np
import pytest

from tests.networks import FORMS
from tests.sampling.drawing import sampler
from toolkit.sampling import Moment
from toolkit.sampling.shrinking import Shrinking
from toolkit.spaces import ABSENT, SPACES, SearchSpace, get_space

RESNET48 = get_space("resnet48")
WIDE = get_space("resnet48-wide")


def shrinking(space: SearchSpace, **options: list[float]) -> Shrinking:
    made = sampler(space, "shrinking", **options)
    assert isinstance(made, Shrinking)
    return made


def values(space: SearchSpace, progress: float, **options: list[float]) -> dict[str, Sequence[int | str]]:
    """The open options' values by decision."""
    opened = shrinking(space, **options).open_options(progress)
    return {d.name: [d.options[i] for i in each] for d, each in zip(space.decisions, opened, strict=True)}


@pytest.mark.parametrize(
    ("epoch", "depth1", "depth3", "width4"),
    [
        (0, [5, 4], [8, 7, 6], [1]),
        (19.99, [5, 4], [8, 7, 6], [1]),
        (20, [5, 4, 3], [8, 7, 6, 5, 4], [1]),
        (28, [5, 4, 3, 2], [8, 7, 6, 5, 4, 3, 2], [1]),
        (34, [5, 4, 3, 2], [8, 7, 6, 5, 4, 3, 2], [1, 2]),
        (45, [5, 4, 3, 2], [8, 7, 6, 5, 4, 3, 2], [1, 2, 3]),
        (60, [5, 4, 3, 2], [8, 7, 6, 5, 4, 3, 2], [1, 2, 3, 4, 5, 6]),
        (65, [5, 4, 3, 2], [8, 7, 6, 5, 4, 3, 2], [1, 2, 3, 4, 5, 6, 7]),
    ],
)
def test_pgonas_schedule(epoch: float, depth1: list[int], depth3: list[int], width4: list[int]) -> None:
    """Depth phases end at epochs 20, 28, 34 of 70, the six width phases at 45, 50, ..., 70."""
    found = values(WIDE, epoch / 70)
    assert (found["depth1"], found["depth3"], found["width4"]) == (depth1, depth3, width4)
    assert found["middle2.3"] == found["width1"] == width4


def test_decisions_with_few_options_are_open_sooner() -> None:
    found = values(RESNET48, 45 / 70)
    assert (found["width1"], found["width3"]) == ([1, 2, 3], [1, 2, 3])
    assert values(get_space("resnet20"), 0.0)["block9.conv1"] == [64, 60, 56, 52]


def test_without_depths_the_widths_fill_the_training() -> None:
    space = get_space("nats-size")
    assert values(space, 0.0)["width1"] == [64, 56, 48]
    assert values(space, 10.9 / 36)["width1"] == [64, 56, 48]
    assert values(space, 11 / 36)["width1"] == [64, 56, 48, 40, 32]
    assert values(space, 0.999)["width1"] == [64, 56, 48, 40, 32, 24, 16, 8]


def test_operations_open_from_the_dearest_downwards() -> None:
    found = values(get_space("nasbench201"), 0.999)
    assert all(options[:2] == ["nor_conv_3x3", "nor_conv_1x1"] for options in found.values())
    assert values(get_space("nasbench-macro"), 0.999)["block3"] == ["mb6_k5", "mb3_k3", "identity"]


def test_phases_of_ones_own() -> None:
    options = {"depths": [0.5], "widths": [0.1, 0.2]}
    assert values(RESNET48, 0.05, **options)["width1"] == [1]
    assert values(RESNET48, 0.15, **options)["width1"] == [1, 2]
    assert values(RESNET48, 0.15, **options)["depth3"] == [8]
    assert values(RESNET48, 0.5, **options)["depth3"] == [8, 7, 6, 5, 4, 3, 2]
    largest = shrinking(RESNET48, **options).draw(np.random.default_rng(0), 3, Moment(0.0))
    assert largest == 3 * [RESNET48.largest]


@pytest.mark.parametrize("space", [SPACES[name] for name in FORMS], ids=FORMS)
def test_options_only_open_and_all_do(space: SearchSpace) -> None:
    source = shrinking(space)
    before: list[list[int]] = [[max(answer, 0)] for answer in space.largest]
    for progress in np.linspace(0, 1, 150, endpoint=False).tolist():
        now = source.open_options(progress)
        assert all(new[: len(old)] == old for old, new in zip(before, now, strict=True))
        before = now
    assert [sorted(each) for each in before] == [list(range(len(d.options))) for d in space.decisions]


@pytest.mark.parametrize("progress", [0.0, 0.35, 0.6, 0.99])
def test_draws_are_uniform_over_what_is_open(progress: float) -> None:
    source = shrinking(RESNET48)
    drawn = source.draw(np.random.default_rng(0), 2000, Moment(progress))
    for column, choices in zip(zip(*drawn, strict=True), source.open_options(progress), strict=True):
        present = [answer for answer in column if answer != ABSENT]
        expected = len(present) / len(choices)
        counts = {option: present.count(option) for option in set(present)}
        assert set(counts) == set(choices)
        assert all(abs(count - expected) < 5 * np.sqrt(expected) for count in counts.values())
