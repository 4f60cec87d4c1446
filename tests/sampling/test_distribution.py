"""How far draws are from candidates: exact where it can be, within chance where both are the same."""

import numpy as np
import pytest

from tests.sampling.drawing import draw_steps, sampler
from toolkit.sampling.distribution import compare
from toolkit.spaces import ABSENT, Arch, SearchSpace, get_space

MACRO, MINI = get_space("nasbench-macro"), get_space("resnet48-mini")


def uniform(space: SearchSpace, count: int) -> list[Arch]:
    rng = np.random.default_rng(11)
    return [space.sample(rng) for _ in range(count)]


@pytest.mark.parametrize("space", [MACRO, MINI], ids=["macro", "mini"])
def test_the_same_law_differs_by_chance_alone(space: SearchSpace) -> None:
    found = compare(sampler(space, "uniform"), uniform(space, 1500), draws=1500)
    assert (found.draws, found.candidates, found.before_loss) == (1500, 1500, False)
    assert found.mean_distance == pytest.approx(found.mean_chance, rel=0.35)
    assert found.macs_p > 1e-3
    assert found.macs_drawn == pytest.approx(found.macs_candidates, rel=0.05)
    assert all(shift.distance < 3 * shift.chance for shift in found.worst())


def test_known_frequencies() -> None:
    """Against one candidate, the largest: an option drawn with share p is off by 1 - p, MACs by all smaller ones."""
    found = compare(sampler(MACRO, "fair"), [MACRO.largest], draws=900)
    assert [shift.decision for shift in found.shifts] == [decision.name for decision in MACRO.decisions]
    for shift in found.shifts:
        assert shift.drawn == {option: pytest.approx(1 / 3) for option in ("identity", "mb3_k3", "mb6_k5")}
        assert shift.candidates == {"identity": 0.0, "mb3_k3": 0.0, "mb6_k5": 1.0}
        assert shift.distance == pytest.approx(2 / 3)
    assert found.mean_distance == found.max_distance == pytest.approx(2 / 3)
    assert found.macs_candidates == MACRO.cost(MACRO.largest).macs
    assert found.macs_distance > 0.99


def test_a_decision_that_is_off_is_named() -> None:
    candidates = [(0, *arch[1:]) for arch in uniform(MACRO, 1000)]
    found = compare(sampler(MACRO, "uniform"), candidates, draws=1000)
    worst, second, *_ = found.worst()
    assert worst.decision == "block1"
    assert second.distance < 0.1 < worst.distance == found.max_distance
    assert found.max_distance == pytest.approx(2 / 3, abs=0.05)


def test_absent_is_an_outcome_and_what_shapes_nothing_is_left_out() -> None:
    found = {shift.decision: shift for shift in compare(sampler(MINI, "uniform"), [MINI.smallest], draws=400).shifts}
    assert found["middle1.5"].candidates == {"1": 0, "2": 0, "3": 0, "absent": 1}
    assert found["middle1.5"].distance == pytest.approx(1 - found["middle1.5"].drawn["absent"]) != 0
    assert ABSENT in MINI.smallest
    assert "absent" not in found["depth1"].drawn
    resnet20 = get_space("resnet20")
    found20 = compare(sampler(resnet20, "uniform"), [resnet20.largest], draws=100)
    assert "unused" not in [shift.decision for shift in found20.shifts]


def test_chance_is_what_samples_of_one_law_differ_by() -> None:
    candidates = uniform(MACRO, 200)
    distances = [
        shift.distance
        for seed in range(10)
        for shift in compare(sampler(MACRO, "uniform"), candidates, draws=600, seed=seed).shifts
    ]
    expected = compare(sampler(MACRO, "uniform"), candidates, draws=600).mean_chance
    assert np.mean(distances) == pytest.approx(expected, rel=0.35)


def test_draws_are_spread_over_the_training_and_leave_no_trace() -> None:
    half = sampler(MINI, "shrinking", depths=[0.25], widths=[0.5])
    found = compare(half, [MINI.largest], draws=2000)
    shifts = {shift.decision: shift for shift in found.shifts}
    assert shifts["depth1"].drawn["5"] == pytest.approx(0.25 + 0.75 / 4, abs=0.03)
    assert shifts["width1"].drawn["1"] == pytest.approx(0.5 + 0.5 / 3, abs=0.03)

    watched, left_alone = (sampler(MINI, "fair") for _ in range(2))
    draw_steps(watched, range(3))
    draw_steps(left_alone, range(3))
    compare(watched, [MINI.largest], draws=100)
    assert draw_steps(watched, range(3, 9)) == draw_steps(left_alone, range(3, 9))


def test_a_choice_by_loss_is_left_out_and_said() -> None:
    found = compare(sampler(MACRO, "attentive", table=200), uniform(MACRO, 300), draws=200)
    assert found.before_loss
    assert found.macs_p > 1e-3
