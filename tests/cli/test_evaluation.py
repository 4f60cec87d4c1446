"""`supernet evaluate` and `status`: what a user sees, above all when something is wrong."""

import json
import re
import resource
import shutil
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cli.test_training import refused
from tests.command import supernet
from toolkit.candidates import draw_candidates, read_candidates, write_candidates
from toolkit.evaluation.budget import spent
from toolkit.evaluation.ledger import Ledger
from toolkit.files import digest
from toolkit.runs.checkpoint import load_checkpoint, save_checkpoint
from toolkit.runs.folder import RunFolder
from toolkit.spaces import get_space

CANDIDATES = draw_candidates(get_space("resnet48-mini"), 20, 0)
CODE = next(iter(CANDIDATES.values()))


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with candidates in it."""
    monkeypatch.chdir(tmp_path)
    write_candidates("candidates.json", CANDIDATES)
    return tmp_path


def test_evaluate_says_how_many_and_what_next(run: RunFolder) -> None:
    outcome = supernet("evaluate", run.path, "--candidates", "candidates.json", "--norm", "batch")
    assert outcome.status == 0
    first, second = outcome.out.splitlines()
    assert re.fullmatch(rf"20 candidates in {run.ledger}, 20 of them evaluated now \([\d.,]+ per second\)", first)
    assert second == f"Next: supernet submit {run.path} --candidates candidates.json --out submission.json"
    assert read_candidates(run.candidates, get_space("resnet48-mini")) == CANDIDATES
    again = supernet("evaluate", run.path, "--norm", "batch")
    assert again.out.splitlines()[0] == f"20 candidates in {run.ledger}, 0 of them evaluated now"


def test_evaluate_another_checkpoint_on_fewer_images(run: RunFolder) -> None:
    older = run.checkpoint(4)
    options = ("--candidates", "candidates.json", "--checkpoint", older, "--images", 32, "--norm", "calibrate:16")
    assert supernet("evaluate", run.path, *options).status == 0
    with Ledger.read(run.ledger) as ledger:
        (holding,) = ledger.settings()
    assert (holding.setting.checkpoint, holding.setting.images) == (digest(older.read_bytes()), 32)
    assert holding.setting.norm.startswith("calibrate:16 of ")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:1000])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def corrupt(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def of_another_space(path: Path) -> None:
    checkpoint = load_checkpoint(path)
    save_checkpoint(path, replace(checkpoint.facts, space="resnet48"), checkpoint.model)


def of_other_classes(path: Path) -> None:
    checkpoint = load_checkpoint(path)
    save_checkpoint(path, replace(checkpoint.facts, classes=100), checkpoint.model)


def with_a_tensor_too_few(path: Path) -> None:
    checkpoint = load_checkpoint(path)
    model = {name: array for name, array in checkpoint.model.items() if name != "blocks.0.conv.weight"}
    save_checkpoint(path, checkpoint.facts, model)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (cut, "damaged, cut off, or no checkpoint"),
        (empty, "damaged, cut off, or no checkpoint"),
        (corrupt, "its content is not what was written"),
        (Path.unlink, "cannot be read"),
        (of_another_space, "a checkpoint of space resnet48 for .* needed is resnet48-mini"),
        (of_other_classes, "and 100 classes; needed is resnet48-mini for 1x8x8 and 10 classes"),
        (with_a_tensor_too_few, "tensor blocks.0.conv.weight is missing"),
    ],
)
def test_checkpoints_that_cannot_be_used(
    run: RunFolder, folder: Path, damage: Callable[[Path], None], message: str
) -> None:
    path = folder / "other.safetensors"
    shutil.copy(run.latest_checkpoint(), path)
    damage(path)
    options = ("--candidates", "candidates.json", "--checkpoint", path)
    problems = refused(supernet("evaluate", run.path, *options))
    assert re.search(f"^✗ {path}: .*{message}", problems)
    assert not run.ledger.exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is not JSON"),
        ('{"arch1": {"acc": 0.0, "arch": "12', "as if cut off"),
        ("{}", "has no entries"),
        (json.dumps({"a": {"acc": 0, "arch": CODE}, "b": {"arch": CODE}}), "b has the keys arch"),
        *(
            (json.dumps({"arch1": {"acc": 0, "arch": code}}), f"arch1: code {json.dumps(code)} is not in space")
            for code in (CODE[:-2], CODE + "1", CODE[:-1] + "8", CODE[:-1] + "x", "11" + CODE[2:], "16" + CODE[2:], "")
        ),
    ],
)
def test_candidates_that_cannot_be_used(run: RunFolder, content: str, message: str) -> None:
    Path("bad.json").write_text(content)
    problems = refused(supernet("evaluate", run.path, "--candidates", "bad.json"))
    assert problems.startswith("✗ bad.json: ")
    assert message in problems
    assert not run.ledger.exists()
    assert not run.candidates.exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--norm", "calibrated"), "batch-norm policy 'calibrated': write stored, batch"),
        (("--norm", "calibrate:100000"), "keeps 1600; ask for fewer"),
        (("--images", 65), "65 images to test on: the validation split has 64"),
        (("--ema",), "holds no moving average of the weights; train with training.ema set"),
    ],
)
def test_options_that_do_not_fit(run: RunFolder, options: tuple[object, ...], message: str) -> None:
    assert message in refused(supernet("evaluate", run.path, "--candidates", "candidates.json", *options))
    assert not run.ledger.exists()


def test_runs_that_cannot_be_evaluated(run: RunFolder, folder: Path) -> None:
    options = ("--candidates", "candidates.json")
    assert "not a run folder" in refused(supernet("evaluate", folder, *options))
    assert f"{run.candidates}: cannot be read" in refused(supernet("evaluate", run.path))
    run.ledger.write_text("this is no ledger " * 100)
    assert f"{run.ledger}: " in refused(supernet("evaluate", run.path, *options))
    assert run.ledger.read_text() == "this is no ledger " * 100
    run.ledger.unlink()
    with Ledger.write(run.ledger):
        assert "is writing to it; wait until it has finished" in refused(supernet("evaluate", run.path, *options))
    for path in run.checkpoints().values():
        path.unlink()
    assert "no checkpoint yet; train with" in refused(supernet("evaluate", run.path, *options))
    run.recipe.write_text("space = ")
    assert f"{run.recipe}: not valid TOML" in refused(supernet("evaluate", run.path, *options))


def test_a_race(run: RunFolder) -> None:
    options = ("--candidates", "candidates.json", "--norm", "calibrate:2", "--race", "--tolerance", 0)
    outcome = supernet("evaluate", run.path, *options)
    assert outcome.status == 0, outcome.err
    assert re.search(r"images +candidates +expected Kendall tau", outcome.out)
    assert re.search(r"64 +20 +1\.000", outcome.out)
    assert outcome.out.endswith("--race --out submission.json\n")
    with Ledger.read(run.ledger) as ledger:
        found = {holding.setting.images: holding for holding in ledger.settings()}
        assert sorted(found) == [8, 16, 32, 64]
        alone = spent(ledger, found[64].setting, CANDIDATES.values())
        together = spent(ledger, found[64].setting, CANDIDATES.values(), race=True)
    assert str(alone).startswith("20 candidates on 64 images, after 2 for calibration; ")
    assert str(together).startswith("20 candidates on 8 images, 20 of them on 16, 20 of them on 32, 20 of them on 64, ")
    assert together.seconds == pytest.approx(sum(holding.seconds for holding in found.values()))
    refused(supernet("evaluate", run.path, *options[:-1], 0.7))
    written = supernet("submit", run.path, "--race", "--out", "submission.json")
    assert f"Budget: {together}.".replace("computing.", "") in written.out
    assert "not used" not in written.out


def test_a_race_that_leaves_some_behind(run: RunFolder) -> None:
    """Those who stopped have a place in the submission too; without --race they are missing."""
    options = ("--candidates", "candidates.json", "--norm", "calibrate:2")
    assert supernet("evaluate", run.path, *options, "--race", "--tolerance", 0.25).status == 0
    with Ledger.read(run.ledger) as ledger:
        assert min(holding.results for holding in ledger.settings()) < 20
    assert "have no result" in refused(supernet("submit", run.path))
    written = json.loads(supernet("submit", run.path, "--race", "--json").out)
    assert written["results"] == 20
    assert len(written["budget"]["candidates"]) > 1


def test_other_candidates_than_before(run: RunFolder) -> None:
    """Nothing that was evaluated is lost, and one is told."""
    options = ("--norm", "stored")
    supernet("evaluate", run.path, "--candidates", "candidates.json", *options)
    other = draw_candidates(get_space("resnet48-mini"), 5, 1)
    mixed = dict(list(CANDIDATES.items())[:3]) | {f"new{i}": code for i, code in enumerate(other.values())}
    write_candidates("changed.json", replace(CANDIDATES, codes=mixed, accs=dict.fromkeys(mixed, 0.0)))
    outcome = supernet("evaluate", run.path, "--candidates", "changed.json", *options)
    assert "Other candidates than before: 5 are new, 17 are gone. What was evaluated stays in" in outcome.err
    assert "8 candidates in" in outcome.out
    assert "5 of them evaluated now" in outcome.out
    again = supernet("evaluate", run.path, "--candidates", "candidates.json", *options)
    assert "20 candidates in" in again.out
    assert "0 of them evaluated now" in again.out


def test_results_of_other_precision_stay_apart(run: RunFolder) -> None:
    for precision in ("fp32", "bf16"):
        options = ("--candidates", "candidates.json", "--norm", "calibrate:16", "--precision", precision)
        assert "20 of them evaluated now" in supernet("evaluate", run.path, *options).out
    entries = json.loads(supernet("status", run.path, "--json").out)["ledger"]
    assert {entry["precision"] for entry in entries} == {"fp32", "bf16"}
    assert "bf16" in supernet("status", run.path).out


def test_memory_is_bounded_on_request(run: RunFolder) -> None:
    options = ("--candidates", "candidates.json", "--norm", "calibrate:16")
    outcome = supernet("evaluate", run.path, *options, "--memory", "100KB")
    assert outcome.status == 1
    assert "✗ memory of 97.7 KiB is too little: evaluation needs" in outcome.err
    assert "calibrate:16 passes 16 and one to test together" in outcome.err
    assert "20 of them evaluated now" in supernet("evaluate", run.path, *options, "--memory", "1GiB").out


def test_a_full_disk_keeps_what_there_is(run: RunFolder) -> None:
    """Files may not grow any further, as on a full disk; space comes back, and so does everything."""
    options = ("--norm", "stored")
    some = dict(list(CANDIDATES.items())[:5])
    write_candidates("some.json", replace(CANDIDATES, codes=some))
    assert supernet("evaluate", run.path, "--candidates", "some.json", *options).status == 0
    before = run.ledger.read_bytes()
    size, largest = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, largest))
    try:
        full = supernet("evaluate", run.path, "--candidates", "candidates.json", *options)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, largest))
        signal.signal(signal.SIGXFSZ, ignored)
    assert full.status == 1
    assert re.search("✗ .*(free space|free some space)", full.err)
    assert run.ledger.read_bytes() == before
    outcome = supernet("evaluate", run.path, "--candidates", "candidates.json", *options)
    assert "20 candidates in" in outcome.out
    assert "15 of them evaluated now" in outcome.out


def test_status_from_the_beginning(run: RunFolder) -> None:
    before = supernet("status", run.path)
    assert before.status == 0
    assert "spos on resnet48-mini, digits" in before.out
    assert "trained: 8 steps, 2 checkpoints kept" in before.out
    assert f"evaluated: nothing yet; supernet evaluate {run.path} --candidates FILE" in before.out

    some = dict(list(CANDIDATES.items())[:5])
    write_candidates("some.json", replace(CANDIDATES, codes=some))
    assert supernet("evaluate", run.path, "--candidates", "some.json", "--norm", "stored").status == 0
    write_candidates(run.candidates, CANDIDATES)
    assert "5 of 20" in supernet("status", run.path).out


def test_status_as_json(run: RunFolder) -> None:
    outcome = supernet("status", run.path, "--json")
    assert outcome.err == ""
    assert json.loads(outcome.out) == {
        "run": str(run.path),
        "space": "resnet48-mini",
        "method": "spos",
        "step": 8,
        "candidates": 0,
        "ledger": [],
        "standalone": False,
        "submission": False,
    }
    supernet("evaluate", run.path, "--candidates", "candidates.json", "--norm", "stored")
    found = json.loads(supernet("status", run.path, "--json").out)
    (entry,) = found["ledger"]
    assert found["candidates"] == 20
    assert (entry["norm"], entry["images"], entry["results"], entry["of_candidates"]) == ("stored", 64, 20, 20)
    assert entry["checkpoint"] == digest(run.latest_checkpoint().read_bytes())


def test_status_survives_strange_names(run: RunFolder) -> None:
    strange = run.path.rename(run.path.parent / "[red]run [bold]")
    assert "[red]run [bold]: spos" in supernet("status", strange).out


def test_status_of_what_is_no_run(run: RunFolder, folder: Path) -> None:
    assert "not a run folder" in refused(supernet("status", folder))
    assert "not a run folder" in refused(supernet("status", "absent", "--json"))
    run.ledger.write_bytes(b"\0" * 5000)
    assert f"{run.ledger}: " in refused(supernet("status", run.path))


@pytest.mark.parametrize(
    "options",
    [
        ("--images", "100000"),
        ("--norm", "calibrate:100000"),
        ("--memory", "1KiB"),
        ("--checkpoint", "nowhere.safetensors"),
        ("--ema",),
        ("--race", "--tolerance", "0.7"),
        ("--device-that-is-none",),
    ],
)
def test_what_fails_leaves_the_run_as_it_was(run: RunFolder, options: tuple[str, ...]) -> None:
    """Above all its candidates: later commands would take the wrong ones."""
    before = draw_candidates(get_space("resnet48-mini"), 5, seed=9)
    write_candidates(run.candidates, before)
    outcome = supernet("evaluate", run.path, "--candidates", "candidates.json", *options)
    assert outcome.status in (1, 2)
    assert read_candidates(run.candidates, get_space("resnet48-mini")) == before


def test_other_candidates_than_before_are_told(run: RunFolder) -> None:
    write_candidates(run.candidates, draw_candidates(get_space("resnet48-mini"), 5, seed=9))
    outcome = supernet("evaluate", run.path, "--candidates", "candidates.json", "--norm", "batch", "--images", 16)
    assert outcome.status == 0
    assert "Other candidates than before: 20 are new, 5 are gone." in outcome.err


def test_a_part_is_evaluated_and_the_rest_predicted(run: RunFolder) -> None:
    many = draw_candidates(get_space("resnet48-mini"), 60, 0)
    write_candidates("many.json", many)
    options = ("--candidates", "many.json", "--norm", "batch")
    outcome = supernet("evaluate", run.path, *options, "--evaluate", 30)
    assert outcome.status == 0, outcome.err
    assert outcome.out.endswith("--candidates many.json --predicted --out submission.json\n")
    assert "tau with held-out evaluated ones" in outcome.out
    assert supernet("submit", run.path).status == 1
    facts = json.loads(supernet("submit", run.path, "--predicted", "--json").out)
    assert facts["mixed"]["evaluated"] + facts["mixed"]["predicted"] == 60
    assert 30 <= facts["mixed"]["evaluated"] < 60
    with Ledger.read(run.ledger) as ledger:
        assert ledger.settings()[0].results == facts["mixed"]["evaluated"]
    text = supernet("submit", run.path, "--predicted", "--smooth").out
    assert "fitted values for all of them" in text
    assert supernet("evaluate", run.path, *options, "--race", "--evaluate", 30).status == 1
