"""What a policy has learned of architectures is a candidate too, as what mixtures come to is."""

from pathlib import Path

import numpy as np
import pytest

from tests import tiny
from tests.methods_made import EVERYWHERE, make_method
from toolkit.candidates import read_candidates
from toolkit.methods import METHODS
from toolkit.runs.metrics import read_metrics
from toolkit.sampling.policy import policy_of
from toolkit.spaces import SPACES, SearchSpace, get_space
from toolkit.spaces.mixtures import Mixable

LEARNING = [name for name, method in METHODS.items() if method.rewards]


@pytest.mark.parametrize("space", [SPACES["nasbench-macro"], SPACES["resnet48-mini"]], ids=lambda space: space.name)
@pytest.mark.parametrize("name", LEARNING)
def test_a_policy_comes_to_its_most_probable_network(name: str, space: SearchSpace) -> None:
    method, rng = make_method(name, space), np.random.default_rng(0)
    policy = policy_of(method.sampler, name).policy
    for _ in range(3):
        wanted = [rng.integers(len(decision.options)) for decision in space.decisions]
        policy.logits = [3.0 * (np.arange(len(each)) == best) for each, best in zip(policy.logits, wanted, strict=True)]
        found = method.derived()
        assert found == space.canonical(wanted)
        assert space.contains(found)


@pytest.mark.parametrize("name", sorted({*EVERYWHERE} - {*LEARNING}))
def test_other_methods_that_draw_paths_come_to_none(name: str) -> None:
    assert make_method(name, SPACES["resnet48-mini"]).derived() is None


@pytest.mark.parametrize("name", LEARNING)
def test_a_training_files_it_and_tells_shares_where_operations_are_chosen(name: str, tmp_path: Path) -> None:
    method = {"name": name, "samples": 2, "held_out": 0.3} | ({"warmup": 0.0} if name == "wpnas" else {})
    asked = tiny.recipe(method=method, data={"calibration": 1700}, training={"batch_size": 8, "epochs": 1})
    run = tiny.train_new(tmp_path / "run", asked.model_copy(update={"space": "nasbench-macro"}))
    space = get_space("nasbench-macro")
    assert isinstance(space, Mixable)
    (code,) = read_candidates(run.derived, space).values()
    last = read_metrics(run)[-1]
    shares = {key.removeprefix("share."): value for key, value in last.items() if key.startswith("share.")}
    assert shares == space.shares(space.parse(code))
