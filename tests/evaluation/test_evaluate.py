import contextlib
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import time
from multiprocessing import active_children, get_context
from pathlib import Path

import pytest

from tests import tiny
from toolkit.backends import get_backend
from toolkit.backends.base import Counts
from toolkit.candidates import Candidates, draw_candidates, write_candidates
from toolkit.errors import InputError, Stopped
from toolkit.evaluation import evaluate as module
from toolkit.evaluation.evaluate import Done, Job, evaluate_candidates, group_candidates
from toolkit.evaluation.evaluator import Evaluator
from toolkit.evaluation.images import EvaluationSet
from toolkit.evaluation.ledger import Ledger, Setting
from toolkit.evaluation.policy import NormPolicy
from toolkit.runs.checkpoint import load_checkpoint
from toolkit.runs.folder import RunFolder
from toolkit.runs.setup import load_weights, open_data, open_space
from toolkit.spaces import get_space

CALIBRATE = NormPolicy("calibrate", 64)
SOME = draw_candidates(get_space("resnet48-mini"), 40, 0)
MANY = draw_candidates(get_space("resnet48-mini"), 200, 1)

# The command with small groups, so that there is always something finished and something left.
PATIENT = (
    "import sys, toolkit.evaluation.evaluate as module; module.GROUP = module.FEWEST = 4;"
    "from toolkit.cli.main import main; sys.argv[0] = 'supernet'; main()"
)


def job(run: RunFolder, policy: NormPolicy = CALIBRATE, **arguments: object) -> Job:
    return Job(run.path, run.latest_checkpoint(), policy, threads=1, **arguments)  # type: ignore[arg-type]


def results(run: RunFolder, setting: Setting) -> dict[str, Counts]:
    with Ledger.read(run.ledger) as ledger:
        return ledger.results(setting)


def rows(run: RunFolder) -> dict[tuple[int, str], float]:
    """When each result was recorded, by setting and code; nothing while the ledger is being made."""
    address = f"{run.ledger.as_uri()}?mode=ro"
    with (
        contextlib.suppress(sqlite3.OperationalError),
        contextlib.closing(sqlite3.connect(address, uri=True)) as connection,
    ):
        return {
            (setting, code): at for setting, code, at in connection.execute("SELECT setting, code, at FROM results")
        }
    return {}


def assert_equal(found: dict[str, Counts], expected: dict[str, Counts]) -> None:
    """Counts to the last image, losses to rounding."""
    assert found.keys() == expected.keys()
    for code, counts in found.items():
        other = expected[code]
        assert (counts.top1, counts.top5, counts.total) == (other.top1, other.top5, other.total)
        assert counts.loss == pytest.approx(other.loss, rel=1e-5)


@pytest.fixture(scope="module")
def uninterrupted(trained: RunFolder, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Counts]:
    """What `MANY` come to if nobody interferes."""
    run = RunFolder(tmp_path_factory.mktemp("uninterrupted") / "run")
    shutil.copytree(trained.path, run.path)
    return results(run, evaluate_candidates(job(run), MANY).setting)


def test_every_candidate_once(run: RunFolder, trained: RunFolder) -> None:
    heard: list[tuple[str, int, int]] = []
    done = evaluate_candidates(job(run), SOME, progress=lambda *news: heard.append(news))
    assert (done.fresh, done.total) == (40, 40)
    assert heard[-1] == ("evaluating", 40, 40)
    found = results(run, done.setting)
    assert found.keys() == set(SOME.values())
    assert {counts.total for counts in found.values()} == {64}
    assert len({counts.top1 for counts in found.values()}) > 1

    recipe = tiny.recipe()
    data = open_data(recipe)
    space, backend = open_space(recipe, data), get_backend("torch", "cpu")
    network = backend.network(space, space.widest, 5)
    checkpoint = load_checkpoint(trained.latest_checkpoint())
    load_weights(network, checkpoint, "")
    images = EvaluationSet.of(data, CALIBRATE)
    evaluator = Evaluator(backend, network, images)
    assert done.setting == Setting("resnet48-mini", checkpoint.digest, images.digest, 64, images.norm, "fp32")
    codes = list(SOME.values())
    expected = evaluator.evaluate([space.parse(code) for code in codes])
    assert_equal(found, dict(zip(codes, expected, strict=True)))


def test_the_second_call_does_nothing(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    first = evaluate_candidates(job(run), SOME)
    before = rows(run)
    monkeypatch.setattr(Evaluator, "evaluate", None)
    second = evaluate_candidates(job(run), SOME)
    assert second == Done(first.setting, 0, 40, second.seconds)
    assert rows(run) == before


def test_only_what_is_missing_is_evaluated(run: RunFolder) -> None:
    codes = dict(list(SOME.items())[:10])
    evaluate_candidates(job(run), Candidates(codes, dict.fromkeys(codes, 0.0)))
    before = rows(run)
    assert evaluate_candidates(job(run), SOME).fresh == 30
    assert before.items() <= rows(run).items()


def test_two_ids_of_one_code_are_one_network(run: RunFolder) -> None:
    code = next(iter(SOME.values()))
    twins = {"arch1": code, "arch2": code}
    done = evaluate_candidates(job(run), Candidates(twins, dict.fromkeys(twins, 0.0)))
    assert (done.fresh, done.total) == (1, 1)


def test_results_of_other_settings_stay_apart(run: RunFolder) -> None:
    """Another checkpoint, other statistics, fewer images: nothing is taken from one for another."""
    older = Job(run.path, run.checkpoint(4), CALIBRATE, threads=1)
    jobs = [job(run), older, job(run, NormPolicy("calibrate", 32)), job(run, NormPolicy("stored")), job(run, images=32)]
    done = [evaluate_candidates(each, SOME) for each in jobs]
    assert [each.fresh for each in done] == 5 * [40]
    assert len({each.setting for each in done}) == 5
    found = [results(run, each.setting) for each in done]
    assert all(found[0] != other for other in found[1:])
    with Ledger.read(run.ledger) as ledger:
        assert {holding.setting: holding.results for holding in ledger.settings()} == {d.setting: 40 for d in done}


def test_the_moving_average_is_evaluated_if_asked_for(tmp_path: Path) -> None:
    recipe = tiny.recipe(training={"ema": 0.5})
    run = tiny.train_new(tmp_path / "run", recipe)
    plain, averaged = (evaluate_candidates(job(run, averaged=ema), SOME) for ema in (False, True))
    assert plain.setting != averaged.setting
    data = open_data(recipe)
    space, backend = open_space(recipe, data), get_backend("torch", "cpu")
    network = backend.network(space, space.widest, 5)
    network.load_weights(load_checkpoint(run.latest_checkpoint()).ema)
    code = next(iter(SOME.values()))
    (expected,) = Evaluator(backend, network, EvaluationSet.of(data, CALIBRATE)).evaluate([space.parse(code)])
    found = results(run, averaged.setting)[code]
    assert (found.top1, found.loss) == (expected.top1, pytest.approx(expected.loss, rel=1e-5))
    assert found.loss != pytest.approx(results(run, plain.setting)[code].loss, rel=1e-5)


def test_no_moving_average_to_evaluate(run: RunFolder) -> None:
    with pytest.raises(InputError, match="holds no moving average of the weights"):
        evaluate_candidates(job(run, averaged=True), SOME)
    assert not run.ledger.exists()


def test_while_another_process_writes(run: RunFolder) -> None:
    with Ledger.write(run.ledger), pytest.raises(InputError, match=rf"ledger.sqlite: process {os.getpid()} is writing"):
        evaluate_candidates(job(run), SOME)
    assert evaluate_candidates(job(run), SOME).fresh == 40


def test_a_worker_that_dies_is_replaced(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as one that the system ends for want of memory."""
    monkeypatch.setattr(module, "FEWEST", 4)
    killed: list[int] = []

    def murder(*_: object) -> None:
        for victim in active_children()[: 1 - len(killed)]:
            victim.kill()
            killed.append(victim.pid or 0)

    done = evaluate_candidates(job(run), SOME, workers=2, progress=murder)
    assert killed
    assert not active_children()
    assert (done.fresh, len(rows(run))) == (40, 40)
    held = results(run, done.setting)
    run.ledger.unlink()
    assert_equal(held, results(run, evaluate_candidates(job(run), SOME).setting))


def test_ctrl_c_in_this_process(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FEWEST", 8)

    def press(_: str, done: int, __: int) -> None:
        if done > 8:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(Stopped, match=r"Stopped; 1\d of 40 candidates are in .*ledger.sqlite. The same command again"):
        evaluate_candidates(job(run), SOME, progress=press)
    held = len(rows(run))
    assert 8 < held < 20
    assert evaluate_candidates(job(run), SOME).fresh == 40 - held


def test_groups_are_many_enough_for_all_workers() -> None:
    space = get_space("resnet48-mini")
    codes = list(draw_candidates(space, 2000, 0).values())
    for workers, fewest, most in ((1, 64, 128), (4, 32, 64), (100, 2, 16)):
        groups = group_candidates(space, codes, workers)
        assert sorted(code for group in groups for code in group) == sorted(codes)
        assert fewest < max(map(len, groups)) <= most


@pytest.fixture
def files(run: RunFolder) -> tuple[RunFolder, list[str]]:
    """A run, and a command that evaluates `MANY` in it, to be started again and again."""
    path = run.path.parent / "candidates.json"
    write_candidates(path, MANY)
    return run, ["evaluate", str(run.path), "--candidates", str(path), "--norm", str(CALIBRATE)]


def start(command: list[str], *options: str) -> subprocess.Popen[str]:
    return tiny.start(*command, *options, code=PATIENT)


def wait_for(run: RunFolder, count: int, process: subprocess.Popen[str]) -> None:
    tiny.wait_until(lambda: len(rows(run)) >= count, process)


def assert_gone(group: int) -> None:
    """No process of the group is left, within a moment."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    raise AssertionError("workers outlive the process that started them")


def patiently(run: RunFolder) -> None:
    """Evaluate `MANY` in so many groups that there is always something finished and something left."""
    module.GROUP = module.FEWEST = 2
    evaluate_candidates(job(run), MANY)


def test_killed_at_10_moments(run: RunFolder, uninterrupted: dict[str, Counts]) -> None:
    """While it sets itself up, computes or writes; of the 10 processes one is enough to load the framework."""
    context, dice = get_context("forkserver"), random.Random(0)
    context.set_forkserver_preload(["toolkit.backends.torch.backend", __name__])
    recorded: dict[tuple[int, str], float] = {}
    for _ in range(10):
        process = context.Process(target=patiently, args=(run,))
        process.start()
        wanted = len(recorded) + dice.choice((0, 1, 2, 5))
        while len(rows(run)) < wanted:
            assert process.is_alive(), "the evaluation was too fast to be killed"
            time.sleep(0.002)
        time.sleep(dice.random() / 20)
        process.kill()
        process.join()
        before, recorded = recorded, rows(run)
        assert before.items() <= recorded.items(), "nothing is lost or done twice"
    assert 10 < len(recorded) < 200
    done = evaluate_candidates(job(run), MANY)
    assert (done.fresh, done.total) == (200 - len(recorded), 200)
    assert recorded.items() <= rows(run).items()
    assert_equal(results(run, done.setting), uninterrupted)


def test_killed_with_its_workers(files: tuple[RunFolder, list[str]], uninterrupted: dict[str, Counts]) -> None:
    """Only the parent is killed: its workers have to notice. Two processes then count what one counts."""
    run, command = files
    process = start(command, "--workers", "2")
    wait_for(run, 10, process)
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert_gone(process.pid)
    before = rows(run)
    assert 0 < len(before) < 200, "the evaluation was too fast to be killed"
    done = evaluate_candidates(job(run), MANY)
    assert (done.fresh, done.total) == (200 - len(before), 200)
    assert before.items() <= rows(run).items()
    assert_equal(results(run, done.setting), uninterrupted)


def test_ctrl_c_loses_nothing(files: tuple[RunFolder, list[str]], uninterrupted: dict[str, Counts]) -> None:
    """It reaches all processes, as in a terminal."""
    run, command = files
    process = start(command, "--workers", "2")
    wait_for(run, 1, process)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    held = len(rows(run))
    assert process.returncode == 1
    assert "Traceback" not in out + err
    assert f"Stopped; {held} of 200 candidates are in {run.ledger}. The same command again goes on from there." in err
    assert_gone(process.pid)
    done = evaluate_candidates(job(run), MANY)
    assert done.fresh == 200 - held > 0
    assert_equal(results(run, done.setting), uninterrupted)
