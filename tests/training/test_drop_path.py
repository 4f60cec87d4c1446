"""Drop path in trainings alone: what is dropped, how often, and that what is tested has every edge."""

from dataclasses import replace
from typing import Any, cast
from unittest.mock import patch

import numpy as np
import pytest

from tests import tiny
from tests.methods.mixing import TWO
from tests.networks import backend_on_cpu, randomise, some_images
from toolkit.backends import BACKENDS
from toolkit.runs.setup import open_data
from toolkit.spaces.plans import DualCell
from toolkit.training.drop_path import dropping, kept_paths
from toolkit.training.standalone import train_alone

ARCH = TWO.sample(np.random.default_rng(3))
PLANS = dropping(TWO.plans(ARCH))


def test_as_many_are_dropped_as_asked_and_the_mean_stays() -> None:
    kept = kept_paths(PLANS, np.random.default_rng(0), 2_000, 0.2)
    assert {position: table.shape for position, table in kept.items()} == dict.fromkeys((1, 2, 3, 4), (8, 2000))
    for table in kept.values():
        assert {*np.unique(table).tolist()} == {0.0, 1.25}
        assert (table == 0).mean() == pytest.approx(0.2, abs=0.02)
    whole = kept_paths(PLANS, np.random.default_rng(0), 5, 0.0)
    assert all((table == 1).all() for table in whole.values())


@pytest.mark.parametrize("name", BACKENDS)
def test_edges_are_dropped_image_by_image_but_identities_stay(name: str) -> None:
    backend = backend_on_cpu(name)
    net = backend.network(TWO, TWO.plans(ARCH), 0)
    randomise(net)
    images = backend.normalise(backend.place(some_images(TWO, 6)), (0.5,), (0.25,))
    cell = cast(DualCell, PLANS[1])
    identities = [
        "skip_connect" in dict(cast(Any, edge).branches) for node in cell.nodes for edge in node if edge is not None
    ]
    assert 0 < sum(identities) < 8

    def out(table: Any) -> Any:
        """Of the first cell, whose edges have no stride; without norms, so that images do not see each other."""
        state = net.run_block(0, PLANS[0], images, net.no_norm())
        found = net.run_block(1, PLANS[1], state, net.no_norm(), backend.place(table))
        return backend.ops.numpy(found[-1] if isinstance(found, tuple) else found)

    ones = np.ones((8, 6), np.float32)
    state = net.run_block(0, PLANS[0], images, net.no_norm())
    plain = net.run_block(1, TWO.plans(ARCH)[1], state, net.no_norm())
    whole = out(ones)
    assert whole.tobytes() == backend.ops.numpy(plain[-1] if isinstance(plain, tuple) else plain).tobytes()
    for edge, identity in enumerate(identities):
        without = ones.copy()
        without[edge, 2] = 0
        changed = np.abs(out(without) - whole).max((1, 2, 3)) > 0
        assert changed.tolist() == [image == 2 and not identity for image in range(6)], edge


def test_it_rises_with_the_epochs_and_what_is_tested_has_every_edge() -> None:
    backend = backend_on_cpu("torch")
    recipe = tiny.recipe(
        space={"name": "darts-mini", "init_channels": 2, "layers": 3, "drop_path": 0.4, "auxiliary_weight": 0.4},
        data={"calibration": 1600, "validation": 64},
        training={"epochs": 2, "batch_size": 64, "warmup_epochs": 0.0},
    )
    data = open_data(recipe)
    space = replace(TWO, init_channels=2, layers=3, drop_path=0.4)  # type: ignore[type-var]
    with patch("toolkit.training.standalone.kept_paths", side_effect=kept_paths) as drawn:
        found = train_alone(backend, space, ARCH, data, recipe.training, seed=0)
        again = train_alone(backend, space, ARCH, data, recipe.training, seed=0)
    assert found == again, "every draw is a function of seed and step"
    asked = [call.args[3] for call in drawn.call_args_list]
    assert sorted(set(asked)) == [0.0, 0.2]
    assert train_alone(backend, replace(space, drop_path=0.0), ARCH, data, recipe.training, seed=0) != found  # type: ignore[type-var]
    assert recipe.space_options is not None
    assert recipe.space_options.given["drop_path"] == 0.4
    assert space.plans(ARCH) == replace(space, drop_path=0.0).plans(ARCH), "neither code nor cost knows of it"  # type: ignore[type-var]
