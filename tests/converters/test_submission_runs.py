import re
from collections.abc import Callable
from pathlib import Path

import pytest

from converters.submission.runs import Wanted, submit_run
from toolkit.backends.base import Counts
from toolkit.candidates import draw_candidates, scores, write_candidates
from toolkit.errors import InputError
from toolkit.evaluation.ledger import Ledger, Row, Setting
from toolkit.files import digest
from toolkit.runs.folder import RunFolder
from toolkit.spaces import SPACES

CANDIDATES = draw_candidates(SPACES["resnet48-mini"], 12, 0)
CODES = list(CANDIDATES.values())
RECIPE = """
space = "resnet48-mini"
[method]
name = "spos"
"""


def setting(step: int, norm: str = "calibrate:128 of 0123456789ab", images: int = 200, ema: bool = False) -> Setting:
    return Setting("resnet48-mini", digest(weights(step)) + "+ema" * ema, "d" * 64, images, norm)


def weights(step: int) -> bytes:
    return b"weights after %d steps" % step


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """A run with two checkpoints (only their bytes count here) and its candidates."""
    folder = RunFolder(tmp_path / "my run")
    for step in (10, 20):
        folder.checkpoint(step).parent.mkdir(parents=True, exist_ok=True)
        folder.checkpoint(step).write_bytes(weights(step))
    folder.recipe.write_text(RECIPE)
    write_candidates(folder.candidates, CANDIDATES)
    return folder


@pytest.fixture
def evaluate(run: RunFolder) -> Callable[..., None]:
    def record(where: Setting, first: int = 0, codes: list[str] = CODES) -> None:
        with Ledger.write(run.ledger) as ledger:
            ledger.record(where, [Row(code, Counts(first + i, 150, 200, 99.0), 0.1) for i, code in enumerate(codes)])

    return record


Evaluate = Callable[..., None]


def test_a_complete_ledger_becomes_a_submission(run: RunFolder, evaluate: Evaluate, tmp_path: Path) -> None:
    evaluate(setting(20), first=50)
    done = submit_run(run.path)
    assert done.report.valid
    assert (done.setting, done.others) == (setting(20), ())
    assert scores(run.submission) == {key: (50 + i) / 200 for i, key in enumerate(CANDIDATES)}
    submit_run(run.path, out=tmp_path / "elsewhere.json", score="top1")
    assert (tmp_path / "elsewhere.json").read_bytes() == run.submission.read_bytes()


def test_candidates_may_be_fewer_than_the_results(run: RunFolder, evaluate: Evaluate, tmp_path: Path) -> None:
    evaluate(setting(20), first=50)
    few = draw_candidates(SPACES["resnet48-mini"], 5, 0)
    write_candidates(tmp_path / "few.json", few)
    submit_run(run.path, tmp_path / "few.json", tmp_path / "out.json")
    assert list(scores(tmp_path / "out.json")) == list(few)


def test_an_incomplete_ledger_is_refused_with_the_command_that_fills_it(run: RunFolder, evaluate: Evaluate) -> None:
    run.submission.write_text("old")
    evaluate(setting(20), codes=CODES[:7])
    with pytest.raises(InputError) as error:
        submit_run(run.path)
    missing, command = error.value.problems
    assert "5 of 12 candidates have no result: arch8..arch12 (5 entries)" in missing
    assert command == (
        f"to fill it: supernet evaluate '{run.path}' --candidates '{run.candidates}' --norm calibrate:128 --images 200"
    )
    assert run.submission.read_text() == "old"


def test_the_command_names_what_is_not_the_default(run: RunFolder, evaluate: Evaluate) -> None:
    evaluate(setting(10, "stored", ema=True), codes=CODES[:7])
    evaluate(setting(10, "batch of 512"))
    with pytest.raises(InputError) as error:
        submit_run(run.path, wanted=Wanted(norm="stored"))
    _, other, command = error.value.problems
    assert "batch norm batch of 512" in other
    assert command.endswith(f"--checkpoint '{run.checkpoint(10)}' --norm stored --images 200 --ema")


def test_the_newest_checkpoint_comes_first_then_the_last_results(run: RunFolder, evaluate: Evaluate) -> None:
    evaluate(setting(20, "stored"), first=10)
    evaluate(setting(20, "batch"), first=20)
    evaluate(setting(10, "stored"), first=30)
    done = submit_run(run.path)
    assert done.setting == setting(20, "batch")
    assert set(done.others) == {setting(20, "stored"), setting(10, "stored")}
    run.checkpoint(20).unlink()
    run.checkpoint(30).write_bytes(weights(30))  # trained on, not evaluated yet
    assert submit_run(run.path).setting == setting(10, "stored")


def test_results_are_chosen_by_the_options_of_evaluate(run: RunFolder, evaluate: Evaluate) -> None:
    every = [
        setting(20),
        setting(20, "calibrate:64 of 0123456789ab"),
        setting(20, images=100),
        setting(20, ema=True),
        setting(10),
    ]
    for one in every:
        evaluate(one, first=10)
    assert submit_run(run.path, wanted=Wanted(ema=True)).setting == every[3]
    assert submit_run(run.path, wanted=Wanted(images=100)).setting == every[2]
    assert submit_run(run.path, wanted=Wanted(norm="calibrate:64")).setting == every[1]
    assert submit_run(run.path, wanted=Wanted(checkpoint=run.checkpoint(10))).setting == every[4]
    with pytest.raises(InputError, match=r"none of its results are the wanted ones\. There are: checkpoint"):
        submit_run(run.path, wanted=Wanted(norm="stored"))
    with pytest.raises(InputError, match="cannot be read"):
        submit_run(run.path, wanted=Wanted(checkpoint=run.path / "absent"))


def test_what_is_not_there_is_named(run: RunFolder, evaluate: Evaluate, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="was never evaluated; first: supernet evaluate"):
        submit_run(run.path)
    with pytest.raises(InputError, match="not a run folder"):
        submit_run(tmp_path / "absent")
    evaluate(setting(20))
    run.candidates.unlink()
    with pytest.raises(InputError, match=re.escape(f"{run.candidates}: cannot be read")):
        submit_run(run.path)


def test_a_supernet_that_ranks_nothing_is_refused(run: RunFolder, evaluate: Evaluate) -> None:
    evaluate(setting(20))
    with pytest.raises(InputError, match=r"submission\.json: all 12 results are 0\.75; a constant"):
        submit_run(run.path, score="top5")
    assert not run.submission.exists()


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("calibrate", "calibrate:128 of 0123456789ab"),
        ("calibrate:128", "calibrate:128 of 0123456789ab"),
        ("calibrate:64", "calibrate:64 of 0123456789ab"),
        ("batch", "batch:512"),
        ("batch:5", None),
        ("calibrate:1", None),
        ("calibrate:12", None),
        ("stored", None),
    ],
)
def test_a_policy_is_matched_exactly(run: RunFolder, evaluate: Evaluate, asked: str, expected: str | None) -> None:
    for norm in ("calibrate:64 of 0123456789ab", "calibrate:128 of 0123456789ab", "batch:512"):
        evaluate(setting(20, norm))
    evaluate(setting(20, "calibrate:64 of 0123456789ab", images=100))  # the last one is another
    if expected is None:
        with pytest.raises(InputError, match="none of its results are the wanted ones"):
            submit_run(run.path, wanted=Wanted(norm=asked))
    else:
        assert submit_run(run.path, wanted=Wanted(norm=asked)).setting.norm == expected


def test_a_policy_that_is_none(run: RunFolder, evaluate: Evaluate) -> None:
    evaluate(setting(20))
    with pytest.raises(InputError, match="batch-norm policy 'calibrat'"):
        submit_run(run.path, wanted=Wanted(norm="calibrat"))


def test_what_was_not_evaluated_is_predicted_if_asked_for(run: RunFolder, tmp_path: Path) -> None:
    """The report says how many of each; results in the ledger stay what they are."""
    many = draw_candidates(SPACES["resnet48-mini"], 80, 0)
    write_candidates(run.candidates, many)
    space, some = SPACES["resnet48-mini"], list(many.values())[:40]
    rows = [Row(code, Counts(100 - sum(space.parse(code)[4:8]), 150, 200, 99.0), 0.1) for code in some]
    with Ledger.write(run.ledger) as ledger:
        ledger.record(setting(20), rows)
    with pytest.raises(InputError, match="40 of 80 candidates have no result"):
        submit_run(run.path)
    done = submit_run(run.path, predicted=True)
    assert done.mixed is not None
    assert (done.mixed.evaluated, done.mixed.predicted, done.mixed.smooth) == (40, 40, False)
    assert done.mixed.agreement.networks == 40
    assert done.mixed.agreement.tau > 0.5
    found = scores(run.submission)
    assert list(found) == list(many)
    known = {row.code: row.counts.top1 / 200 for row in rows}
    assert [found[key] for key, code in many.items() if code in known] == list(known.values())
    smooth = submit_run(run.path, out=tmp_path / "smooth.json", predicted=True, smooth=True)
    assert smooth.mixed is not None
    assert "fitted values for all" in str(smooth.mixed)
    assert len(set(scores(tmp_path / "smooth.json").values())) == 80
    with Ledger.read(run.ledger) as ledger:
        assert len(ledger.results(setting(20))) == 40
    with pytest.raises(InputError, match="goes with --predicted"):
        submit_run(run.path, smooth=True)
    with pytest.raises(InputError, match="a race"):
        submit_run(run.path, race=True, predicted=True)
