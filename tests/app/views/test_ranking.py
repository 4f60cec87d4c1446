import json
from pathlib import Path

import pytest

from app.views import ranking as views
from toolkit.errors import InputError
from toolkit.ranking.report import RankReport
from toolkit.training.run import RunFolder


def test_estimates_list_the_score_before_its_priors(full_run: RunFolder) -> None:
    report = views.read_report(full_run)
    assert report is not None
    table = views.estimates(report)
    assert table["estimator"].unique().tolist()[:3] == ["score", "MACs", "parameters"]
    assert table["metric"].nunique() == 3
    assert (table["low"] <= table["value"]).all()
    assert views.differences(report)["estimator"].unique().tolist()[:2] == ["score − MACs", "score − parameters"]


def test_undefined_numbers_are_gaps(full_run: RunFolder) -> None:
    report = views.read_report(full_run)
    assert report is not None
    raw = report.model_dump()
    raw["score"]["metrics"]["kendall"] = {"value": None, "low": None, "high": None}
    assert views.estimates(RankReport.model_validate(raw))["value"].isna().sum() == 1


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


def test_predictions_match_by_code(full_run: RunFolder) -> None:
    table = views.predictions(full_run)
    assert len(table) == 60
    assert table["code"].is_unique
    assert table["true"].between(0, 1).all()
