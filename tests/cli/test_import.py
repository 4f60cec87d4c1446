"""`supernet import`: from somebody's checkpoint and a data set to results, in commands alone."""

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests import tiny, weight_files
from tests.command import Outcome, supernet
from tests.weight_files import Arrays, legacy_pth
from toolkit.candidates import draw_candidates, write_candidates
from toolkit.runs.checkpoint import load_checkpoint
from toolkit.runs.folder import RunFolder
from toolkit.runs.recipe import read_recipe
from toolkit.spaces import get_space

RESNET20 = get_space("resnet20")
STD = "0.1942,0.1918,0.1958"
WINNER = weight_files.fill(weight_files.winner_2021(prelu=True))
STEP_1 = weight_files.fill(weight_files.winner_2021(prelu=False))


@pytest.fixture(scope="module")
def cifar100(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "cifar-100-python"
    folder.mkdir()
    for name, count in (("train", 40), ("test", 30)):
        images = np.random.default_rng(count).integers(0, 256, (count, 3072), dtype=np.uint8)
        labels = np.random.default_rng(0).integers(0, 100, count).tolist()
        batch = {b"data": images, b"fine_labels": labels, b"coarse_labels": count * [0], b"batch_label": b"all"}
        (folder / name).write_bytes(pickle.dumps(batch))
    return folder


def imported(cifar100: Path, weights: Arrays, out: Path, *options: object) -> Outcome:
    out.parent.mkdir(exist_ok=True)
    source = out.parent / f"{out.name}.pt"
    source.write_bytes(legacy_pth(weights))
    data = ("--data", f"cifar100:{cifar100}", "--set", "data.calibration=16")
    return supernet("import", source, "--space", "resnet20", *data, "--out", out, *options)


def losses(run: Path, folder: Path) -> list[float]:
    """Of a few candidates, as a later command finds them."""
    file = folder / "candidates.json"
    if not file.exists():
        write_candidates(file, draw_candidates(RESNET20, 5, seed=0))
    done = supernet("evaluate", run, "--candidates", file, "--norm", "stored")
    assert done.status == 0, done
    from toolkit.evaluation.ledger import Ledger

    with Ledger.read(RunFolder(run).ledger) as ledger:
        (holding,) = ledger.settings()
        return [counts.loss / counts.total for _, counts in sorted(ledger.results(holding.setting).items())]


def test_the_winners_second_step_evaluates_with_the_widths_and_the_normalisation_that_are_said(
    cifar100: Path, tmp_path: Path
) -> None:
    done = imported(cifar100, WINNER, tmp_path / "run", "--widths", "4=5,8=9", "--std", STD)
    assert (done.status, done.err.strip()) == (0, ""), done
    recipe = read_recipe(RunFolder(tmp_path / "run").recipe)
    assert recipe.supernet is not None
    assert (recipe.supernet.activation, recipe.supernet.widths) == ("prelu", {"4": 5, "8": 9})
    assert recipe.data.std == (0.1942, 0.1918, 0.1958)
    assert "151 tensors" in done.out
    found = losses(tmp_path / "run", tmp_path)
    assert len(set(found)) == 5
    assert supernet("submit", tmp_path / "run").status == 0
    # Without these widths everything would be otherwise.
    imported(cifar100, WINNER, tmp_path / "plain", "--widths", "none", "--std", STD)
    assert not np.allclose(losses(tmp_path / "plain", tmp_path), found, rtol=1e-5)
    own = imported(cifar100, WINNER, tmp_path / "own", "--widths", "4=5,8=9")
    assert f"--std {STD}" in own.out


def test_a_normalisation_is_what_folding_it_into_the_stem_gives(cifar100: Path, tmp_path: Path) -> None:
    """Scaling the first convolution by hand was the only way before; a factor of two rounds nothing."""
    folded = STEP_1 | {"conv1.conv1.0.weight": STEP_1["conv1.conv1.0.weight"] * np.float32(2)}
    assert imported(cifar100, STEP_1, tmp_path / "said", "--std", "0.125,0.125,0.125").status == 0
    assert imported(cifar100, folded, tmp_path / "folded", "--std", "0.25,0.25,0.25").status == 0
    assert losses(tmp_path / "said", tmp_path) == pytest.approx(losses(tmp_path / "folded", tmp_path), rel=1e-5)


def test_what_no_tensor_tells_has_to_be_said(cifar100: Path, tmp_path: Path) -> None:
    done = imported(cifar100, WINNER, tmp_path / "run")
    assert (done.status, done.out) == (1, "")
    assert "runs 4=5,8=9 (a width, and what runs in its place)" in done.err
    assert not (tmp_path / "run").exists()
    first = imported(cifar100, STEP_1, tmp_path / "first")
    assert "note: no tensor tells whether widths run in place of others" in first.out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--widths", "4->5"), "--widths 4->5: write width=width"),
        (("--widths", "4=9"), "4: 9 is not below the next width"),
        (("--widths", "none", "--std", "a"), "--std a: write a number for each channel"),
        (("--widths", "none", "--std", "0.2,0.2"), "data.std has 2 numbers"),
        (
            ("--widths", "none", "--data", "digits"),
            "is for images of 3 channels and 100 classes; the data have 1 and 10",
        ),
    ],
)
def test_mistakes_leave_no_run(cifar100: Path, tmp_path: Path, options: tuple[str, ...], said: str) -> None:
    done = imported(cifar100, WINNER, tmp_path / "run", *options)
    assert done.status == 1
    assert said in " ".join(done.err.split())
    assert not RunFolder(tmp_path / "run").exists()


def test_a_run_is_not_replaced(trained: RunFolder) -> None:
    before = sorted(trained.path.rglob("*"))
    done = supernet("import", trained.latest_checkpoint(), "--data", "digits", "--out", trained.path)
    assert (done.status, "holds a run already" in done.err) == (1, True)
    assert sorted(trained.path.rglob("*")) == before


SUPERNETS: dict[str, dict[str, Any]] = {
    "plain": {},
    "prelu": {"supernet": {"activation": "prelu"}},
    "groups": {"supernet": {"groups": 2}},
    "a group for each width": {"supernet": {"groups": "widths", "activation": "prelu", "group_slopes": False}},
    "norms": {"supernet": {"norms": "widths"}},
    "split": {"split": [{"decision": "middle1.1", "groups": [["1"], ["2", "3"]]}]},
}


@pytest.mark.parametrize("name", SUPERNETS)
def test_a_supernet_of_ours_is_recognised_from_its_tensors(name: str, tmp_path: Path) -> None:
    recipe = tiny.recipe(
        training={"epochs": 1, "warmup_epochs": 0},
        **{key: value for key, value in SUPERNETS[name].items() if key != "split"},
    )
    if split := SUPERNETS[name].get("split"):
        recipe = tiny.parse_recipe(recipe.model_dump(exclude_none=True) | {"split": split})
    checkpoint = tiny.train_new(tmp_path / "run", recipe).latest_checkpoint()
    done = supernet("import", checkpoint, "--data", "digits", "--out", tmp_path / "again", "--json")
    assert done.status == 0, done
    assert json.loads(done.out)["space"] == "resnet48-mini"
    again = RunFolder(tmp_path / "again")
    weights, expected = (load_checkpoint(path).model for path in (again.latest_checkpoint(), checkpoint))
    assert weights.keys() == expected.keys()
    made = read_recipe(again.recipe)
    plans = [each.derive(get_space(each.space)).widest for each in (made, recipe)]
    assert plans[0] == plans[1]
