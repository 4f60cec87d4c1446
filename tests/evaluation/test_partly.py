"""A part evaluated, the rest predicted: which part, when it stops, what is said."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from toolkit.backends.base import Counts
from toolkit.candidates import Candidates, draw_candidates, write_candidates
from toolkit.errors import InputError
from toolkit.evaluation import partly as module
from toolkit.evaluation.evaluate import Done, Job
from toolkit.evaluation.ledger import Ledger, Row, Setting
from toolkit.evaluation.partly import GROUP, evaluate_part, portions, predict_rest, spread_groups
from toolkit.evaluation.policy import NormPolicy
from toolkit.evaluation.race import accuracy
from toolkit.runs.folder import RunFolder
from toolkit.spaces import get_space

SPACE = get_space("resnet48-mini")
CANDIDATES = draw_candidates(SPACE, 1_000, 0)
IMAGES = 100_000


def counts(code: str) -> Counts:
    """By an additive law of the widths, so fine that hardly any two are equal."""
    arch = SPACE.parse(code)
    right = int(IMAGES * (0.5 + 0.04 * np.mean(arch[:4]) - 0.02 * np.mean(arch[4:8])))
    return Counts(right, right, IMAGES, 0.0)


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Job:
    run = RunFolder(tmp_path)
    run.recipe.write_text('space = "resnet48-mini"\n[method]\nname = "spos"\n')
    setting = Setting(SPACE.name, "checkpoint", "data", IMAGES, "stored")

    def evaluate(job: Job, candidates: Candidates, **_: Any) -> Done:
        with Ledger.write(run.ledger) as ledger:
            missing = [code for code in candidates.values() if code not in ledger.done(setting)]
            ledger.record(setting, [Row(code, counts(code), 0.0) for code in missing])
        return Done(setting, len(missing), len(candidates), 0.0)

    monkeypatch.setattr(module, "evaluate_candidates", evaluate)
    return Job(tmp_path, tmp_path / "none", NormPolicy("stored"))


def test_groups_are_whole_and_their_order_spreads() -> None:
    codes = list(CANDIDATES.values())
    groups = spread_groups(SPACE, codes)
    assert sorted(code for group in groups for code in group) == sorted(codes)
    assert max(map(len, groups)) <= GROUP
    every = [SPACE.parse(code) for code in codes]
    few = [SPACE.parse(code) for group in groups[: len(groups) // 4] for code in group]
    for place in range(8):  # depths and stage widths are met as often as among all, those of the stem above all
        options = len(SPACE.decisions[place].options)
        shares = [np.bincount([arch[place] for arch in some], minlength=options) / len(some) for some in (every, few)]
        assert np.abs(shares[0] - shares[1]).max() < (0.08 if place == 4 else 0.15)
    assert spread_groups(SPACE, codes[:1]) == [codes[:1]]


def test_so_many_are_evaluated(job: Job) -> None:
    found = evaluate_part(job, CANDIDATES, count=120)
    (only,) = found.rounds
    assert 120 <= only.evaluated < 120 + GROUP
    assert only.agreement.tau > 0.9
    assert only.agreement.networks == only.evaluated
    with Ledger.read(RunFolder(job.run).ledger) as ledger:
        assert len(ledger.done(found.setting)) == only.evaluated


def test_rounds_go_on_until_predictions_agree(job: Job) -> None:
    found = evaluate_part(job, CANDIDATES, until=0.9)
    assert found.rounds[-1].agreement.tau >= 0.9
    assert found.rounds[-1].evaluated < len(CANDIDATES)
    with Ledger.read(RunFolder(job.run).ledger) as ledger:
        done = ledger.done(found.setting)
    again = evaluate_part(job, CANDIDATES, count=10)  # nothing of it is lost, all of it is used
    assert again.rounds[0].agreement.networks == len(done)


def test_noise_that_nobody_can_predict_ends_with_all(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    noise = {code: Counts(int(rng.integers(IMAGES)), 0, IMAGES, 0.0) for code in CANDIDATES.values()}
    monkeypatch.setattr(f"{__name__}.counts", noise.__getitem__)
    found = evaluate_part(job, CANDIDATES, until=0.9)
    evaluated = [each.evaluated for each in found.rounds]
    assert evaluated == sorted(set(evaluated))
    assert evaluated[-1] == len(CANDIDATES)
    assert found.rounds[-1].agreement.tau < 0.1  # below 0 even: what is left out leaves the mean


def test_the_rest_is_predicted(job: Job) -> None:
    part = evaluate_part(job, CANDIDATES, count=150)
    with Ledger.read(RunFolder(job.run).ledger) as ledger:
        results = ledger.results(part.setting)
    kept = predict_rest(SPACE, CANDIDATES, results, accuracy, keep=True)
    smooth = predict_rest(SPACE, CANDIDATES, results, accuracy)
    assert list(kept.values) == list(CANDIDATES)
    evaluated = {key for key, code in CANDIDATES.items() if code in results}
    assert kept.labelled == evaluated
    assert {key: kept.values[key] for key in evaluated} == {
        key: accuracy(results[CANDIDATES[key]]) for key in evaluated
    }
    assert any(smooth.values[key] != kept.values[key] for key in evaluated)
    truth = np.array([accuracy(counts(code)) for key, code in CANDIDATES.items() if key not in evaluated])
    rest = np.array([kept.values[key] for key in CANDIDATES if key not in evaluated])
    assert np.corrcoef(truth, rest)[0, 1] > 0.98


def test_what_a_part_takes() -> None:
    """Whole groups share nearly as much as all do: a tenth of the candidates takes about a tenth of the work."""
    codes = list(CANDIDATES.values())
    networks = [(code, SPACE.supernet_plans(SPACE.parse(code))) for code in codes]
    some, all_of_them = portions(networks, [0.25, 1.0], 1)
    assert 250 <= some.candidates < 250 + GROUP
    assert all_of_them.candidates == len(codes)
    assert 0.23 < some.macs / all_of_them.macs < 0.29


@pytest.mark.parametrize(("count", "until"), [(0, None), (None, 1.0), (None, 0.0)])
def test_numbers_that_are_none(job: Job, count: int | None, until: float | None) -> None:
    with pytest.raises(InputError, match="--evaluate 0" if count == 0 else "--until-tau"):
        evaluate_part(job, CANDIDATES, count=count, until=until)


def test_too_few(job: Job) -> None:
    few = draw_candidates(SPACE, 5, 1)
    write_candidates(job.run / "few.json", few)
    with pytest.raises(InputError, match="at least 10"):
        evaluate_part(job, few, count=5)
