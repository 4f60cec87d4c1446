"""Where decisions constrain each other, everybody draws by the space's law, and nobody invents an architecture."""

from collections import Counter
from typing import Any

import numpy as np
import pytest
from scipy.stats import chisquare

from tests.constrained_space import GROWING, OWN_LAW
from tests.networks import backend_on_cpu
from toolkit.backends.base import Backend
from toolkit.candidates import draw_candidates
from toolkit.errors import InputError
from toolkit.interference.branches import Branches
from toolkit.interference.draws import draw_answers, draw_paths
from toolkit.methods import METHODS, Batch
from toolkit.sampling import SAMPLERS, Moment, make_sampler
from toolkit.sampling.distribution import compare
from toolkit.spaces import SearchSpace
from toolkit.spaces.grouping import GroupedSpace

DERIVED = GroupedSpace(GROWING, 2)
SPACES = pytest.mark.parametrize("space", [GROWING, OWN_LAW, DERIVED], ids=["growing", "own law", "derived"])


@SPACES
@pytest.mark.parametrize("name", [name for name in SAMPLERS if name != "candidates"])
def test_samplers_draw_architectures_or_refuse(space: SearchSpace, name: str) -> None:
    more: dict[str, Any] = {"distant": {"minimum": 1}, "attentive": {"bins": 2, "table": 64}}.get(name, {})
    options = SAMPLERS[name].options_type(name=name, **more)
    if name in ("fair", "shrinking", "within", "policy"):
        with pytest.raises(InputError, match=f"method.sampling.name: {name} answers each decision by itself"):
            make_sampler(options, space, has_loss=True)
        return
    drawn = make_sampler(options, space, has_loss=True).draw(
        np.random.default_rng(0), 200, Moment(0.9, lambda arch: float(sum(arch)))
    )
    assert all(map(space.contains, drawn))
    assert len(set(drawn)) > 3
    if name not in ("attentive", "neighbours"):  # which prefer some, or go a step beyond the law
        assert (space.largest in drawn) == (space is not OWN_LAW)


def test_by_default_what_agrees_is_uniform() -> None:
    rng = np.random.default_rng(0)
    counts = Counter(GROWING.sample(rng) for _ in range(2000))
    assert len(counts) == GROWING.cardinality == DERIVED.cardinality
    assert chisquare(list(counts.values())).pvalue > 1e-4
    assert not GROWING.contains((2, 1, 0))
    assert GROWING.contains((0, 1, 2))


@SPACES
def test_candidates_and_comparisons_follow_the_space(space: SearchSpace) -> None:
    most = 9 if space is OWN_LAW else 10
    archs = [space.parse(code) for code in draw_candidates(space, most, 0).values()]
    assert len(set(archs)) == most
    with pytest.raises(InputError, match="gave no new network"):
        draw_candidates(space, most + 1, 0)
    assert compare(make_sampler(None, space), archs, draws=50).draws == 50


@SPACES
def test_probes_draw_and_compare_architectures(space: SearchSpace) -> None:
    backend: Backend = backend_on_cpu("torch")
    rng = np.random.default_rng(0)
    assert all(map(space.contains, draw_paths(space, 5, 0)))
    network = backend.network(space, space.widest, 0)
    images = backend.place(rng.normal(size=(4, 1, 8, 8)).astype(np.float32))
    branches = Branches(network)
    for answers in [*draw_answers(space, 3, rng), [0, 0, 2]]:
        list(branches.draw(answers, (images, backend.place(np.arange(4))), [0, 1, 2]))
    assert {row.decision for row in branches.rows()} <= {"width0", "width1", "width2"}
    assert any(row.decision == "width1" for row in branches.rows()), "of which every option goes with 0 and 2"


def test_the_distance_is_the_space_s() -> None:
    assert GROWING.distance((0, 0, 0), (0, 1, 2)) == 3
    assert DERIVED.distance((0, 0, 0), (0, 1, 2)) == 3


@pytest.mark.parametrize("name", ["spos", "sandwich", "nsas", "pgonas", "progressive"])
def test_methods_train_architectures(name: str) -> None:
    """All that they draw, by the sampler or by themselves; the plans of anything else cannot be had."""
    backend = backend_on_cpu("torch")
    network = backend.network(GROWING, GROWING.widest, 0)
    images = backend.place(np.random.default_rng(0).normal(size=(4, 1, 8, 8)).astype(np.float32))
    method = METHODS[name](GROWING, METHODS[name].options_type(name=name))
    for step in range(3):
        method.step(Batch(network, images, backend.place(np.arange(4)), np.random.default_rng(step), 0.5))
