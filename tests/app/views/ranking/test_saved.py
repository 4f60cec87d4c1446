import json
import os
from pathlib import Path

import pytest

from app.views import ranking as views
from toolkit.errors import InputError
from toolkit.runs.folder import RunFolder


def test_no_report_is_none_and_a_damaged_one_is_explained(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    assert views.read_report(run) is None
    assert views.headline(run) is None
    for text in ("", "[]", '{"summary": 3}', "\x00", "[" * 5000):
        run.rank.write_text(text)
        with pytest.raises(InputError, match=r"rank\.json"):
            views.read_report(run)


def test_a_report_without_the_usual_metrics_is_explained(own_run: RunFolder) -> None:
    raw = json.loads(own_run.rank.read_text())
    del raw["priors"][0]["difference"]["kendall"]
    own_run.rank.write_text(json.dumps(raw))
    with pytest.raises(InputError, match="kendall is missing"):
        views.read_report(own_run)


def test_the_headline_is_the_reports(full_run: RunFolder) -> None:
    report = views.read_report(full_run)
    assert report is not None
    assert views.headline(full_run) == report.score.metrics["kendall"]


def test_a_report_from_before_the_truth_changed_is_no_headline(own_run: RunFolder) -> None:
    assert views.headline(own_run) is not None
    own_run.standalone.write_text("{}")
    os.utime(own_run.standalone, ns=(0, own_run.rank.stat().st_mtime_ns + 1_000_000_000))
    assert views.headline(own_run) is None
