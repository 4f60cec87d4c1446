"""Several comparisons, held together."""

import numpy as np
import pytest

from toolkit.ranking.concordance import FloatArray
from toolkit.ranking.measure import Measure
from toolkit.ranking.report import Estimate
from toolkit.ranking.uncertainty import Z, jackknife_error
from toolkit.ranking.verdicts import together, verdicts

NETWORKS = 60


def difference(value: float, error: float = 1.0) -> Estimate:
    return Estimate(value=value, low=value - Z * error, high=value + Z * error)


def test_one_comparison_is_decided_by_its_interval() -> None:
    for value, verdict in ((1.9, "undecided"), (2.0, "better"), (-2.0, "worse")):
        assert verdicts([difference(value)], [1.0], NETWORKS) == [verdict]
    assert verdicts([difference(2.0)], [1.0], 9) == ["undecided"]


def test_holms_steps() -> None:
    """Two-sided chances of .0013, .0177 and .0364: at .05 / 3, .05 / 2 and .05 all are decided; .045 would not be."""
    values = [-2.3718, 3.2157, 2.0926]
    assert verdicts(list(map(difference, values)), 3 * [1.0], NETWORKS) == ["worse", "better", "better"]
    values[2] = 2.0046
    assert verdicts(list(map(difference, values)), 3 * [1.0], NETWORKS)[2] == "better"
    values[0] = -2.1  # .0357 is more than .025: here it stops, whatever follows
    assert verdicts(list(map(difference, values)), 3 * [1.0], NETWORKS) == ["undecided", "better", "undecided"]


def test_what_has_no_interval_is_no_comparison() -> None:
    unknown = Estimate(value=None, low=None, high=None)
    assert verdicts([unknown, difference(2.0)], [np.nan, 1.0], NETWORKS) == ["undecided", "better"]
    assert together([unknown, difference(2.0)]) == ""
    assert together([difference(1.0), difference(2.0)]).startswith("Verdicts on 2 comparisons hold together")


def test_of_many_equally_good_hardly_ever_one_is_called_better_or_worse() -> None:
    """Taken each by itself, one in twenty is, and so half of all reports would say something wrong."""
    alone = held = 0
    trials, rivals = 100, 10
    for trial in range(trials):
        truth, *noise = np.random.default_rng(trial).normal(size=(2 + rivals, NETWORKS))
        score, *others = (Measure(truth + each, truth, ["kendall"]) for each in noise)
        differences, errors = [], []
        for other in others:
            left_out: FloatArray = score.without_each()[:, 0] - other.without_each()[:, 0]
            errors.append(jackknife_error(left_out))
            differences.append(difference(float(score.values[0] - other.values[0]), errors[-1]))
        alone += any(each.side for each in differences)
        held += any(verdict != "undecided" for verdict in verdicts(differences, errors, NETWORKS))
    assert alone >= 18
    assert held <= 12  # 5 are expected, with a standard deviation of 2.2


@pytest.mark.parametrize("error", [0.0, np.nan])
def test_a_difference_without_an_error_is_sure(error: float) -> None:
    assert verdicts([difference(2.0), difference(2.0, 0.0)], [1.0, error], NETWORKS)[1] == "better"
