"""The truths that ship with the toolkit."""

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import kendalltau

from tests.command import supernet
from toolkit import truths
from toolkit.candidates import draw_candidates, read_candidates
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
    return read_values(truths.FOLDER / "turned-digits.csv", ("arch",), ("acc", "seed0", "seed1"))


def test_it_is_of_the_first_candidates_that_the_demo_draws(table):
    assert table.codes == tuple(draw_candidates(SPACE, len(table.codes), 0).values())


def test_the_mean_of_the_seeds(table):
    acc, *seeds = table.values.values()
    np.testing.assert_allclose(acc, np.mean(seeds, axis=0), atol=1e-5)


def test_it_can_rank(table):
    """Networks differ by more than 10 points, and the two trainings of each agree on which are better, with noise."""
    acc, *seeds = table.values.values()
    assert np.ptp(acc) > 0.1
    assert kendalltau(*seeds).statistic > 0.55


def test_some_of_it_trained_again(table):
    """As near as trainings come whose rounding differs: seeds differ by 0.037 (standard deviation)."""
    from toolkit.backends import get_backend

    data, backend = open_dataset("turned-digits"), get_backend("torch", "cpu", threads=1)
    config = parse_recipe(RECIPE).training
    cheapest = min(range(len(table.codes)), key=lambda row: SPACE.cost(SPACE.parse(table.codes[row])).macs)
    counts = train_alone(backend, SPACE, SPACE.parse(table.codes[cheapest]), data, config, seed=0).counts
    assert counts.top1 / counts.total == pytest.approx(table.values["seed0"][cheapest], abs=0.12)


def test_listed_copied_and_unknown(table, tmp_path: Path):
    listed = supernet("truth")
    assert "turned-digits" in listed.out
    assert " networks, 2 seeds" in listed.out
    out = tmp_path / "truth.json"
    assert supernet("truth", "turned-digits", "--out", out).status == 0
    assert dict(read_candidates(out, SPACE)) == dict(draw_candidates(SPACE, len(table.codes), 0))
    assert out.with_suffix(".csv").read_text() == truths.read("turned-digits").table
    again = supernet("truth", "turned-digits", "--out", out)
    assert (again.status, "is there already" in again.err) == (1, True)
    unknown = supernet("truth", "turned-digit", "--out", tmp_path / "other.json")
    assert (unknown.status, "did you mean 'turned-digits'" in unknown.err) == (1, True)
    table_itself = supernet("truth", "turned-digits", "--out", tmp_path / "other.csv")
    assert (table_itself.status, "name the other file" in table_itself.err) == (1, True)
    assert not (tmp_path / "other.csv").exists()
    with pytest.raises(InputError, match="unknown truth"):
        truths.read("../truths/turned-digits")
