"""A run whose supernet is enhanced, grouped and split, through everything that is done with a run."""

from pathlib import Path

import numpy as np
import pytest

from tests import tiny
from tests.tiny import train_new
from toolkit.backends import BACKENDS, get_backend
from toolkit.backends.base import Counts
from toolkit.backends.shapes import parameters
from toolkit.candidates import Candidates, draw_candidates, write_candidates
from toolkit.evaluation.evaluate import Job, equip, evaluate_candidates
from toolkit.evaluation.evaluator import Evaluator
from toolkit.evaluation.ledger import Ledger
from toolkit.evaluation.memory import memory_need
from toolkit.evaluation.policy import NormPolicy
from toolkit.evaluation.prefixes import prefix_tree
from toolkit.evaluation.race import race
from toolkit.interference.afterwards import probe_run
from toolkit.interference.probe import Settings
from toolkit.interference.splits import split_recipe, suggest_splits
from toolkit.interference.table import read_interference
from toolkit.runs.checkpoint import load_checkpoint
from toolkit.runs.folder import RunFolder
from toolkit.runs.recipe import parse_recipe, read_recipe
from toolkit.spaces import get_space
from toolkit.spaces.splitting import SplitSpace

SPLIT = {"decision": "middle4.1", "groups": [["1", "2", "3"], ["4", "5", "6", "7"]]}
CODES = draw_candidates(get_space("resnet48-mini"), 12, 0)
POLICY = NormPolicy("calibrate", 32)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """Trained for an epoch with PReLUs, two groups of widths and a batch norm for each; probed while training."""
    asked = tiny.recipe(
        method={"name": "progressive", "paths": 2, "look": 0},
        supernet={"activation": "prelu", "groups": 2, "norms": "widths"},
        training={"epochs": 1, "lr": 0.02, "momentum": 0.9, "move_idle": True},
        probe={"every_epochs": 1, "budget": 20, "paths": 2, "batches": 1},
    )
    tables = asked.model_dump(exclude_none=True) | {"split": [SPLIT]}
    return train_new(tmp_path_factory.mktemp("supernets") / "run", parse_recipe(tables))


def job(run: RunFolder, **arguments: object) -> Job:
    return Job(run.path, run.latest_checkpoint(), POLICY, images=32, threads=1, **arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize("backend", BACKENDS)
def test_together_candidates_score_what_each_scores_alone(run: RunFolder, backend: str) -> None:
    equipment, _ = equip(job(run, backend=backend))
    space = equipment.space
    made = get_backend(backend, "cpu")
    network = made.network(space, space.widest, 1)
    network.load_weights(equipment.weights)
    archs = [space.largest, space.smallest, *map(space.parse, CODES.values())]
    together = Evaluator(made, network, equipment.images).evaluate(archs)
    alone = [Evaluator(made, network, equipment.images).evaluate([arch])[0] for arch in archs]
    assert len({counts.loss for counts in alone}) == len(alone)
    need = memory_need(
        prefix_tree([(arch, network.space.supernet_plans(arch)) for arch in archs]), space.channels, space.size
    )
    few = Evaluator(made, network, equipment.images, memory=need.of(POLICY.images + 8)).evaluate(archs)
    for one, other, third in zip(together, alone, few, strict=True):
        assert (one.top1, one.top5) == (other.top1, other.top5) == (third.top1, third.top5)
        assert one.loss == pytest.approx(other.loss, rel=1e-4) == pytest.approx(third.loss, rel=1e-4)


def test_several_processes_and_a_race_agree(run: RunFolder) -> None:
    def results(images: int) -> dict[str, Counts]:
        with Ledger.read(run.ledger) as ledger:
            (setting,) = (one.setting for one in ledger.settings() if one.setting.images == images)
            return ledger.results(setting)

    write_candidates(run.candidates, Candidates(dict(CODES), dict.fromkeys(CODES, 0.0)))
    evaluate_candidates(job(run), CODES, workers=2)
    full = results(32)
    run.ledger.unlink()
    race(job(run), CODES, tolerance=0.0)
    assert {code: (c.top1, c.top5) for code, c in results(32).items()} == {
        code: (c.top1, c.top5) for code, c in full.items()
    }


def test_probes_during_training_and_afterwards(run: RunFolder) -> None:
    during = read_interference(run.interference)
    assert {"times_trained", "path_cosine", "probe_cost"} <= set(during["measure"])
    probed = probe_run(run, [run.latest_checkpoint()], Settings(paths=2, batches=1, images=16))
    table, space = probed.table, probed.space
    cosines = table[table["measure"] == "gradient_cosine"]
    assert np.isfinite(cosines["value"]).any()
    slices = set(table.loc[table["measure"] == "times_trained", "first"])
    assert any(".groups." in each for each in slices), "groups are trained by their own names"
    assert "conv1[0:8]" in slices, "and the trunk by the teacher"
    suggestions = suggest_splits(space, table)
    assert suggestions
    assert "middle4.1" not in {each.split.decision for each in suggestions}
    grown = split_recipe(read_recipe(run.recipe), probed.checkpoint, suggestions[:1])
    assert isinstance(space, SplitSpace)
    further = grown.derive(get_space("resnet48-mini")).for_images(1, 8, 10)
    assert parameters(further.widest) - parameters(space.widest) == suggestions[0].params > 0


def test_weights_and_candidates_leave_and_come_back(run: RunFolder, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    from converters.onnx import Options, chosen_by_code, export
    from converters.weights import Ask, convert, read_weights, recognise

    for policy in (NormPolicy("stored"), POLICY):
        chosen = chosen_by_code(list(CODES.values())[:2], tmp_path / str(policy))
        for one in export(run.path, chosen, Options(policy=policy)):
            assert one.difference < 1e-5
    convert(run.latest_checkpoint(), tmp_path / "1.pdparams", Ask(), candidates=1)
    convert(tmp_path / "1.pdparams", tmp_path / "2.safetensors", Ask("resnet48-mini", size=8), candidates=1)
    again = recognise(read_weights(tmp_path / "2.safetensors"), Ask())
    saved = load_checkpoint(run.latest_checkpoint()).model
    assert again.weights.keys() == saved.keys()
    for name, array in saved.items():
        assert again.weights[name].tobytes() == array.tobytes(), name
