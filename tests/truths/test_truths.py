"""The truths that ship with the toolkit."""

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import kendalltau

from tests.command import supernet
from toolkit import truths
from toolkit.candidates import draw_candidates
from toolkit.data import open_dataset
from toolkit.errors import InputError
from toolkit.ranking.tables import read_values
from toolkit.runs.recipe import parse_recipe
from toolkit.spaces import get_space
from toolkit.training.standalone import train_alone

SPACE = get_space("resnet48-tiny")
RECIPE = {
    "space": SPACE.name,
    "threads": 1,
    "method": {"name": "spos"},
    "data": {"source": "turned-digits"},
    "training": {
        "optimizer": "adamw",
        "epochs": 6,
        "batch_size": 128,
        "lr": 0.01,
        "warmup_epochs": 1,
        "weight_decay": 0.01,
        "clip_norm": 5.0,
    },
}
"""What docs/truths.md says."""


@pytest.fixture(scope="module")
def table():
    return read_values(truths.read("turned-digits").path, ("arch",), ("acc", "seed 0", "seed 1"))


def test_it_is_of_the_first_candidates_that_the_demo_draws(table):
    assert table.codes == tuple(draw_candidates(SPACE, 300, 0).values())


def test_the_mean_of_the_seeds(table):
    acc, *seeds = table.values.values()
    np.testing.assert_allclose(acc, np.mean(seeds, axis=0), atol=1e-9)


def test_it_can_rank(table):
    """Networks differ by more than 10 points, and the two trainings of each agree on which are better."""
    acc, *seeds = table.values.values()
    assert np.ptp(acc) > 10
    assert kendalltau(*seeds).statistic >= 0.75


def test_some_of_it_trained_again(table):
    """Within what another processor's rounding makes of a training."""
    from toolkit.backends import get_backend

    data, backend = open_dataset("turned-digits"), get_backend("torch", "cpu", threads=1)
    config = parse_recipe(RECIPE).training
    cheapest = min(range(300), key=lambda row: SPACE.cost(SPACE.parse(table.codes[row])).macs)
    counts = train_alone(backend, SPACE, SPACE.parse(table.codes[cheapest]), data, config, seed=0).counts
    assert 100 * counts.top1 / counts.total == pytest.approx(table.values["seed 0"][cheapest], abs=5)


def test_listed_copied_and_unknown(tmp_path: Path):
    listed = supernet("truth")
    assert "turned-digits" in listed.out
    assert "300 networks, 2 seeds" in listed.out
    out = tmp_path / "truth.json"
    assert supernet("truth", "turned-digits", "--out", out).status == 0
    assert out.read_bytes() == truths.read("turned-digits").path.read_bytes()
    again = supernet("truth", "turned-digits", "--out", out)
    assert (again.status, "is there already" in again.err) == (1, True)
    unknown = supernet("truth", "turned-digit", "--out", tmp_path / "other.json")
    assert (unknown.status, "did you mean 'turned-digits'" in unknown.err) == (1, True)
    with pytest.raises(InputError, match="unknown truth"):
        truths.read("../truths/turned-digits")
