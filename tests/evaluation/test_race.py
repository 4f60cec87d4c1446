"""Races among simulated candidates, whose every answer is known; and one among real ones."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy.stats import kendalltau, norm

from toolkit.backends.base import Counts
from toolkit.candidates import Candidates, draw_candidates
from toolkit.errors import InputError, Stopped
from toolkit.evaluation import race as module
from toolkit.evaluation.evaluate import Done, Job, evaluate_candidates
from toolkit.evaluation.evaluator import Evaluator
from toolkit.evaluation.ledger import Ledger, Row, Setting
from toolkit.evaluation.policy import NormPolicy
from toolkit.evaluation.race import accuracy, carried, expected_wrong, noise_share, race, recorded, schedule
from toolkit.runs.folder import RunFolder
from toolkit.spaces import Arch, get_space

STORED = NormPolicy("stored")
IMAGES = 1600


def answers(candidates: int, seed: int = 0, spread: float = 0.1, images: int = IMAGES) -> npt.NDArray[np.bool_]:
    """Right and wrong, shape (candidates, images): some are better, some images harder, and the rest is taste."""
    rng = np.random.default_rng(seed)
    ability = rng.normal(0.8, spread, (candidates, 1))
    return ability - rng.normal(0, 1, images) + rng.normal(0, 0.7, (candidates, images)) > 0


class Simulation:
    """Stands in for `evaluate_candidates`: looks answers up, and records them in the run's ledger as it does."""

    def __init__(self, right: npt.NDArray[np.bool_], run: RunFolder, stop_after: int | None = None) -> None:
        self.right, self.run, self.stop_after = right, run, stop_after
        self.calls: list[tuple[int, list[str]]] = []
        self.fresh = 0

    def __call__(self, job: Job, candidates: Candidates, **_: Any) -> Done:
        assert job.images is not None
        self.calls.append((job.images, list(candidates.values())))
        if self.stop_after is not None and len(self.calls) > self.stop_after:
            raise Stopped("Stopped")
        setting = Setting("space", "checkpoint", "data", job.images, str(job.policy))
        with Ledger.write(self.run.ledger) as ledger:
            missing = [code for code in candidates.values() if code not in ledger.done(setting)]
            ledger.record(setting, [Row(code, self.counts(code, job.images), 0.0) for code in missing])
        self.fresh += len(missing)
        return Done(setting, len(missing), len(candidates), 0.0)

    def counts(self, code: str, images: int) -> Counts:
        right = int(self.right[int(code), :images].sum())
        return Counts(right, right, images, float(images))


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    (tmp_path / "run").mkdir()
    (tmp_path / "run/recipe.toml").write_text('space = "resnet48-mini"\n')
    return RunFolder(tmp_path / "run")


def simulate(
    monkeypatch: pytest.MonkeyPatch, folder: RunFolder, right: npt.NDArray[np.bool_], stop_after: int | None = None
) -> tuple[Simulation, Job, Candidates]:
    simulation = Simulation(right, folder, stop_after)
    monkeypatch.setattr(module, "evaluate_candidates", simulation)
    codes = {f"arch{i}": str(i) for i in range(len(right))}
    job = Job(folder.path, folder.checkpoint(1), STORED, right.shape[1])
    return simulation, job, Candidates(codes, dict.fromkeys(codes, 0.0))


@pytest.mark.parametrize("seed", range(3))
def test_a_race_ranks_as_the_full_evaluation_would(
    monkeypatch: pytest.MonkeyPatch, folder: RunFolder, seed: int
) -> None:
    right = answers(400, seed)
    simulation, job, candidates = simulate(monkeypatch, folder, right)
    found = race(job, candidates)
    full = right.mean(1)
    tau = kendalltau([found.scores[str(i)] for i in range(400)], full).statistic
    assert tau == pytest.approx(found.rounds[-1].tau, abs=0.02), "it knows how good it is"
    assert tau > 0.93
    assert found.spent < 0.95
    assert found.spent == sum(each.passes for each in found.rounds) / (400 * IMAGES)
    assert [images for images, _ in simulation.calls] == schedule(IMAGES, STORED)
    for (_, before), (_, after) in zip(simulation.calls, simulation.calls[1:], strict=False):
        assert set(after) <= set(before)
    assert set(simulation.calls[1][1]) == set(candidates.values()), "the first two rounds are for everybody"
    for code, images in found.images.items():
        if images == IMAGES:
            assert found.scores[code] == full[int(code)], "counts over total, nothing added"


def test_what_is_spent_goes_where_it_is_crowded(monkeypatch: pytest.MonkeyPatch, folder: RunFolder) -> None:
    right = answers(300, spread=0.15)
    _, job, candidates = simulate(monkeypatch, folder, right)
    found = race(job, candidates)
    full = right.mean(1)
    far = np.abs(full - np.median(full))
    stopped = [far[int(code)] for code, images in found.images.items() if images < IMAGES]
    went_on = [far[int(code)] for code, images in found.images.items() if images == IMAGES]
    assert np.median(stopped) > 2 * np.median(went_on)


def test_no_tolerance_is_the_full_evaluation(monkeypatch: pytest.MonkeyPatch, folder: RunFolder) -> None:
    right = answers(60, spread=0.02)
    _, job, candidates = simulate(monkeypatch, folder, right)
    found = race(job, candidates, tolerance=0)
    assert found.scores == {str(i): value for i, value in enumerate(right.mean(1))}
    assert found.spent == 1
    assert found.rounds[-1].tau == 1


def test_a_race_goes_on_where_it_was_stopped(monkeypatch: pytest.MonkeyPatch, folder: RunFolder) -> None:
    right = answers(100)
    with pytest.raises(Stopped):
        race(*simulate(monkeypatch, folder, right, stop_after=3)[1:])
    resumed, job, candidates = simulate(monkeypatch, folder, right)
    again = race(job, candidates)
    fresh = resumed.fresh
    idle = race(job, candidates)
    assert resumed.fresh == fresh, "nothing is evaluated twice"
    other = RunFolder(folder.path.parent / "other")
    other.path.mkdir()
    other.recipe.write_bytes(folder.recipe.read_bytes())
    _, job, candidates = simulate(monkeypatch, other, right)
    whole = race(job, candidates)
    for one in (again, idle):
        assert (one.scores, one.images, one.noise) == (whole.scores, whole.images, whole.noise)
        assert [replace(each, seconds=0) for each in one.rounds[1:]] == [
            replace(each, seconds=0) for each in whole.rounds[1:]
        ]


def test_calibration_counts_as_spent(monkeypatch: pytest.MonkeyPatch, folder: RunFolder) -> None:
    right = answers(50)
    _, job, candidates = simulate(monkeypatch, folder, right)
    found = race(replace(job, policy=NormPolicy("calibrate", 100)), candidates, tolerance=0)
    assert [each.images for each in found.rounds] == [400, 800, 1600]
    assert [each.passes for each in found.rounds] == [50 * 500, 50 * 500, 50 * 900]
    assert found.full == 50 * 1700


def test_the_ledger_holds_the_race(monkeypatch: pytest.MonkeyPatch, folder: RunFolder) -> None:
    """So that scores can be had without running anything; other settings and codes are left out."""
    right = answers(80, spread=0.2)
    _, job, candidates = simulate(monkeypatch, folder, right)
    found = race(job, candidates)
    simulate(monkeypatch, folder, right)
    race(replace(job, policy=NormPolicy("batch", 100)), candidates)
    setting = Setting("space", "checkpoint", "data", IMAGES, "stored")
    with Ledger.read(folder.ledger) as ledger:
        rounds = recorded(ledger, setting, set(candidates.values()))
        some = recorded(ledger, setting, {"3", "absent"})
    assert {images: len(results) for images, results in rounds.items()} == {
        each.images: each.candidates for each in found.rounds
    }
    assert carried(rounds, accuracy) == found.scores
    assert expected_wrong(rounds, IMAGES, noise_share(rounds)).keys() == found.scores.keys()
    assert all(results.keys() == {"3"} for results in some.values())


@pytest.mark.parametrize("count", [1, 2, 5])
def test_few_candidates(monkeypatch: pytest.MonkeyPatch, folder: RunFolder, count: int) -> None:
    right = answers(count)
    _, job, candidates = simulate(monkeypatch, folder, right)
    found = race(job, candidates)
    assert found.noise == 1
    assert len(found.scores) == count
    assert count > 1 or max(found.images.values()) == 200, "alone, nobody can be ranked wrongly"


@pytest.mark.parametrize("tolerance", [-0.1, 0.5, 2, float("nan")])
def test_what_is_no_tolerance(monkeypatch: pytest.MonkeyPatch, folder: RunFolder, tolerance: float) -> None:
    _, job, candidates = simulate(monkeypatch, folder, answers(5))
    with pytest.raises(InputError, match="from 0 to below"):
        race(job, candidates, tolerance=tolerance)


@pytest.mark.parametrize(
    ("total", "policy", "expected"),
    [
        (50_000, "calibrate:128", [3125, 6250, 12_500, 25_000, 50_000]),
        (1200, "calibrate:128", [512, 1024, 1200]),
        (400, "calibrate:128", [400]),
        (400, "batch:40", [40, 80, 160, 320, 400]),
        (30, "batch:40", [30]),
        (100, "stored", [6, 12, 24, 48, 96, 100]),
        (1, "stored", [1]),
    ],
)
def test_rounds_double(total: int, policy: str, expected: list[int]) -> None:
    assert schedule(total, NormPolicy.parse(policy)) == expected


def rounds_of(right: npt.NDArray[np.bool_], *rounds: tuple[int, Sequence[int]]) -> dict[int, dict[str, Counts]]:
    """By number of images, the counts of the candidates that took part."""
    found = {}
    for images, members in rounds:
        correct = {i: int(right[i, :images].sum()) for i in members}
        found[images] = {str(i): Counts(top1, top1, images, 0.5 * images) for i, top1 in correct.items()}
    return found


def test_those_who_stopped_on_easier_images_are_carried_along() -> None:
    """The first half is easy: everybody loses 20 points after it, and the order stays."""
    right = np.zeros((3, 200), bool)
    for i, (first, second) in enumerate(((90, 70), (80, 60), (70, 50))):
        right[i, :first], right[i, 100 : 100 + second] = True, True
    found = carried(rounds_of(right, (100, [0, 1, 2]), (200, [1, 2])), accuracy)
    assert found == {"0": pytest.approx(0.8), "1": 0.7, "2": 0.6}
    only = carried(rounds_of(right, (100, [0, 1, 2])), accuracy)
    assert only == {"0": 0.9, "1": 0.8, "2": 0.7}


def test_values_that_are_none_carry_nobody() -> None:
    rounds = rounds_of(answers(3), (100, [0, 1, 2]), (200, [1, 2]))
    rounds[200]["1"] = replace(rounds[200]["1"], loss=float("nan"))
    found = carried(rounds, lambda counts: counts.loss / counts.total)
    assert found["0"] == found["2"] == 0.5
    assert np.isnan(found["1"])


def test_noise_is_what_images_do_not_have_in_common() -> None:
    rng = np.random.default_rng(0)
    independent = rng.random((2000, 400)) < 0.8
    members = range(2000)
    assert noise_share(rounds_of(independent, (100, members), (400, members))) == pytest.approx(1, abs=0.1)
    alike = np.repeat(rng.random((1, 400)) < 0.8, 2000, axis=0)  # all err on the same images
    assert noise_share(rounds_of(alike, (100, members), (400, members))) == 0
    both = np.where(rng.random((2000, 400)) < 0.5, alike, independent)
    assert 0.6 < noise_share(rounds_of(both, (100, members), (400, members))) < 0.9


def test_expected_errors_pair_by_pair() -> None:
    right = answers(30)
    rounds = rounds_of(right, (100, range(30)), (200, range(30)), (400, range(0, 30, 2)))
    found = expected_wrong(rounds, 800, 0.6)
    value = carried(rounds, accuracy)
    variance = {
        code: 0.6 * value[code] * (1 - value[code]) * (1 / images - 1 / 800)
        for code in value
        for images in [400 if int(code) % 2 == 0 else 200]
    }
    for code in value:
        chances = [
            norm.sf(abs(value[code] - value[other]) / np.sqrt(variance[code] + variance[other]))
            for other in value
            if other != code
        ]
        assert found[code] == pytest.approx(np.mean(chances), rel=1e-9)
    assert set(expected_wrong(rounds_of(right, (800, range(30))), 800, 0.6).values()) == {0.0}


def test_a_race_among_real_candidates(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without tolerance it is the full evaluation, image by image, and none passes twice."""
    starts: list[int] = []
    evaluate = Evaluator.evaluate

    def listen(self: Evaluator, archs: Sequence[Arch], start: int = 0) -> list[Counts]:
        starts.append(start)
        return evaluate(self, archs, start)

    monkeypatch.setattr(Evaluator, "evaluate", listen)
    candidates = draw_candidates(get_space("resnet48-mini"), 12, 0)
    job = Job(run.path, run.latest_checkpoint(), NormPolicy("calibrate", 4), threads=1)
    found = race(job, candidates, tolerance=0)
    assert [each.images for each in found.rounds] == [16, 32, 64]
    assert starts == [0, 16, 32]
    run.ledger.rename(run.ledger.with_name("race.sqlite"))
    done = evaluate_candidates(job, candidates)
    with Ledger.read(run.ledger) as ledger:
        expected = ledger.results(done.setting)
    assert found.scores == {code: accuracy(counts) for code, counts in expected.items()}
    assert set(found.images.values()) == {64}
