"""The truths that ship with the toolkit."""

import itertools
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
        "lr": 0.003,
        "warmup_epochs": 1,
        "weight_decay": 0.01,
        "clip_norm": 5.0,
    },
}
"""What docs/truths.md says."""


SEEDS = ("seed0", "seed1", "seed2", "seed3")


@pytest.fixture(scope="module")
def table():
    return read_values(truths.FOLDER / "turned-digits.csv", ("arch",), ("acc", *SEEDS))


def test_it_is_of_the_first_candidates_that_the_demo_draws(table):
    assert len(table.codes) == 300
    assert table.codes == tuple(draw_candidates(SPACE, len(table.codes), 0).values())


def test_the_mean_of_the_seeds(table):
    acc, *seeds = table.values.values()
    np.testing.assert_allclose(acc, np.mean(seeds, axis=0), atol=1e-5)


def test_it_can_rank(table):
    """Networks differ by more than 10 points, and two halves of the trainings agree on which are better."""
    acc, *seeds = table.values.values()
    assert np.ptp(acc) > 0.1
    assert min(kendalltau(*pair).statistic for pair in itertools.combinations(seeds, 2)) > 0.58
    assert kendalltau(np.mean(seeds[:2], axis=0), np.mean(seeds[2:], axis=0)).statistic > 0.68


def test_some_of_it_trained_again(table):
    """As near as trainings come whose rounding differs: seeds differ by 0.022 (standard deviation)."""
    from toolkit.backends import get_backend

    data, backend = open_dataset("turned-digits"), get_backend("torch", "cpu", threads=1)
    config = parse_recipe(RECIPE).training
    cheap = sorted(range(len(table.codes)), key=lambda row: SPACE.cost(SPACE.parse(table.codes[row])).macs)[:60]
    ranked = sorted(cheap, key=lambda row: table.values["seed0"][row])
    rows = [ranked[0], ranked[-1]]
    counts = [train_alone(backend, SPACE, SPACE.parse(table.codes[row]), data, config, seed=0).counts for row in rows]
    again = [each.top1 / each.total for each in counts]
    assert again == sorted(again)
    np.testing.assert_allclose(again, table.values["seed0"][rows], atol=0.08)


def test_the_docs_name_its_digest():
    docs = (Path(__file__).parents[2] / "docs" / "truths.md").read_text()
    assert all(truths.read(name).digest in docs for name in truths.names())


def test_listed_copied_and_unknown(table, tmp_path: Path):
    listed = supernet("truth")
    assert "turned-digits" in listed.out
    assert "300 networks, 4 seeds" in listed.out
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
