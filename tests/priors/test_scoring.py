import json
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests import tiny
from toolkit.candidates import draw_candidates
from toolkit.data import open_dataset
from toolkit.errors import InputError, Stopped
from toolkit.priors import scoring
from toolkit.priors.cost import Macs
from toolkit.priors.images import Noise, Pictures
from toolkit.priors.ledger import Ledger
from toolkit.priors.naswot import Naswot, NaswotOptions
from toolkit.priors.scoring import Job, score_candidates
from toolkit.priors.synflow import SynFlow
from toolkit.spaces import get_space

SPACE = get_space("resnet20").for_images(1, 8, 10)
CODES = list(draw_candidates(SPACE, 6, 0).values())
JOB = Job(SPACE, SynFlow(), Noise(), device="cpu", threads=1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "priors.sqlite"


@pytest.fixture
def scored(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The codes that are really scored, in turn."""
    codes: list[str] = []
    score = SynFlow.score

    def watched(self, backend, space, arch, images):  # type: ignore[no-untyped-def]
        codes.append(space.format(arch))
        return score(self, backend, space, arch, images)

    monkeypatch.setattr(SynFlow, "score", watched)
    return codes


def test_every_candidate_once(path: Path, scored: list[str]) -> None:
    first = score_candidates(JOB, CODES[:4], path)
    assert scored == CODES[:4]
    assert list(first.scores) == CODES[:4]
    assert first.fresh == 4
    again = score_candidates(JOB, [*CODES, CODES[0]], path)
    assert scored == CODES
    assert (again.fresh, list(again.scores)) == (2, CODES)
    assert again.scores.items() >= first.scores.items()
    assert again.seconds > 0
    assert score_candidates(JOB, CODES, path).fresh == 0
    assert len(scored) == len(CODES)
    with Ledger.read(path) as ledger:
        assert ledger.scores(JOB.setting) == again.scores


def test_nothing_is_loaded_for_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    score_candidates(JOB, CODES[:1], path)
    monkeypatch.setattr(scoring, "get_backend", lambda *_: pytest.fail("a framework was loaded"))
    score_candidates(JOB, CODES[:1], path)


def test_other_settings_are_scored_anew(path: Path, scored: list[str]) -> None:
    for job in (
        JOB,
        replace(JOB, prior=SynFlow(SynFlow.options_type(seed=1))),
        replace(JOB, space=SPACE.for_images(1, 9, 10)),
    ):
        score_candidates(job, CODES[:1], path)
    assert scored == 3 * CODES[:1]
    assert json.loads(JOB.setting.options) == {"repeats": 1, "seed": 0}
    assert JOB.setting.images == "1x8x8, 10 classes"


def test_data_matters_to_those_that_look_at_it() -> None:
    pictures = Pictures.of(open_dataset("digits"))
    looking = replace(JOB, prior=Naswot())
    assert replace(JOB, images=pictures).setting == JOB.setting
    assert looking.setting.images == "1x8x8, 10 classes, noise"
    assert replace(looking, images=pictures).setting.images == f"1x8x8, 10 classes, {pictures.name}"
    other = Pictures.of(open_dataset("digits", seed=1))
    assert other.name != pictures.name


def test_progress_and_time(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scoring, "PATIENCE", 0)
    score_candidates(JOB, CODES[:1], path)
    heard: list[tuple[str, int, int]] = []
    said: list[str] = []
    score_candidates(JOB, CODES[:3], path, progress=lambda *news: heard.append(news), note=said.append)
    assert heard == [("synflow", 1, 3), ("synflow", 2, 3), ("synflow", 3, 3)]
    assert all(text.endswith(" s each") and float(text.split()[0]) > 0 for text in said)


def test_commits_are_gathered(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of closed-form scores a second are no reason for thousands of commits."""
    commits = []
    record = Ledger.record

    def watched(self, setting, rows):  # type: ignore[no-untyped-def]
        commits.append(len(rows))
        record(self, setting, rows)

    monkeypatch.setattr(Ledger, "record", watched)
    codes = draw_candidates(SPACE, 300, 0).values()
    found = score_candidates(replace(JOB, prior=Macs()), codes, path)
    assert sum(commits) == 300
    assert len(commits) <= 1 + sum(commits) * found.seconds / scoring.PATIENCE + 3
    assert found.scores == {code: SPACE.cost(SPACE.parse(code)).macs for code in codes}


def test_workers_find_the_same(path: Path, tmp_path: Path) -> None:
    pictures = Pictures.of(open_dataset("digits"))
    job = replace(JOB, prior=Naswot(NaswotOptions(batch=16)), images=pictures)
    alone = score_candidates(job, CODES[:4], path)
    together = score_candidates(job, CODES[:4], tmp_path / "other.sqlite", workers=2)
    assert together.scores == pytest.approx(alone.scores)
    assert list(together.scores) == CODES[:4]


def test_ctrl_c_keeps_what_was_finished(path: Path, scored: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scoring, "PATIENCE", 0)

    def press(_what: str, done: int, _total: int) -> None:
        if done == 2:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(Stopped, match=r"Stopped; 2 of 6 candidates have their synflow in .* The same command again"):
        score_candidates(JOB, CODES, path, progress=press)
    assert score_candidates(JOB, CODES, path).fresh == 4
    assert scored == CODES


def test_killed_and_resumed(tmp_path: Path) -> None:
    """In the middle, at no moment that it chose; then the same command again."""
    path, candidates = tmp_path / "priors.sqlite", tmp_path / "c.json"
    codes = [*draw_candidates(SPACE, 400, 1).values()]
    candidates.write_text(json.dumps({f"arch{i}": {"acc": 0, "arch": code} for i, code in enumerate(codes)}))
    program = f"""
from toolkit.cli.main import main
from toolkit.priors import scoring
import sys
scoring.PATIENCE = 0
sys.argv = ["supernet", "prior", {str(candidates)!r}, "--space", "resnet20", "--score", "synflow", "--size", "8"]
main()
"""

    def known() -> int:
        if not path.exists():
            return 0
        try:
            with Ledger.read(path) as ledger:
                return sum(len(ledger.scores(setting)) for setting in ledger.settings("resnet20"))
        except InputError:  # it has just been made
            return 0

    process = tiny.start(code=program)
    tiny.wait_until(lambda: known() >= 3, process)
    process.kill()
    process.communicate()
    kept = known()
    assert 3 <= kept < 400
    job = replace(JOB, space=get_space("resnet20").for_images(3, 8, 100))
    few = codes[: kept + 2]
    found = score_candidates(job, few, path)
    assert found.fresh <= 2 + 1, "candidates are scored in the file's order"
    assert found.fresh + kept == len(few)
    fresh = score_candidates(job, few[:5], tmp_path / "fresh.sqlite")
    assert fresh.scores == {code: found.scores[code] for code in few[:5]}


def test_too_few_images(path: Path) -> None:
    job = replace(JOB, prior=Naswot(NaswotOptions(batch=300)), images=Pictures.of(open_dataset("digits")))
    with pytest.raises(InputError, match=r"naswot takes 300 images and the data keeps 128.* --set naswot.batch=128"):
        score_candidates(job, CODES, path)
    assert not path.exists()


def test_a_full_device_is_explained(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        device, out_of_memory = "cuda:0", MemoryError

    def score(*_: object) -> float:
        raise MemoryError

    monkeypatch.setattr(scoring, "get_backend", lambda *_: Full())
    monkeypatch.setattr(SynFlow, "score", score)
    with pytest.raises(InputError, match=r"synflow of .*: device cuda:0 is out of memory"):
        score_candidates(JOB, CODES, path)


def test_pictures_are_training_images_as_evaluation_sees_them() -> None:
    data = open_dataset("digits")
    pictures = Pictures.of(data)
    assert pictures.count == 128

    class Plain:
        def place(self, array):  # type: ignore[no-untyped-def]
            return array

        def normalise(self, images, mean, std):  # type: ignore[no-untyped-def]
            assert (mean, std) == (data.spec.mean, data.spec.std)
            return images

    images, labels = pictures.batch(Plain(), SPACE, 128, np.random.default_rng(0))  # type: ignore[arg-type]
    assert sorted(map(bytes, images)) == sorted(map(bytes, data.calibration.images(np.arange(128))))
    of = {bytes(image): label for image, label in zip(pictures.images, pictures.labels, strict=True)}
    assert [of[bytes(image)] for image in images] == list(labels)
