import csv
import json
import shutil
import signal
from pathlib import Path
from statistics import fmean
from unittest.mock import patch

import numpy as np
import pytest

from tests import tiny
from tests.command import supernet
from tests.networks import backend_on_cpu, logits, some_images
from toolkit.backends import BACKENDS, get_backend
from toolkit.candidates import Candidates, draw_candidates, read_candidates, write_candidates
from toolkit.errors import InputError, Stopped
from toolkit.evaluation.ledger import Ledger
from toolkit.runs.checkpoint import load_checkpoint
from toolkit.runs.folder import RunFolder
from toolkit.runs.recipe import read_recipe
from toolkit.runs.setup import load_weights, open_data, open_space
from toolkit.spaces import get_space
from toolkit.training import standalone
from toolkit.training.standalone import train_alone, train_candidates_alone
from toolkit.training.warm import start_warm, supernet_weights

SPACE = get_space("resnet48-mini")
CANDIDATES = dict(draw_candidates(SPACE, 30, 0))
RECIPE = tiny.recipe(training={"epochs": 1, "warmup_epochs": 1.0})


def test_training_alone_is_seeded_and_learns() -> None:
    recipe = tiny.recipe(data={"calibration": 1000, "validation": 200}, training={"epochs": 3})
    data = open_data(recipe)
    space, backend = open_space(recipe, data), get_backend("torch", "cpu")
    steps: list[tuple[int, int]] = []
    found = [
        train_alone(
            backend,
            space,
            space.smallest,
            data,
            recipe.training,
            seed=seed,
            after_step=lambda *news: steps.append(news),
        )
        for seed in (1, 1, 2)
    ]
    assert found[0] == found[1] != found[2]
    assert found[0].counts.total == 200
    assert found[0].counts.top1 > 60, "three times chance"
    assert found[0].training.total == 54 * recipe.training.batch_size
    assert found[0].counts.loss / 200 < found[0].training.loss / found[0].training.total, (
        "it began with knowing nothing"
    )
    assert steps[:54] == [(step, 54) for step in range(1, 55)]


def test_ground_truth_is_kept_and_not_done_again(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    few = dict(list(CANDIDATES.items())[:2])
    found = train_candidates_alone(RECIPE, run, few)
    assert found.keys() == few.keys()
    truth = read_candidates(run.standalone, SPACE)
    assert dict(truth) == few
    assert truth.accs == {name: counts.top1 / counts.total for name, (counts,) in found.items()}

    more = dict(list(CANDIDATES.items())[:3]) | {"twin": next(iter(few.values()))}
    trained = []
    train = standalone.train_alone

    def watched(*arguments: object, **options: object) -> object:
        trained.append(arguments[2])
        return train(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(standalone, "train_alone", watched)
    again = train_candidates_alone(RECIPE, run, more)
    assert len(trained) == 1
    assert again.items() >= found.items()
    assert list(read_candidates(run.standalone, SPACE)) == list(more)
    train_candidates_alone(RECIPE, run, few, seeds=[1])
    assert len(trained) == 3, "another seed is another training"
    with Ledger.read(run.standalone_ledger) as ledger:
        settings = ledger.settings()
    for norm in ("stored", "training"):
        assert sorted(each.results for each in settings if each.setting.norm == norm) == [2, 3]


def test_losses_are_labels_too(run: RunFolder) -> None:
    """Validation and training loss of every network, in the table beside the accuracies."""
    few = dict(list(CANDIDATES.items())[:2])
    found = train_candidates_alone(RECIPE, run, few)
    with run.standalone_seeds.open() as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        (counts,) = found[row["id"]]
        assert float(row["loss"]) == counts.loss / counts.total
        assert 0.5 < float(row["training_loss"]) < 5


@pytest.mark.parametrize("name", BACKENDS)
def test_an_auxiliary_classifier_is_trained_with_and_not_tested(name: str) -> None:
    """Its loss is added, and blocks before it learn of it."""
    backend = backend_on_cpu(name)
    small: dict[str, object] = {"name": "darts-mini", "init_channels": 4, "layers": 3}
    found, held = [], []
    for options in (small, small | {"auxiliary_weight": 0.4}):
        recipe = tiny.recipe(
            space=options, data={"calibration": 1500, "validation": 100}, training={"epochs": 1, "batch_size": 64}
        )
        data = open_data(recipe)
        space = open_space(recipe, data)
        with patch.object(backend, "network", side_effect=backend.network) as made:
            found.append(train_alone(backend, space, space.smallest, data, recipe.training, seed=0))
        held.append(made.call_args.args[1])
    assert found[1].training.loss > found[0].training.loss
    assert found[1].counts != found[0].counts
    assert held[1] == (*held[0], space.auxiliary.plan)  # type: ignore[union-attr]
    network = backend.network(space, held[1], 0)
    before = network.weights()
    start_warm(network, space, space.smallest, backend.network(space, space.widest, 1).weights())
    warm = {name for name, array in network.weights().items() if not np.array_equal(array, before[name])}
    last = f"blocks.{len(held[0])}."
    assert warm, "the path's"
    assert not any(name.startswith(last) for name in warm), "no supernet has such a classifier"


def test_a_warm_start_begins_where_the_supernet_ended(run: RunFolder) -> None:
    """Before any step the network is the supernet's path; and what it learns is filed apart."""
    recipe = read_recipe(run.recipe)
    data = open_data(recipe)
    space, backend = open_space(recipe, data), get_backend("torch", "cpu")
    weights, origin = supernet_weights(run.latest_checkpoint())
    arch = space.parse(CANDIDATES["arch1"])
    shared, alone = (backend.network(space, plans, 0) for plans in (space.widest, space.plans(arch)))
    load_weights(shared, load_checkpoint(run.latest_checkpoint()), "")
    start_warm(alone, space, arch, weights)
    images = some_images(space)
    found = [
        logits(backend, network, arch, images, network.batch_norm(), plans)
        for network, plans in ((shared, space.supernet_plans(arch)), (alone, space.plans(arch)))
    ]
    np.testing.assert_allclose(*found, rtol=1e-4, atol=1e-5)
    few = {"arch1": CANDIDATES["arch1"]}
    cold = train_candidates_alone(RECIPE, run, few)
    warm = train_candidates_alone(RECIPE, run, few, warm=run.latest_checkpoint())
    assert warm != cold
    assert warm == train_candidates_alone(RECIPE, run, few, warm=run.latest_checkpoint()), "and is kept"
    assert origin
    with pytest.raises(InputError, match="the supernet has no blocks"):
        start_warm(alone, space, arch, {})


def test_ctrl_c_keeps_finished_networks(run: RunFolder) -> None:
    few = dict(list(CANDIDATES.items())[:3])

    def press(what: str, done: int, total: int) -> None:
        if what == "training alone" and done == total // 3 + 2:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(Stopped, match=r"Stopped; 1 of 3 trainings are finished and kept. The same command again"):
        train_candidates_alone(RECIPE, run, few, progress=press)
    assert not run.standalone.exists()
    heard: list[int] = []
    train_candidates_alone(RECIPE, run, few, progress=lambda _, done, total: heard.append(done / total))  # type: ignore[arg-type]
    assert heard[0] == 1 / 3
    assert heard[-1] == 1
    assert np.all(np.diff(heard) >= 0)


def test_several_seeds_are_kept_apart_and_several_processes_find_the_same(run: RunFolder, tmp_path: Path) -> None:
    few = dict(list(CANDIDATES.items())[:2])
    other = tmp_path / "other"
    shutil.copytree(run.path, other)
    alone = train_candidates_alone(RECIPE, run, few, seeds=[3, 5])
    together = train_candidates_alone(RECIPE, RunFolder(other), few, seeds=[3, 5], workers=2)
    assert alone == together
    first, second = (counts.top1 / counts.total for counts in alone["arch1"])
    with run.standalone_seeds.open() as file:
        rows = list(csv.DictReader(file))
    assert [row["id"] for row in rows] == list(few)
    assert (float(rows[0]["seed3"]), float(rows[0]["seed5"])) == (first, second)
    assert float(rows[0]["acc"]) == read_candidates(run.standalone, SPACE).accs["arch1"] == fmean([first, second])
    assert (other / "standalone.csv").read_bytes() == run.standalone_seeds.read_bytes()


def test_the_report_reads_every_seed(run: RunFolder) -> None:
    few = dict(list(CANDIDATES.items())[:4])
    write_candidates(run.candidates, Candidates(few, dict.fromkeys(few, 0.0)))
    done = supernet("standalone", run.path, "--count", 4, "--seed", 0, "--seed", 1, "--set", "training.epochs=1")
    assert done.status == 0, done.err
    assert "4 candidates trained alone, 2 times each" in done.out
    (command,) = [line for line in done.out.splitlines() if line.startswith("Next: supernet ")]
    scores = {name: i / 10 for i, name in enumerate(few)}
    write_candidates(run.submission, Candidates(few, scores))
    report = supernet(*command.removeprefix("Next: supernet ").split(), "--json", "--resamples", 100)
    assert report.status == 0, report.err
    assert json.loads(report.out)["networks"] == 4


def test_data_that_is_not_there(run: RunFolder) -> None:
    recipe = tiny.recipe(data={"source": f"imagefolder:{run.path / 'absent'}"})
    with pytest.raises(InputError, match="absent"):
        train_candidates_alone(recipe, run, CANDIDATES)
    assert not run.standalone_ledger.exists()
