import json
from pathlib import Path

import pytest

from app.views import candidates, submission
from tests.app import example_run
from tests.app.example_run import COUNT
from toolkit.errors import InputError
from toolkit.training.run import RunFolder


def test_the_runs_own_file_is_valid(full_run: RunFolder) -> None:
    assert submission.check_own(full_run).problems == ()


def test_problems_are_counted(own_run: RunFolder) -> None:
    assert submission.count_problems(own_run) == 0
    own_run.submission.write_text("{")
    assert submission.count_problems(own_run) == 1
    own_run.submission.unlink()
    assert submission.count_problems(own_run) is None


def test_what_is_built_equals_what_the_command_writes(full_run: RunFolder) -> None:
    setting = candidates.settings(full_run)[0].setting
    built = submission.build_submission(full_run, setting, "top1")
    assert built.content == full_run.submission.read_bytes()
    assert built.report.results == COUNT


def test_nothing_incomplete_is_built(tmp_path: Path) -> None:
    run = example_run.begin(tmp_path)
    example_run.train(run, epochs=1)
    example_run.evaluate(run, 30, done=12)
    with pytest.raises(InputError, match="18 of 30 candidates"):
        submission.build_submission(run, candidates.settings(run)[0].setting, "top1")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"{",
        b'{"arch1": NaN}',
        b"[" * 100_000,
        b"1" * 5000,
        b'{"a": {"acc": 1e999, "arch": 3}}',
    ],
    ids=["empty", "binary", "list", "cut off", "NaN", "deep", "huge number", "wrong types"],
)
def test_files_of_strangers_are_explained(full_run: RunFolder, content: bytes) -> None:
    report = submission.check_upload(full_run, "upload.json", content)
    assert report.problems
    assert all("upload.json" in problem or problem.startswith("...") for problem in report.problems)


def test_an_upload_is_held_against_the_candidates(full_run: RunFolder) -> None:
    entries = json.loads(full_run.submission.read_text())
    del entries["arch7"]
    entries["arch8"]["acc"] = 0.0
    entries["stranger"] = {"acc": 0.5, "arch": "12"}
    found = " ".join(submission.check_upload(full_run, "upload.json", json.dumps(entries).encode()).problems)
    for part in ("arch7", "arch8", "stranger"):
        assert part in found
