from pathlib import Path

import numpy as np
import pytest

from toolkit.candidates import read_candidates
from toolkit.ranking.measure import Measure
from toolkit.ranking.metrics import CORE, METRICS
from toolkit.ranking.priors import cost_priors
from toolkit.ranking.uncertainty import Sampled, bootstrap
from toolkit.spaces import get_space


def test_the_costs_of_the_stand_alone_networks() -> None:
    space = get_space("resnet48")
    priors = cost_priors(space, [space.largest, space.smallest])
    assert {name: values.tolist() for name, values in priors.items()} == {
        "MACs": [5_282_238_464, 1_255_133_184],
        "parameters": [34_043_688, 6_539_984],
        "depth": [25, 10],
    }


def test_depth_is_left_out_where_it_says_nothing() -> None:
    space = get_space("resnet20")
    assert list(cost_priors(space, [space.largest, space.smallest])) == ["MACs", "parameters"]


def test_no_networks() -> None:
    assert [len(values) for values in cost_priors(get_space("resnet48"), []).values()] == [0, 0]


def test_macs_and_parameters_of_the_official_candidates_of_2022_rank_differently(shared: Path) -> None:
    space = get_space("resnet48")
    codes = read_candidates(shared / "data/candidates/CVPR_2022_NAS_Track1_test.json", space).values()
    priors = cost_priors(space, [space.parse(code) for code in codes])
    assert len(priors["MACs"]) == 45_000
    assert METRICS["kendall"](priors["MACs"], priors["parameters"]) == pytest.approx(0.4566, abs=5e-5)
    assert METRICS["kendall"](priors["MACs"], priors["depth"]) == pytest.approx(0.8747, abs=0.005)  # of other 29,026


def test_what_the_priors_score_on_the_truth_of_2021(shared: Path) -> None:
    """Golden values measured on the 500 truths at hand; the published ones are of the first 1,000."""
    space = get_space("resnet20")
    truths = read_candidates(shared / "data/truth/resnet20_cifar100_first500.json", space)
    truth = np.array(list(truths.accs.values()))
    priors = cost_priors(space, [space.parse(code) for code in truths.values()])
    golden = {"MACs": [0.384329, 0.544276, 0.437677], "parameters": [0.604332, 0.786413, 0.652095]}
    published = {"MACs": [0.360404, 0.513733, 0.428137], "parameters": [0.587016, 0.771126, 0.645791]}
    for name, prior in priors.items():
        measure = Measure(prior, truth, CORE)
        assert measure.values == pytest.approx(golden[name], abs=1e-6)
        (drawn,) = bootstrap([measure], len(truth), resamples=300, seed=0)
        low, high = Sampled(measure.values, drawn, measure.without_each()).interval("bca")
        assert (low < published[name]).all()
        assert (high > published[name]).all()
