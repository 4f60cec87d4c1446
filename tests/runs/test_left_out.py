from dataclasses import replace
from pathlib import Path

import pytest

from toolkit.data import open_dataset
from toolkit.runs.folder import RunFolder
from toolkit.runs.left_out import tell_what_was_left_out

DATA = open_dataset("digits")


def test_skipped_images_are_counted_and_named_and_all_are_in_a_file(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    names = tuple(f"train/ant/{number}.jpg" for number in range(1200))
    run = RunFolder(tmp_path)
    tell_what_was_left_out(replace(DATA, skipped=names, remarks=("zoo/eval is not read",)), run)
    remark, skipped = (record.getMessage() for record in caplog.records)
    assert remark == "zoo/eval is not read"
    assert skipped == (
        "1,200 images cannot be decoded: train/ant/0.jpg, train/ant/1.jpg, train/ant/2.jpg, ... "
        f"(all in {run.skipped_images})"
    )
    assert tuple(run.skipped_images.read_text().splitlines()) == names


def test_nothing_left_out_nothing_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    tell_what_was_left_out(DATA, RunFolder(tmp_path))
    assert not caplog.records
    assert not list(tmp_path.iterdir())
