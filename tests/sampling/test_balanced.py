"""The chances of balanced sampling, computed by going through all draws."""

from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import softmax
from scipy.stats import chisquare

from tests.sampling.drawing import draw_steps, sampler
from toolkit.candidates import write_entries
from toolkit.errors import InputError
from toolkit.sampling.balanced import scaled
from toolkit.spaces import get_space

SPACE = get_space("nats-size")
CODES = {"a": "8:8:8:8:8", "b": "16:8:8:8:8", "c": "64:64:64:64:64", "d": "32:32:32:32:32"}
SCORES = {"a": 1.0, "b": 2.0, "c": 3.0, "d": 10.0}


@pytest.fixture
def scores(tmp_path: Path) -> str:
    write_entries(tmp_path / "scores.json", CODES, SCORES)
    return f"file:{tmp_path}/scores.json"


def chances(among: int, choose: str) -> Any:
    """Of each of the four networks, over all equally likely draws of `among` of them."""
    values = list(SCORES.values())
    total = np.zeros(4)
    for drawn in product(range(4), repeat=among):
        k = np.array([values[i] for i in drawn])
        if choose == "argmax":
            weights = np.eye(among)[k.argmax()]
        elif choose == "proportional":
            weights = k / k.sum()
        else:
            weights = softmax((k - k.min()) / max(np.ptp(k), 1e-9))
        np.add.at(total, list(drawn), weights)
    return total / total.sum()


@pytest.mark.parametrize(("among", "choose"), [(3, "proportional"), (2, "proportional"), (3, "softmax"), (3, "argmax")])
def test_each_network_is_chosen_as_often_as_the_law_says(among: int, choose: str, scores: str) -> None:
    source = sampler(SPACE, "balanced", prior=scores, among=among, choose=choose)
    drawn = draw_steps(source, range(1000), paths=4)
    observed = [drawn.count(SPACE.parse(code)) for code in CODES.values()]
    assert sum(observed) == 4000
    assert chisquare(observed, 4000 * chances(among, choose)).pvalue > 1e-3
    other = "proportional" if choose == "softmax" else "softmax"
    assert chisquare(observed, 4000 * chances(among, other)).pvalue < 1e-3, "the test would not notice"


@pytest.mark.parametrize("prior", ["macs", "parameters"])
def test_costs_tilt_to_larger_networks(prior: str) -> None:
    def mean_cost(**options: object) -> float:
        drawn = draw_steps(sampler(SPACE, **options), range(150))  # type: ignore[arg-type]
        costs = [SPACE.cost(arch) for arch in drawn]
        return float(np.mean([cost.macs if prior == "macs" else cost.params for cost in costs]))

    means = [mean_cost(name="uniform")]
    means += [mean_cost(name="balanced", prior=prior, choose=how) for how in ("proportional", "argmax")]
    assert means == sorted(means)
    assert means[1] > 1.1 * means[0]


def test_argmax_keeps_the_best_of_those_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    dealt = iter(SPACE.parse(CODES[name]) for name in "abcdab" + "aba" * 4)
    monkeypatch.setattr(type(SPACE), "sample", lambda _, rng: next(dealt))
    best = [SPACE.format(arch) for arch in draw_steps(sampler(SPACE, "balanced", choose="argmax"), range(6), paths=1)]
    assert best == [CODES[name] for name in ("c", "d", *"bbbb")]


def test_scaling() -> None:
    assert scaled(np.array([2.0, 4.0, 3.0])).tolist() == [0.0, 1.0, 0.5]
    assert scaled(np.array([-7.0, -7.0])).tolist() == [0.0, 0.0]


@pytest.mark.parametrize("lowest", [-3.0, 0.0])
def test_scores_that_are_no_proportions_are_refused_at_once(lowest: float, tmp_path: Path) -> None:
    write_entries(tmp_path / "scores.json", CODES, SCORES | {"b": lowest})
    spec = f"file:{tmp_path}/scores.json"
    with pytest.raises(InputError, match=r"scores of 0 or less.*choose by 'softmax' or 'argmax'"):
        sampler(SPACE, "balanced", prior=spec)
    assert draw_steps(sampler(SPACE, "balanced", prior=spec, choose="softmax"), range(5))
