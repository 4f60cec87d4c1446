"""On a Ray cluster of this machine, begun once, for that takes ten seconds: the same results, whatever dies."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests import tiny
from tests.executors.test_executors import complaining, dying, every, reading
from tests.sweeps.test_sweep import sweep, write  # noqa: F401
from toolkit.candidates import draw_candidates
from toolkit.errors import InputError
from toolkit.runs.folder import RunFolder
from toolkit.spaces import get_space
from toolkit.sweeps.config import read_sweep
from toolkit.sweeps.sweep import run_sweep
from toolkit.training.standalone import train_candidates_alone

ray = pytest.importorskip("ray", reason="needs Ray, an optional extra")

WHERE = {"workers": 2, "ray": "local"}


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[None]:
    """Two workers' worth."""
    ray.init("local", include_dashboard=False, log_to_driver=False, num_cpus=2)
    yield
    ray.shutdown()


def test_what_dies_is_done_again(tmp_path: Path) -> None:
    results = every(partial(dying, tmp_path, 2), range(8), WHERE)
    assert sorted(x for x, _ in results) == list(range(8))
    assert len(list(tmp_path.iterdir())) == 2


def test_problems_come_back() -> None:
    with pytest.raises(InputError) as caught:
        every(complaining, [7], WHERE)
    assert caught.value.problems == ("7 is wrong", "and so is this")


def test_arrays_are_shared() -> None:
    array = np.zeros((2, 3, 5, 4), np.float32).transpose(0, 3, 1, 2)
    assert every(partial(reading, array), range(2), WHERE) == 2 * [(array.strides, False)]


def test_trainings_alone_are_those_of_one_process(tmp_path: Path) -> None:
    recipe = tiny.recipe(training={"epochs": 1, "warmup_epochs": 0})
    few = draw_candidates(get_space(recipe.space), 2, 0).codes
    here, there = RunFolder(tmp_path / "here"), RunFolder(tmp_path / "there")
    for run in (here, there):
        run.path.mkdir()
    assert train_candidates_alone(recipe, here, few) == train_candidates_alone(recipe, there, few, ray="local")
    assert there.standalone_seeds.read_bytes() == here.standalone_seeds.read_bytes()


def test_a_sweep_finds_what_one_process_finds(tmp_path: Path, sweep: dict[str, Any]) -> None:  # noqa: F811
    sweep |= {"seeds": [0], "variants": {"plain": {}, "idle": {"training": {"lr": 0.01}}}}
    config, trials = read_sweep(write(tmp_path, sweep))
    here = run_sweep(config, trials, tmp_path / "here")
    there = run_sweep(config, trials, tmp_path / "there", ray="local")
    assert [v.metrics for v in here.variants] == [v.metrics for v in there.variants]
